import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/operations.md');
const rows = [...page.matchAll(/^\| (.+?) +\| (.+?) +\| `(\S+)` (\w+) +\|$/gm)].map(
  ([, what, number, path, name]) => [what, number, path, name] as [string, string, string, string],
);

describe('docs/operations.md', () => {
  it('has numbers to hold to the code', () => expect(rows.length).toBeGreaterThan(25));

  it.each(rows)('%s: %s', (_, said, path, name) => {
    expect(constants(read(path), name)).toContain(valueOf(said));
  });

  it('says what to do for every alarm', () => {
    const rules = parse(read('deploy/prometheus/rules.yml')) as { groups: { rules: { alert?: string }[] }[] };
    const prometheus = rules.groups.flatMap((group) => group.rules.flatMap(({ alert }) => alert ?? []));
    const cloudWatch = (JSON.parse(read('deploy/cloudwatch/alarms.json')) as { name: string }[]).map(
      ({ name }) => name,
    );
    const named = new Set(page.slice(page.indexOf('## Alarms')).match(/\b[A-Z]\w+/g));
    expect([...prometheus, ...cloudWatch].filter((name) => !named.has(name))).toEqual([]);
  });

  it('names no command that is not there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const asked = [...page.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string);
    expect(asked.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('refers to pages that are there', () => {
    const links = [...page.matchAll(/\]\(([\w./-]+\.md)\)/g)].map(([, path]) => path as string);
    for (const link of links) expect(read(join('docs', link))).toBeTruthy();
  });
});

/** What `name` is in the source: `name = 1_000`, `name: 5 * 60_000`, `NAME: …default(300)`, `x ?? 30_000`. */
function constants(source: string, name: string): number[] {
  const values = source.matchAll(
    new RegExp(`\\b${name}\\b(?: =|:|\\s*\\?\\?)([^;]*?)(?:,\\n|;|, |\\n\\n| \\}|\\}\\))`, 'g'),
  );
  return [...values].flatMap(([, text = '']) => {
    const inner = /default\(([\d_ *]+)\)/.exec(text)?.[1] ?? text;
    return /^[\d_ *.]+$/.test(inner.trim()) ? product(inner) : [];
  });
}

function product(text: string): number {
  return text.split('*').reduce((whole, factor) => whole * Number(factor.replaceAll('_', '').trim()), 1);
}

const UNITS: Record<string, number> = { s: 1_000, ms: 1, min: 60_000, KiB: 1_024, MiB: 1_048_576 };

function valueOf(said: string): number {
  const [number = '', unit] = said.split(' ');
  return Math.round(Number(number.replaceAll(',', '')) * (unit ? (UNITS[unit] ?? NaN) : 1));
}
