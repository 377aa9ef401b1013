/** What stands under these names is shown to nobody: differences end up in tickets. */
const SECRET_NAMES = /^(secret|hash|sha256|md5|hint|key)$/;

/** One line for each setting that differs: `- path: was`, `+ path: is`. */
export function compareTenants(was: unknown, is: unknown): string[] {
  const [before, after] = [settingsOf(was), settingsOf(is)];
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    const [old, now] = [before.get(path), after.get(path)];
    if (old === now) return [];
    return [...line('-', path, old), ...line('+', path, now)];
  });
}

function line(sign: '-' | '+', path: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  const name = path.slice(path.lastIndexOf('.') + 1);
  return [`${sign} ${path}: ${SECRET_NAMES.test(name) ? '(not shown)' : value}`];
}

/** Every single setting by its path, as JSON. */
function settingsOf(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  const below = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (value !== undefined && below.length === 0) into.set(path, JSON.stringify(value));
  for (const [name, each] of below) settingsOf(each, join(path, name, Array.isArray(value)), into);
  return into;
}

function join(path: string, name: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}
