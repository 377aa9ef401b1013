import { runOnBus } from '@latchkey/bus';
import { startSignalingFairplay } from './index';

void runOnBus('signaling-fairplay', startSignalingFairplay);
