import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALIKE, configurationPage, tenantsJsonSchema } from './configuration-page';

const ROOT = join(__dirname, '../../..');

describe.each([
  ['docs/configuration.md', configurationPage],
  ['docs/tenants.schema.json', tenantsJsonSchema],
])('%s', (path, page) => {
  // Made of the schemas, never written by hand.
  if (process.env['UPDATE_DOCS']) writeFileSync(join(ROOT, path), formatted(path, page()));

  it('says what the schemas say (npm run docs:configuration)', () => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(formatted(path, page()));
  });
});

it('describes every variable and every setting of a tenant', () => {
  const undescribed = configurationPage().match(/^\| \S+ +\| {2,}\|.*$/gm) ?? [];
  expect(undescribed).toEqual([]);
});

it('has one table for services that read the same', () => {
  const names = ALIKE.map(({ shape }) => Object.keys(shape).join());
  expect(new Set(names).size).toBe(1);
});

function formatted(path: string, text: string): string {
  return execFileSync(join(ROOT, 'node_modules/.bin/prettier'), ['--stdin-filepath', join(ROOT, path)], {
    input: text,
    cwd: ROOT,
    encoding: 'utf8',
  });
}
