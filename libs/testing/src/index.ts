export { badInputFixtures, spekeFixture, spekeFixtures, type BadInputFixture, type SpekeFixture } from './fixtures';
export { Encryptor, type CertificateOptions, type EncryptorReply } from './encryptor';
export { readSpekeAnswer, type AnsweredContentKey, type AnsweredSystem, type SpekeAnswer } from './speke-answer';
export {
  SPEKE_1_SYSTEMS,
  SPEKE_2_SYSTEMS,
  spekeDocument,
  type DocumentWish,
  type WantedKey,
  type WantedSystem,
} from './speke-document';
export { elementsNamed, readXmlTree, type TreeElement } from './xml-tree';
