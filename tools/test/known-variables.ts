import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
/** Read by Node.js and the AWS SDK themselves. */
const NOT_OURS = /^(NODE_ENV|NODE_OPTIONS|AWS_REGION|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_ENDPOINT_URL_[A-Z]+)$/;

/** The environment variables that an app reads by itself or through the libraries of every process, from the sources. */
export function knownVariables(app: string): (name: string) => boolean {
  const names = new Set(
    [`apps/${app}`, 'libs/runtime', 'libs/bus', 'libs/http', ...tenantsOf(app)].flatMap((room) =>
      sourcesOf(join(ROOT, room, 'src')).flatMap((text) => variablesIn(text)),
    ),
  );
  return (name) => names.has(name) || NOT_OURS.test(name);
}

function tenantsOf(app: string): string[] {
  return readFileSync(join(ROOT, 'apps', app, 'package.json'), 'utf8').includes('@latchkey/tenant-source')
    ? ['libs/tenant-source']
    : [];
}

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .filter((text) => /readEnvironment|environment\[/.test(text));
}

/** `NAME: z.string()`, `NAME: port.default(…)` of schemas, and `environment['NAME']`. */
function variablesIn(text: string): string[] {
  const schema = [...text.matchAll(/(?:^\s+|\{ )([A-Z][A-Z0-9_]{2,}): \w/gm)];
  const direct = [...text.matchAll(/environment\['([A-Z][A-Z0-9_]+)'\]/g)];
  return [...schema, ...direct].map(([, name]) => name as string);
}
