import { runOnBus } from '@latchkey/bus';
import { startSignalingPlayready } from './index';

void runOnBus('signaling-playready', startSignalingPlayready);
