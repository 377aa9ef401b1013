import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Where problems are made that no SPEKE code takes the place of. */
const SOURCES = ['libs/http/src', 'apps/key-delivery/src', 'apps/monitor/src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(join(folder, file))),
);

const MADE = [
  /new HttpProblem\(\s*[\w. ]+,\s*'([a-z-]+)'/g,
  /^ {2}\d{3}: \{ code: '([a-z-]+)'/gm,
  /^ {2}'([a-z-]+)': \{ status: 40[13],/gm,
];

test('docs/problems.md has an entry for every code of a problem, and no other', () => {
  const found = SOURCES.flatMap((source) =>
    MADE.flatMap((pattern) => [...source.matchAll(pattern)].map(([, code]) => code as string)),
  );
  expect(found.length).toBeGreaterThan(50);
  const ofServices = [...read('libs/messages/src/fault.ts').matchAll(/^ {2}([A-Z_]+): \{ retryable: false \}/gm)]
    .map(([, code]) => (code as string).toLowerCase().replaceAll('_', '-'))
    .filter((code) => code !== 'tampered');
  const entries = [...read('docs/problems.md').matchAll(/^### (.+)$/gm)].map(([, code]) => code);
  expect(entries.toSorted()).toEqual([...new Set([...found, ...ofServices])].sort());
});
