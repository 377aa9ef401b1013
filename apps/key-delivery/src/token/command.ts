import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isKeyId, type KeyId } from '@latchkey/cenc';
import { createLogger, EnvironmentError } from '@latchkey/runtime';
import { openTenantSource, readTenantSource, type TenantSource } from '@latchkey/tenant-source';
import { DEFAULT_TENANT, TenantsFileError, type Tenant } from '@latchkey/tenants';
import { DeliveryRules, type TenantRules } from '../delivery-rules';
import { explain } from './explain';
import { mint, TokenCommandError } from './mint';

const USAGE = `npm run token -- mint --content ID [--kid KID …] [--expires 1h] [--subject NAME] [--ip ADDRESS]
npm run token -- explain TOKEN --content ID [--kid KID] [--ip ADDRESS]

Makes what a player shows to key-delivery, by the rules of the tenant in TENANTS_FILE or TENANTS_TABLE, or says what key-delivery makes of it.

  --tenants FILE       instead of TENANTS_FILE or TENANTS_TABLE
  --tenant ID          default
  --content ID         for mint: may hold * for any text (tokens and cookies)
  --expires 90s|15m|1h|2d   from now; 1h
  --signer NAME        which of several secrets (their kid)
  --private-key FILE   PEM, for RS256 and ES256
`;

const OPTIONS = {
  tenants: { type: 'string' },
  tenant: { type: 'string', default: DEFAULT_TENANT },
  content: { type: 'string' },
  kid: { type: 'string', multiple: true, default: [] as string[] },
  expires: { type: 'string', default: '1h' },
  subject: { type: 'string' },
  ip: { type: 'string' },
  signer: { type: 'string' },
  'private-key': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What is said on standard output. Throws TokenCommandError, TenantsFileError. */
export async function tokenCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  const { values, positionals } = parse(args);
  if (values.help) return USAGE;
  const [verb, shown] = positionals;
  const logger = createLogger('token', { LOG_LEVEL: 'error' }, process.stderr);
  const tenants = await openTenantSource(sourceOf(values.tenants, environment), { logger });
  try {
    const tenant = tenants.get(values.tenant);
    if (!tenant) throw new TokenCommandError(`there is no tenant ${values.tenant}`);
    if (verb === 'mint') return await minted(tenant, values);
    if (verb === 'explain' && shown !== undefined)
      return await explained(shown, new DeliveryRules(tenants, true), values);
    throw new TokenCommandError(USAGE);
  } finally {
    tenants.close();
  }
}

function sourceOf(file: string | undefined, environment: NodeJS.ProcessEnv): TenantSource {
  return file === undefined ? readTenantSource(environment) : { kind: 'file', path: file };
}

type Values = ReturnType<typeof parse>['values'];

async function minted(tenant: Tenant, values: Values): Promise<string> {
  const { text, use } = await mint(tenant.delivery.entitlement ?? { mode: 'open' }, {
    tenant: tenant.id,
    content: contentOf(values),
    kids: values.kid.map(readKeyId),
    subject: values.subject,
    address: values.ip,
    expires: Math.floor(Date.now() / 1_000) + secondsOf(values.expires),
    signer: values.signer,
    privateKey: values['private-key'] === undefined ? undefined : readText(values['private-key']),
  });
  return `${text}\n\n${use}\n`;
}

async function explained(shown: string, rules: DeliveryRules, values: Values): Promise<string> {
  const [kid] = values.kid;
  const lines = await explain(shown, {
    entitlement: (rules.of(values.tenant) as TenantRules).entitlement,
    tenant: values.tenant,
    content: contentOf(values),
    keyId: kid === undefined ? undefined : readKeyId(kid),
    address: values.ip ?? '127.0.0.1',
  });
  return `${lines.join('\n')}\n`;
}

function readKeyId(text: string): KeyId {
  const keyId = text.toLowerCase();
  if (!isKeyId(keyId)) throw new TokenCommandError(`--kid ${text}: a key ID is a UUID`);
  return keyId;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TokenCommandError(`--private-key: ${(cause as Error).message}`, { cause });
  }
}

function contentOf({ content }: Values): string {
  if (content === undefined) throw new TokenCommandError(USAGE);
  return content;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    throw new TokenCommandError(`${(cause as Error).message}\n\n${USAGE}`, { cause });
  }
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function secondsOf(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) throw new TokenCommandError('--expires is like 90s, 15m, 1h or 2d');
  return Number(count) * (UNIT_SECONDS[unit] as number);
}

if (require.main === module) {
  tokenCommand(process.argv.slice(2), process.env).then(
    (text) => process.stdout.write(text),
    (error: unknown) => {
      if (!(
        error instanceof TokenCommandError ||
        error instanceof TenantsFileError ||
        error instanceof EnvironmentError
      ))
        throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 64;
    },
  );
}
