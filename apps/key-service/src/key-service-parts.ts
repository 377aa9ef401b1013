import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline, Outbox, type BusConnection } from '@latchkey/bus';
import { SealingIdentity } from '@latchkey/messages';
import type { Logger, ServiceContext } from '@latchkey/runtime';
import type { TenantDirectory } from '@latchkey/tenants';
import { AuditRelay } from './audit/audit-relay';
import { AUDIT_CONTEXT, AuditTrail, macKeyOf } from './audit/audit-trail';
import { AuditWriter } from './audit/audit-writer';
import type { KeyServiceConfig } from './config';
import { tellTenants } from './configuration-news';
import { ContentDescriber } from './describing/content-describer';
import { DocumentShelf } from './documents/document-shelf';
import { ImportSealing } from './importing/import-sealing';
import { KeyImporter } from './importing/key-importer';
import { DerivedKeys } from './issuing/derived-keys';
import { KeyIssuer } from './issuing/key-issuer';
import { randomKeys } from './issuing/key-source';
import { playReadyTestKeys } from './issuing/playready-test-keys';
import { KeyReleaser } from './releasing/key-releaser';
import { KeyRevoker } from './revoking/key-revoker';
import { openDynamoDbKeyStore } from './store/dynamodb-key-store';
import { openEmbeddedKeyStore } from './store/embedded-key-store';
import type { KeyStore } from './store/key-store';
import { KeyVault } from './wrapping/key-vault';
import { KeyWrapper } from './wrapping/key-wrapper';
import { openKmsMasterKey } from './wrapping/kms-master-key';
import { openLocalMasterKey } from './wrapping/local-master-key';
import { SecretVault } from './wrapping/secret-vault';
import type { MasterKey } from './wrapping/master-key';

/** What the key service is made of, wired. */
export interface KeyServiceParts {
  readonly issuer: KeyIssuer;
  readonly releaser: KeyReleaser;
  readonly importer: KeyImporter;
  readonly importSealing: ImportSealing;
  readonly revoker: KeyRevoker;
  readonly describer: ContentDescriber;
  readonly shelf: DocumentShelf;
  readonly audit: AuditWriter;
  readonly store: KeyStore;
  readonly masterKey: MasterKey;
  readonly wrapper: KeyWrapper;
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 5_000;
const BACKGROUND_MS = 5_000;
const UPKEEP_MS = 60_000;

/** Throws MasterKeyFileError. */
export function openKeyServiceParts(
  config: KeyServiceConfig,
  tenants: TenantDirectory,
  context: ServiceContext,
  connection: BusConnection,
): KeyServiceParts {
  const { logger } = context;
  // The master key first: whether it may be made depends on whether there are keys already.
  const masterKey = openMasterKey(config, logger);
  const store = openStore(config, logger);
  const wrapper = new KeyWrapper(masterKey, {
    maxAgeMs: config.DATA_KEY_MAX_AGE_SECONDS * 1_000,
    maxMessages: config.DATA_KEY_MAX_MESSAGES,
    maxBytes: config.DATA_KEY_MAX_BYTES,
    maxCached: config.DATA_KEY_CACHE,
    maxOpened: config.OPENED_KEY_CACHE,
  });
  const trail = new AuditTrail(store, {
    instance: context.instance,
    dataKey: (deadline) => wrapper.ownDataKey(AUDIT_CONTEXT, deadline),
  });
  const relay = new AuditRelay(store, trail, {
    logger,
    publish: (contract, event, text) => connection.publish(contract, event, text),
    macKeyOf: async ({ encryptedDataKey }) =>
      macKeyOf(await masterKey.decrypt(encryptedDataKey, AUDIT_CONTEXT, BACKGROUND_MS)),
    // One process has the embedded store: any other writer in it has ended.
    deadAfterMs: store.name === 'embedded' ? 0 : 30_000,
  });
  const audit = new AuditWriter(store, trail, relay, logger, config.AUDIT_FAIL_OPEN);

  const answering = answerers({
    store,
    vault: new KeyVault(wrapper),
    secrets: new SecretVault(store, wrapper),
    audit,
    tenants,
    maxAgeMs: config.DATA_KEY_MAX_AGE_SECONDS * 1_000,
  });
  relay.start();
  const outbox = new Outbox(logger);
  tellTenants(config, tenants, context, { bus: connection, outbox });
  const upkeep = keepUp(store, wrapper, logger);
  return {
    ...answering,
    store,
    masterKey,
    wrapper,
    close: async () => {
      clearInterval(upkeep);
      await Promise.all([relay.stop(Deadline.in(CLOSE_WITHIN_MS)), outbox.close()]);
      wrapper.close();
      masterKey.close();
      tenants.close();
      await store.close();
    },
  };
}

interface Shared {
  readonly store: KeyStore;
  readonly vault: KeyVault;
  readonly secrets: SecretVault;
  readonly audit: AuditWriter;
  readonly tenants: TenantDirectory;
  readonly maxAgeMs: number;
}

type Answerers = Pick<
  KeyServiceParts,
  'issuer' | 'releaser' | 'importer' | 'importSealing' | 'revoker' | 'describer' | 'shelf' | 'audit'
>;

function answerers(shared: Shared): Answerers {
  const sealing = new SealingIdentity();
  const importSealing = new ImportSealing(shared.secrets);
  const sources = {
    random: randomKeys,
    derived: new DerivedKeys(shared.secrets, shared.maxAgeMs),
    'playready-test-seed': playReadyTestKeys,
  };
  return {
    issuer: new KeyIssuer({ ...shared, sealing, sources }),
    releaser: new KeyReleaser({ ...shared, sealing }),
    importer: new KeyImporter({ ...shared, sealing: importSealing }),
    importSealing,
    revoker: new KeyRevoker(shared),
    describer: new ContentDescriber(shared.store),
    shelf: new DocumentShelf(shared.store),
    audit: shared.audit,
  };
}

/** As the environment says: DynamoDB, or the embedded store in DATA_DIR. */
export function openStore(config: KeyServiceConfig, logger: Logger): KeyStore {
  return config.DYNAMODB_TABLE
    ? openDynamoDbKeyStore({ table: config.DYNAMODB_TABLE, attemptMs: config.AWS_ATTEMPT_MS, logger })
    : openEmbeddedKeyStore(join(config.DATA_DIR, 'keys'));
}

/** As the environment says: a KMS key, or a file in DATA_DIR. Throws MasterKeyFileError. */
export function openMasterKey(config: KeyServiceConfig, logger: Logger): MasterKey {
  if (config.KMS_KEY_ID) {
    return openKmsMasterKey({
      keyId: config.KMS_KEY_ID,
      oldKeyIds: config.KMS_OLD_KEY_IDS,
      attemptMs: config.AWS_ATTEMPT_MS,
      logger,
    });
  }
  const path = join(config.DATA_DIR, 'master.key');
  return openLocalMasterKey(path, !existsSync(join(config.DATA_DIR, 'keys')));
}

function keepUp(store: KeyStore, wrapper: KeyWrapper, logger: Logger): NodeJS.Timeout {
  const timer = setInterval(() => {
    wrapper.purge();
    store.sweep(Date.now()).catch((err: unknown) => logger.warn({ err }, 'expired keys are not yet deleted'));
  }, UPKEEP_MS);
  return timer.unref();
}
