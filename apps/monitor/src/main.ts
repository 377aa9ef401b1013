import { runOnBus } from '@latchkey/bus';
import { startMonitor } from './index';

void runOnBus('monitor', startMonitor);
