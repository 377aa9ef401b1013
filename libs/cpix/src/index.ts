export { MIN_RSA_BITS, readCertificate, type CertificateOptions, type RecipientCertificate } from './certificate';
export { CpixError, type CpixErrorCode, type Place } from './error';
export {
  ENCRYPTION_ALGORITHMS,
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
export { customaryPrefix, NAMESPACES, type CustomaryPrefix } from './namespaces';
export { parseXml } from './xml-reader';
export { serialiseXml } from './xml-writer';
export { isCpixRoot, listsOf, membersOf, structureFaults, type CpixLists, type StructureFault } from './structure';
export { base64Element, encryptedValue, newAttribute, newElement } from './new-element';
