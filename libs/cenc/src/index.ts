export { CencError, type CencErrorCode } from './error';
export { CONTENT_KEY_BYTES, ContentKey } from './content-key';
export { EXPLICIT_IV_BYTES, parseExplicitIv } from './initialization-vector';
export { isKeyId, keyIdBytes, keyIdFromBytes, keyIdGuidBytes, parseKeyId, type KeyId } from './key-id';
export { playReadyTestKey } from './playready-test-key';
export {
  isProtectionScheme,
  PROTECTION_SCHEMES,
  protectionSchemeCode,
  type ProtectionScheme,
} from './protection-scheme';
export { encodePsshBox, parsePsshBox, type PsshBox } from './pssh-box';
export { CLEAR_KEY_SYSTEMS, isSystemId, parseSystemId, SYSTEM_IDS, type SystemId } from './system-id';
export { SYSTEM_NAMES } from './system-names';
export { formatUuid, isUuid, uuidBytes } from './uuid';
