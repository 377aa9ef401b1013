import { createWriteStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { Environment } from '@latchkey/runtime';
import { readMonitorConfig } from '../config';
import type { MonitorStores } from '../store/monitor-stores';
import { openStores } from '../store/open-stores';
import { EXPORT_FORMATS, exportLedger, type ExportFormat } from './export-ledger';
import type { ChainHead } from './ledger-record';
import { verifyLedger, type Verification } from './verify-ledger';

const USAGE = `npm run ledger -- <command>
  verify  [--tenant T]... [--anchor CHAIN:INDEX:HASH]...
          Proves every chain; names what is missing or was altered, the first first. An anchor is a head that
          was noted down before (verify prints them): it proves that no end was cut off.
  export  [--format csv|ndjson] [--tenant T]... [--from TIME] [--to TIME] [--output FILE]
          Records in the order of their chains, to standard output or a file.
  heads   Where each chain stands, to be noted down as anchors.
  create-table [--unprotected]
          Makes the DynamoDB table that DYNAMODB_LEDGER_TABLE names. Unprotected is for DynamoDB Local, which knows
          neither deletion protection nor point-in-time recovery.
The ledger is the one that DATA_DIR or DYNAMODB_LEDGER_TABLE says; it may be in use.
`;

export interface Terminal {
  readonly out: Writable;
  readonly error: Writable;
}

class UsageError extends Error {}

/** Exit status: 0 all well, 1 the ledger is not whole, 2 not understood. */
export async function runLedgerCommand(
  args: readonly string[],
  environment: Environment,
  terminal: Terminal,
): Promise<number> {
  try {
    return await run(args, environment, terminal);
  } catch (error) {
    if (!(error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')))
      throw error;
    terminal.error.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
}

async function run(args: readonly string[], environment: Environment, terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help) {
    terminal.out.write(USAGE);
    return 0;
  }
  const command = COMMANDS[positionals[0] ?? ''];
  if (!command || positionals.length > 1) throw new UsageError('Which command?');
  return command(values, environment, terminal);
}

const OPTIONS = {
  tenant: { type: 'string', multiple: true },
  anchor: { type: 'string', multiple: true },
  format: { type: 'string', default: 'ndjson' },
  from: { type: 'string' },
  to: { type: 'string' },
  output: { type: 'string' },
  unprotected: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
} as const;
type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

const COMMANDS: Readonly<
  Record<string, (values: Values, environment: Environment, terminal: Terminal) => Promise<number>>
> = {
  verify: verify,
  export: exportAll,
  heads,
  'create-table': createTable,
};

async function verify({ tenant, anchor }: Values, environment: Environment, { out }: Terminal): Promise<number> {
  const anchors = new Map((anchor ?? []).map(readAnchor));
  const stores = openLedger(environment);
  try {
    const found = await verifyLedger(stores.ledger, { anchors, chains: tenant });
    for (const text of describe(found)) out.write(`${text}\n`);
    return found.broken.length > 0 || found.gaps.length > 0 ? 1 : 0;
  } finally {
    await stores.close();
  }
}

function* describe({ chains, broken, gaps }: Verification): Generator<string> {
  for (const { chain, records, head } of chains) {
    yield `${chain}: ${records} records; head ${chain}:${head.index}:${head.hash}`;
  }
  for (const { chain, index, why } of broken) yield `BROKEN ${chain}: record ${index} is ${WORDS[why]}`;
  for (const { writer, from, to, why } of gaps) {
    const numbers = from === to ? `number ${from}` : `numbers ${from} to ${to}`;
    yield why === 'missing' ? `GAP ${writer}: ${numbers} never came` : `DOUBLE ${writer}: ${numbers} came twice`;
  }
  yield broken.length + gaps.length === 0 ? 'The ledger is whole.' : 'The ledger is NOT whole.';
}

const WORDS = {
  missing: 'missing',
  altered: 'altered',
  'does not follow the one before': 'not linked to the one before it',
  'not an entry': 'not an entry of the ledger',
} as const;

async function exportAll(values: Values, environment: Environment, { out }: Terminal): Promise<number> {
  const format = EXPORT_FORMATS.find((known): known is ExportFormat => known === values.format);
  if (!format) throw new UsageError(`--format is ${EXPORT_FORMATS.join(' or ')}`);
  const range = { from: readTime('--from', values.from), to: readTime('--to', values.to) };
  const stores = openLedger(environment);
  try {
    const text = Readable.from(exportLedger(stores.ledger, { format, chains: values.tenant, ...range }));
    if (values.output === undefined) await pipeline(text, out, { end: false });
    else await pipeline(text, createWriteStream(values.output, { mode: 0o600 }));
    return 0;
  } finally {
    await stores.close();
  }
}

async function heads(_: Values, environment: Environment, { out }: Terminal): Promise<number> {
  const stores = openLedger(environment);
  try {
    for (const [chain, { index, hash }] of await stores.ledger.chains()) out.write(`${chain}:${index}:${hash}\n`);
    return 0;
  } finally {
    await stores.close();
  }
}

async function createTable({ unprotected }: Values, environment: Environment, { out }: Terminal): Promise<number> {
  const { ledgerTable } = readMonitorConfig(environment);
  if (ledgerTable === undefined) throw new UsageError('DYNAMODB_LEDGER_TABLE names no table');
  const { createLedgerTable } = require('../store/dynamodb-table') as typeof import('../store/dynamodb-table');
  await createLedgerTable(ledgerTable, { protect: !unprotected });
  out.write(`${ledgerTable} is there\n`);
  return 0;
}

/** A wrong DATA_DIR must not pass for an empty ledger, which would be a whole one. */
function openLedger(environment: Environment): MonitorStores {
  const config = readMonitorConfig(environment);
  if (config.ledgerTable === undefined && !existsSync(join(config.dataDir, 'monitor', 'ledger'))) {
    throw new UsageError(`There is no ledger in ${config.dataDir}: DATA_DIR or DYNAMODB_LEDGER_TABLE says where it is`);
  }
  return openStores(config);
}

function readAnchor(text: string): [string, ChainHead] {
  const [, chain, index, hash] = /^([^:]+):(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (chain === undefined || hash === undefined) throw new UsageError(`--anchor ${text}: it is CHAIN:INDEX:HASH`);
  return [chain, { index: Number(index), hash }];
}

function readTime(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new UsageError(`${option} ${text}: a time is like 2026-01-31T12:00:00Z`);
  return time.toISOString();
}

if (require.main === module) {
  // `| head` has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  void runLedgerCommand(process.argv.slice(2), process.env, { out: process.stdout, error: process.stderr }).then(
    (status) => (process.exitCode = status),
  );
}
