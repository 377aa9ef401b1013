export { MIN_RSA_BITS, readCertificate, type RecipientCertificate } from './certificate';
export { CpixError, type CpixErrorCode, type Place } from './error';
export {
  encryptForRecipients,
  type DocumentEncryption,
  type EncryptedSecret,
  type RecipientKeys,
} from './key-encryption';
export { DEFAULT_LIMITS, type DocumentLimits } from './limits';
export {
  attribute,
  childElements,
  placeOf,
  textOf,
  type XmlAttribute,
  type XmlElement,
  type XmlNode,
} from './xml-element';
