import { runOnBus } from '@latchkey/bus';
import { startSignalingClearkey } from './index';

void runOnBus('signaling-clearkey', startSignalingClearkey);
