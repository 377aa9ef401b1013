import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EnvironmentError, type Environment } from '@latchkey/runtime';
import { parseYaml, TenantsFileError } from '@latchkey/tenants';
import { stringify } from 'yaml';
import { compareTenants } from './compare-tenants';
import { contentOf, deleteTenant, faultsOf, putTenant, TenantChangeError, type WantedTenant } from './tenant-changes';
import { TenantTable, type KeptTenantRow } from './tenant-table';
import { readTenantSource } from './tenant-variables';

const USAGE = `npm run tenants -- <command>, on the DynamoDB table TENANTS_TABLE (docs/tenants.md)
  list                        every tenant, its version, and what is wrong with it
  get <id>                    one tenant as YAML, its version in the first line
  diff <file>                 what putting the file would change; exits 1 if anything
  put <file> [--version N]    writes it, if the table still has the version that the file was made from
  delete <id> --version N     takes it out of service, if that is still its version
  create-table                makes the table; --unprotected: without deletion protection and recovery, for DynamoDB Local
A file is one tenant, as get prints it, or a whole tenants file: then tenants that are there already must be the same.
`;

/** An operator has more patience than a service, which looks again soon. */
const PATIENT = { requestHandler: { requestTimeout: 60_000, connectionTimeout: 5_000, throwOnRequestTimeout: true } };
const openTable = (name: string) => new TenantTable(name, new DynamoDBClient(PATIENT));

class UsageError extends Error {}

interface Asked {
  readonly table: TenantTable;
  readonly subject: string | undefined;
  readonly version: number | undefined;
  readonly unprotected: boolean;
}

/** What it prints, and how it exits. */
interface Outcome {
  readonly lines: readonly string[];
  readonly exitCode?: number;
}

const COMMANDS: Readonly<Record<string, (asked: Asked) => Promise<Outcome>>> = {
  list,
  get,
  diff,
  put,
  delete: remove,
  'create-table': async ({ table, unprotected }) => {
    await table.create(!unprotected);
    return { lines: [`${table.name} is there`] };
  },
};

/** Runs one command; gives what goes to standard output and error, and the exit code. */
export async function tenantsCommand(
  args: readonly string[],
  environment: Environment,
  open: (name: string) => TenantTable = openTable,
): Promise<{ output: string; errors: string; exitCode: number }> {
  try {
    const { name, ...asked } = readArguments(args, environment, open);
    try {
      const { lines, exitCode = 0 } = await name(asked);
      return { output: lines.map((line) => `${line}\n`).join(''), errors: '', exitCode };
    } finally {
      asked.table.close();
    }
  } catch (error) {
    return { output: '', ...failure(error as Error) };
  }
}

function readArguments(args: readonly string[], environment: Environment, open: (name: string) => TenantTable) {
  const { values, positionals } = parseArguments(args);
  const [name = '', subject] = positionals;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const version = values.version === undefined ? undefined : Number(values.version);
  if (!command || positionals.length > 2) throw new UsageError(USAGE);
  if (version !== undefined && !(Number.isInteger(version) && version >= 0))
    throw new UsageError('--version: a number, as get and list show it\n');
  // The operator's table, wherever the services of this machine have their tenants.
  const source = readTenantSource({ TENANTS_TABLE: environment['TENANTS_TABLE'] });
  if (source.kind !== 'table') throw new EnvironmentError('TENANTS_TABLE must be set: the name of the table');
  return { name: command, table: open(source.table), subject, version, unprotected: values.unprotected };
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { version: { type: 'string' }, unprotected: { type: 'boolean', default: false } },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

function failure(error: Error): { errors: string; exitCode: number } {
  if (error instanceof UsageError) return { errors: error.message, exitCode: 64 };
  if (error instanceof EnvironmentError) return { errors: `${error.message}\n`, exitCode: 64 };
  const expected = error instanceof TenantChangeError || error instanceof TenantsFileError;
  return { errors: `${expected ? error.message : `${error.name}: ${error.message}`}\n`, exitCode: 1 };
}

async function list({ table }: Asked): Promise<Outcome> {
  const { rows } = await table.read();
  const faults = new Map(faultsOf(rows).map(({ id, message }) => [id, message]));
  const cells = [...rows]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, version, changed }) => [id, String(version), changed || '-', faults.get(id) ?? 'right']);
  return { lines: aligned([['tenant', 'version', 'changed', 'state'], ...cells]), exitCode: faults.size > 0 ? 1 : 0 };
}

async function get({ table, subject }: Asked): Promise<Outcome> {
  const { rows } = await table.read();
  const row = rows.find(({ id }) => id === needed(subject, 'get <id>'));
  if (!row) throw new TenantChangeError(`there is no tenant ${subject}`);
  const content = contentOf(row);
  return { lines: [versionLine(row), content === undefined ? row.document : stringify(content).trimEnd()] };
}

async function diff({ table, subject }: Asked): Promise<Outcome> {
  const wanted = readWanted(needed(subject, 'diff <file>'));
  const { rows } = await table.read();
  const lines = wanted.flatMap(({ id, content, version }) => {
    const row = rows.find((each) => each.id === id);
    const differences = compareTenants(row && contentOf(row), content);
    if (differences.length === 0) return [];
    const made = row && version !== undefined && version !== row.version ? `, the file is of version ${version}` : '';
    return [`${id}: ${row ? `version ${row.version}${made}` : 'new'}`, ...differences.map((line) => `  ${line}`)];
  });
  return { lines, exitCode: lines.length > 0 ? 1 : 0 };
}

async function put({ table, subject, version }: Asked): Promise<Outcome> {
  const wanted = readWanted(needed(subject, 'put <file>'));
  if (version !== undefined && wanted.length !== 1) throw new UsageError('--version goes with a file of one tenant\n');
  const lines: string[] = [];
  for (const each of wanted) {
    const written = await putTenant(table, { ...each, version: version ?? each.version });
    lines.push(`${each.id}: ${written === undefined ? 'is so already' : `version ${written}`}`);
  }
  return { lines };
}

async function remove({ table, subject, version }: Asked): Promise<Outcome> {
  const id = needed(subject, 'delete <id> --version N');
  if (version === undefined) throw new UsageError('delete <id> --version N: the version that list shows\n');
  await deleteTenant(table, id, version);
  return { lines: [`${id}: deleted. Its keys stay in the key store.`] };
}

function needed(subject: string | undefined, usage: string): string {
  if (subject === undefined) throw new UsageError(`npm run tenants -- ${usage}\n`);
  return subject;
}

function versionLine({ version, changed }: KeptTenantRow): string {
  return `# version: ${version}${changed && `, changed ${changed}`}`;
}

/** One tenant, its version where `get` writes it, or those of a tenants file, which knows no versions. */
function readWanted(file: string): WantedTenant[] {
  const text = readText(file);
  const document = parseYaml(text, file) as { id?: unknown; tenants?: unknown } | null;
  const contents = (Array.isArray(document?.tenants) ? document.tenants : [document]) as { id?: unknown }[];
  const version = /^# version: (\d+)/.exec(text)?.[1];
  return contents.map((content) => {
    if (typeof content?.id !== 'string') throw new TenantsFileError(`${file}: a tenant has an id, and this has none`);
    return { id: content.id, content, version: version === undefined ? undefined : Number(version) };
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new TenantsFileError(`${file} cannot be read`);
  }
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** `node command.js …`: npm run tenants. */
if (require.main === module) {
  void tenantsCommand(process.argv.slice(2), process.env).then(({ output, errors, exitCode }) => {
    process.stdout.write(output);
    process.stderr.write(errors);
    process.exitCode = exitCode;
  });
}
