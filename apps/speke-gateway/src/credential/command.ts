import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { ENTRIES, newCredentialsKey, newSecret } from './entries';

/**
 * `npm run credential -- <method> --id <id> …`: prints an entry for `encryptors` of the tenants file, and the secret if one
 * was made. A secret is read from standard input, never from the command line, where `ps` and the shell's history show it.
 */
const USAGE = `npm run credential -- basic   --id <id> --user <name>
npm run credential -- digest  --id <id> --user <name> [--md5]     --md5: for encoders that cannot SHA-256
npm run credential -- api-key --id <id> [--header <name>]
npm run credential -- sigv4   --id <id> --key-file <CREDENTIALS_KEY_FILE>
npm run credential -- key     --key-file <file>                   makes a CREDENTIALS_KEY_FILE

--ask: read the secret from standard input in place of making one.`;

void main();

async function main(): Promise<void> {
  const { positionals, values } = readArguments();
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  const method = positionals[0] ?? '';
  if (method === 'key') return makeKey(need(values['key-file'], '--key-file'));
  const make = Object.hasOwn(ENTRIES, method) ? ENTRIES[method] : undefined;
  if (!make) fail(USAGE);
  const secret = values.ask ? await askSecret() : newSecret();
  const credential = await make({
    id: need(values.id, '--id'),
    user: method === 'basic' || method === 'digest' ? need(values.user, '--user') : '',
    header: values.header ?? 'x-api-key',
    keyFile: method === 'sigv4' ? need(values['key-file'], '--key-file') : '',
    md5: values.md5 ?? false,
    secret,
    random: !values.ask,
  });
  process.stdout.write(stringify([credential]));
  if (!values.ask) process.stderr.write(`\nThe secret, shown once: ${secret}\n`);
}

function readArguments() {
  const text = { type: 'string' } as const;
  const yes = { type: 'boolean' } as const;
  try {
    return parseArgs({
      allowPositionals: true,
      options: { id: text, user: text, header: text, 'key-file': text, md5: yes, ask: yes, help: yes },
    });
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${USAGE}`);
  }
}

/** Only for its owner, and never over one that is there: what is wrapped under it would be lost. */
function makeKey(path: string): void {
  writeFileSync(path, `${newCredentialsKey()}\n`, { mode: 0o600, flag: 'wx' });
  process.stderr.write(`${path} made: keep a copy, and give it to every gateway.\n`);
}

async function askSecret(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    return need(line.trim(), 'a secret on standard input');
  }
  return fail('there was no secret on standard input');
}

function need(value: string | undefined, what: string): string {
  return value || fail(`${what} is missing\n\n${USAGE}`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(64);
}
