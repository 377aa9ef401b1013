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
export { newCertificateRequest, newRecipient, openRsa, type Recipient } from './recipient';
export { elementsNamed, readXmlTree, type TreeElement } from './xml-tree';
export { natsServerPresent, startNatsServer, type NatsServer, type NatsServerOptions } from './nats-server';
export { dynamoDbLocalMissing, LOCAL_AWS, startDynamoDbLocal, type DynamoDbLocal } from './dynamodb-local';
export { startFaultProxy, type FaultProxy, type FaultRule, type WireFault } from './fault-proxy';
export { startKms, startKmsEndpoint, type KmsAction, type KmsEndpoint } from './kms-endpoint';
export { ensureBuilt } from './ensure-built';
export { eventually } from './eventually';
export { freePort } from './free-port';
export { temporaryDirectory } from './temporary-directory';
