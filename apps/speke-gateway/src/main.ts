import { runOnBus } from '@latchkey/bus';
import { startSpekeGateway } from './index';

void runOnBus('speke-gateway', startSpekeGateway);
