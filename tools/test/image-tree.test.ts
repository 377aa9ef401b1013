import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  eventually,
  freePort,
  temporaryDirectory,
  dynamoDbLocalMissing,
  Encryptor,
  natsServerPresent,
  SPEKE_2_SYSTEMS,
  startDynamoDbLocal,
  startNatsServer,
} from '@latchkey/testing';
import { parse } from 'yaml';

const SCRIPT = join(__dirname, '../../deploy/docker/image-tree.mjs');
const APPS = ['key-service', 'signaling-widevine', 'speke-gateway'] as const;
const MOST_MEGABYTES = 80;
const KEY_ID = '7b1d36a5-0c52-4e0b-8a3f-5d8f7f2f9d61';

const dynamoDbMissing = missingDynamoDb();

/** What images hold, without a Docker engine: the script that the Dockerfile runs, and apps run from its folders alone. */
describe('the tree of an image', () => {
  // Outside the checkout: what a tree lacks must not be found further up.
  const folder = temporaryDirectory();
  const treeOf = (app: string) => join(folder, app);

  beforeAll(() => {
    const wanted = APPS.flatMap((app) => [app, treeOf(app)]);
    const made = spawnSync(process.execPath, [SCRIPT, ...wanted], { encoding: 'utf8' });
    expect([made.stderr, made.status]).toEqual(['', 0]);
  });

  it.each(APPS)('of %s is small, and holds nothing that only builds and tests need', (app) => {
    const files = filesBelow(treeOf(app));
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    expect(bytes / 2 ** 20).toBeLessThan(MOST_MEGABYTES);
    const needless =
      /\/node_modules\/(typescript|jest|nx|vite|@swc|@latchkey\/testing)\/|\.d\.ts$|@latchkey\/[^/]+\/(src|test)\//;
    expect(files.filter((file) => needless.test(file))).toEqual([]);
  });

  it('keeps manifests and licences, so that what is in it can be told', () => {
    const zod = filesBelow(join(treeOf('speke-gateway'), 'node_modules/zod'));
    expect(zod).toEqual(expect.arrayContaining([expect.stringMatching(/\/package\.json$/)]));
    expect(zod).toEqual(expect.arrayContaining([expect.stringMatching(/\/LICENSE$/)]));
  });

  (dynamoDbMissing ? it.skip : it)(
    'makes the key table as docker-compose.yml has it made, and again does no harm',
    async () => {
      const dynamoDb = await startDynamoDbLocal();
      try {
        const { entrypoint, environment } = keyTable();
        const [, ...args] = entrypoint.map((part) => part.replace('/app', treeOf('key-service')));
        const env = { PATH: process.env['PATH'] ?? '', ...environment, AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint };
        for (let time = 1; time <= 2; time++) {
          const made = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
          expect([made.status, made.stdout]).toEqual([0, 'latchkey-keys is there\n']);
        }
      } finally {
        await dynamoDb.close();
      }
    },
  );

  (natsServerPresent() ? it : it.skip)(
    'answers a SPEKE request: three trees on one bus, ready by their own health check, and nothing written into them',
    async () => {
      const before = APPS.map((app) => fingerprint(treeOf(app)));
      const nats = await startNatsServer();
      const spekePort = String(await freePort());
      const environment = { NATS_URL: nats.url, DATA_DIR: join(folder, 'data'), SPEKE_PORT: spekePort };
      const images = await Promise.all(APPS.map((app) => runImage(treeOf(app), environment)));
      try {
        for (const image of images) await image.ready();
        const encryptor = await Encryptor.create();
        const reply = await encryptor.ask(
          `http://127.0.0.1:${spekePort}/copyProtection`,
          {
            version: '2.0',
            contentId: 'from-an-image',
            keys: [{ keyId: KEY_ID }],
            systems: [SPEKE_2_SYSTEMS.widevine],
          },
          { encrypted: true },
        );
        const document = await reply.document();
        expect(document.keys).toEqual([expect.objectContaining({ keyId: KEY_ID, encrypted: true })]);
        expect(document.systems[0]?.items.get('PSSH')).toMatch(/^AAAA/);
        await Promise.all(images.map((image) => image.stop()));
        expect(images.map((image) => image.process.exitCode)).toEqual([0, 0, 0]);
      } finally {
        for (const image of images) image.process.kill('SIGKILL');
        await nats.stop();
      }
      expect(APPS.map((app) => fingerprint(treeOf(app)))).toEqual(before);
    },
  );
});

/** The service of docker-compose.yml that runs before key-service. */
function keyTable() {
  const compose = parse(readFileSync(join(__dirname, '../../docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: { 'key-table': { entrypoint: string[]; environment: Record<string, string> } };
  };
  return compose.services['key-table'];
}

function missingDynamoDb(): boolean {
  const why = dynamoDbLocalMissing();
  if (why && process.env['CI']) throw new Error(why);
  if (why) console.warn(`skipped: ${why}`);
  return why !== undefined;
}

/** However busy the machine is that runs the tests. */
const PATIENT = { BUS_PATIENCE: '30', SPEKE_DEADLINE_MS: '29000' };

/** As the image's ENTRYPOINT and HEALTHCHECK do it, with an environment of its own. */
async function runImage(tree: string, given: Readonly<Record<string, string>>) {
  const { PATH = '' } = process.env;
  const run = process.env['LATCHKEY_TEST_RUN'];
  const env = { PATH, NODE_ENV: 'production', ...PATIENT, HEALTH_PORT: String(await freePort()), ...given };
  const options = { cwd: tree, env: run ? { ...env, LATCHKEY_TEST_RUN: run } : env };
  const child = spawn(process.execPath, [join(tree, 'main.js')], { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return {
    process: child as ChildProcess,
    ready: async () => {
      await eventually(() => {
        if (child.exitCode !== null) throw new Error(`${tree} ended with ${child.exitCode}: ${said}`);
        return spawnSync(process.execPath, [join(tree, 'healthcheck.js')], options).status === 0;
      });
    },
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function fingerprint(folder: string): string {
  return filesBelow(folder)
    .map((file) => `${file} ${statSync(file).mtimeMs}`)
    .sort()
    .join('\n');
}
