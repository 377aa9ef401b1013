import { runOnBus } from '@latchkey/bus';
import { startKeyDelivery } from './index';

void runOnBus('key-delivery', startKeyDelivery);
