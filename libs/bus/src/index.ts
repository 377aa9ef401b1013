export { type Bus, type Call } from './bus';
export { Deadline } from './deadline';
