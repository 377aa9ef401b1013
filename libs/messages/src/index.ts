export { defineEvent, defineRequest, type EventContract, type RequestContract } from './contract';
export * from './events';
export { Fault, FAULTS, isFaultCode, type FaultCode } from './fault';
export {
  base64,
  contentId,
  exchangeId,
  keyId,
  keyPeriod,
  protectionScheme,
  requester,
  spekeVersion,
  systemId,
  tenantId,
  type KeyPeriod,
  type Requester,
  type SpekeVersion,
} from './fields';
export * from './keys';
export { eventSource, newEvent, type CloudEvent, type NewEvent } from './new-event';
export { newId } from './new-id';
export * from './signaling';
export { SERVICES, type ServiceName, type ServiceRole } from './services';
export { SealingIdentity, SealingPair, type SealAllContext, type SealContext } from './sealed-key';
