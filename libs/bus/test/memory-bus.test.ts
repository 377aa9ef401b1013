import { memoryBus, twoThreadsBus } from './bus-under-test';
import { itIsABus } from './bus.conformance';

describe('the bus in memory', () => {
  const bus = memoryBus();
  itIsABus(() => bus);
});

describe('the bus of two threads', () => {
  const bus = twoThreadsBus();
  itIsABus(() => bus);
});
