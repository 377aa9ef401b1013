import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { connectBus, Deadline } from '@latchkey/bus';
import { parseKeyId } from '@latchkey/cenc';
import { createContext, EnvironmentError, type ServiceContext } from '@latchkey/runtime';
import { republishAudit } from './audit/republish-audit';
import { verifyAudit } from './audit/verify-audit';
import { readKeyServiceConfig, type KeyServiceConfig } from './config';
import { ROOT_SECRET_BYTES, rootSecretName } from './issuing/derived-keys';
import { openMasterKey, openStore } from './key-service-parts';
import { createKeyTable } from './store/dynamodb-table';
import type { KeyStore } from './store/key-store';
import { KeyWrapper } from './wrapping/key-wrapper';
import type { MasterKey } from './wrapping/master-key';
import { reencryptDataKeys } from './wrapping/reencrypt';
import { SecretVault } from './wrapping/secret-vault';

/** What an operator does to the key store from outside the service: `npm run keys -- <command>` (docs/keys.md). */
interface Command {
  readonly usage: string;
  /** It is about a store that must be there: a wrong DATA_DIR must not pass for an empty one. */
  readonly ofExistingStore?: true;
  run(places: Places, args: readonly string[]): Promise<unknown>;
}

/** Opened when a command first asks for them. */
interface Places {
  readonly context: ServiceContext;
  readonly config: KeyServiceConfig;
  readonly store: KeyStore;
  readonly masterKey: MasterKey;
}

const WITHIN_MS = 10_000;
const within = () => Deadline.in(WITHIN_MS);

const COMMANDS: Readonly<Record<string, Command>> = {
  'create-table': {
    usage:
      'create-table: the DynamoDB table of DYNAMODB_TABLE, with time to live, point-in-time recovery and deletion protection',
    run: async ({ config }) => {
      if (!config.DYNAMODB_TABLE) throw new UsageError('DYNAMODB_TABLE is not set');
      await createKeyTable(new DynamoDBClient({}), config.DYNAMODB_TABLE);
      return { table: config.DYNAMODB_TABLE };
    },
  },
  reencrypt: {
    usage: 'reencrypt: puts every stored data key under the master key that is current now (KMS_KEY_ID)',
    ofExistingStore: true,
    run: ({ store, masterKey }) => reencryptDataKeys(store, masterKey),
  },
  'verify-audit': {
    usage: 'verify-audit: which audit records were cut out or altered; exits 1 if any were',
    ofExistingStore: true,
    run: async ({ store, masterKey }) => {
      const verdict = await verifyAudit(store, masterKey);
      if (verdict.findings.some(({ fault }) => fault !== 'unsettled')) process.exitCode = 1;
      return verdict;
    },
  },
  republish: {
    usage: 'republish: publishes every audit record once more (NATS_URL), after the bus has lost its store',
    ofExistingStore: true,
    run: async ({ context, store }) => {
      const connection = await connectBus(context);
      try {
        return { published: await republishAudit(store, (contract, event) => connection.publish(contract, event)) };
      } finally {
        await connection.close();
      }
    },
  },
  find: {
    usage: 'find <tenant> <key ID>: the contents that have a key of that ID',
    ofExistingStore: true,
    run: async ({ store }, [tenant, keyId]) => {
      if (!tenant || !keyId) throw new UsageError('find <tenant> <key ID>');
      return { contents: await store.find(tenant, parseKeyId(keyId), within()) };
    },
  },
  root: {
    usage: 'root <tenant> <version>: makes a root secret for derived keys; versions are 1, 2, …',
    run: async ({ store, masterKey }, args) => {
      const { tenant, version } = tenantAndVersion(args);
      const secret = randomBytes(ROOT_SECRET_BYTES);
      const secrets = new SecretVault(store, new KeyWrapper(masterKey));
      const created = await secrets.create(tenant, rootSecretName(version), secret, within());
      secret.fill(0);
      return { tenant, version, created };
    },
  },
  'export-root': {
    usage: 'export-root <tenant> <version>: prints the root secret, wrapped, for import-root in another region',
    ofExistingStore: true,
    run: async ({ store }, args) => {
      const { tenant, version } = tenantAndVersion(args);
      const wrapped = await store.getSecret(tenant, rootSecretName(version), within());
      if (!wrapped) throw new UsageError(`tenant ${tenant} has no root secret of version ${version}`);
      const { encryptedDataKey, box } = wrapped;
      return { tenant, version, dataKey: encryptedDataKey.toString('base64'), box: box.toString('base64') };
    },
  },
  'import-root': {
    usage: 'import-root: takes in what export-root printed, from standard input; this region must be able to unwrap it',
    run: async ({ store, masterKey }) => {
      const read = JSON.parse(await text(process.stdin)) as Record<'tenant' | 'version' | 'dataKey' | 'box', string>;
      const { tenant, version } = tenantAndVersion([read.tenant, read.version]);
      const wrapped = { encryptedDataKey: Buffer.from(read.dataKey, 'base64'), box: Buffer.from(read.box, 'base64') };
      const secrets = new SecretVault(store, new KeyWrapper(masterKey));
      await secrets.check(tenant, rootSecretName(version), wrapped, within());
      return { tenant, version, created: await store.createSecret(tenant, rootSecretName(version), wrapped, within()) };
    },
  },
};

class UsageError extends Error {}

void main(process.argv.slice(2));

async function main([name = '', ...args]: readonly string[]): Promise<void> {
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) throw new UsageError(`npm run keys -- <command>\n${usages()}`);
    const context = createContext('keys-command', { LOG_LEVEL: 'warn', ...process.env });
    const places = openPlaces(context);
    if (command.ofExistingStore) insistOnStore(places.config);
    process.stdout.write(`${JSON.stringify(await command.run(places, args), null, 2)}\n`);
    await places.close();
  } catch (error) {
    const expected = error instanceof UsageError || error instanceof EnvironmentError;
    process.stderr.write(`${expected ? error.message : String(error)}\n`);
    process.exitCode = expected ? 64 : 1;
  }
}

function insistOnStore({ DYNAMODB_TABLE, DATA_DIR }: KeyServiceConfig): void {
  if (DYNAMODB_TABLE !== undefined || existsSync(join(DATA_DIR, 'keys'))) return;
  throw new UsageError(`There is no key store in ${DATA_DIR}: DATA_DIR or DYNAMODB_TABLE says where it is`);
}

function openPlaces(context: ServiceContext): Places & { close(): Promise<void> } {
  const config = readKeyServiceConfig(context.environment);
  let store: KeyStore | undefined;
  let masterKey: MasterKey | undefined;
  return {
    context,
    config,
    get masterKey() {
      return (masterKey ??= openMasterKey(config, context.logger));
    },
    get store() {
      masterKey ??= openMasterKey(config, context.logger);
      return (store ??= openStore(config, context.logger));
    },
    close: async () => {
      await store?.close();
      masterKey?.close();
    },
  };
}

function tenantAndVersion([tenant, version]: readonly (string | undefined)[]): { tenant: string; version: number } {
  const number = Number(version);
  if (!tenant || !Number.isInteger(number) || number < 1) throw new UsageError('<tenant> <version>');
  return { tenant, version: number };
}

function usages(): string {
  return Object.values(COMMANDS)
    .map(({ usage }) => `  ${usage}`)
    .join('\n');
}
