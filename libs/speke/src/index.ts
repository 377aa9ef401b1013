export { answerSpekeRequest, type AnsweredKey, type AnswerParts, type KeySignaling, type TrackPolicy } from './answer';
export { CATALOGUE, type CatalogueEntry, type FaultCode } from './catalogue';
export { describeRejection, SpekeRejection, type SpekeFault } from './rejection';
export {
  HLS_METHODS,
  parseSpekeRequest,
  SIGNALING_ITEMS,
  type HlsMethod,
  type KeyPeriod,
  type ParseOptions,
  type RequestedKey,
  type RequestedSystem,
  type RequestPolicy,
  type SignalingItem,
  type SpekeRequest,
} from './request';
export { SPEKE_VERSIONS, spekeVersionOf, type SpekeVersion } from './version';
