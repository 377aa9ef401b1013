import { join, relative, resolve } from 'node:path';
import type { Environment } from '@latchkey/runtime';
import { readConfig } from './config';
import type { Standalone } from './start-standalone';

const EXAMPLE = resolve(__dirname, '../../../docs/examples/four-systems.xml');

/** What a person wants to know first, in a dozen lines. */
export function welcome(system: Standalone, environment: Environment, workingDirectory = process.cwd()): string {
  const { DATA_DIR, NATS_URL, DYNAMODB_TABLE, KMS_KEY_ID } = readConfig(environment);
  const data = resolve(workingDirectory, DATA_DIR);
  const rows = [
    ['SPEKE', `${system.spekeUrl}/copyProtection`],
    ['keys for players', `${system.deliveryUrl}/keys/{tenant}/{contentId}/{kid}`],
    ['console', system.consoleUrl],
    ['bus', NATS_URL ? 'NATS' : 'in memory'],
    ['keys are kept in', DYNAMODB_TABLE ? `DynamoDB table ${DYNAMODB_TABLE}` : join(data, '/')],
    ['keys are wrapped by', KMS_KEY_ID ? 'KMS' : `a local key in ${join(data, '/')}`],
  ] as const;
  return [
    '',
    'Latchkey, one-machine mode: every service in this process.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(20)} ${value}`),
    '',
    'A SPEKE 2.0 request, to paste into another terminal:',
    '',
    `  ${curl(system, example(workingDirectory))}`,
    '',
    'LOG_LEVEL=info npm start shows each exchange. Ctrl-C stops.',
    '',
  ].join('\n');
}

function curl(system: Standalone, document: string): string {
  return `curl -s ${system.spekeUrl}/copyProtection -H 'X-Speke-Version: 2.0' -H 'Content-Type: application/xml' --data-binary @${document}`;
}

/** Short where it can be: next to where the server was started. */
function example(workingDirectory: string): string {
  const near = relative(workingDirectory, EXAMPLE);
  return near.startsWith('..') ? EXAMPLE : near;
}
