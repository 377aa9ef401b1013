import { memoryBus } from './bus-under-test';
import { itIsABus } from './bus.conformance';

describe('the bus in memory', () => {
  const bus = memoryBus();
  itIsABus(() => bus);
});
