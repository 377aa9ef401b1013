export { type Bus, type BusConnection, type Call } from './bus';
export { connectBus } from './connect-bus';
export { Deadline } from './deadline';
export { Answers, Hears, type HearsOptions } from './decorators';
export { MemoryHub } from './memory-hub';
export { NoResponders } from './no-responders';
export { busCheck, runOnBus } from './run-on-bus';
export { nestLogger, startAnswering } from './start-answering';
