import { runOnBus } from '@latchkey/bus';
import { startSignalingWidevine } from './index';

void runOnBus('signaling-widevine', startSignalingWidevine);
