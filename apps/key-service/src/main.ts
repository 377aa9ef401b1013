import { runOnBus } from '@latchkey/bus';
import { startKeyService } from './index';

void runOnBus('key-service', startKeyService);
