import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsPage } from '../src/metrics-page';
import { instruments } from '../src/instruments';

const PAGE = join(__dirname, '../../../docs/metrics.md');

test('docs/metrics.md says what the table of instruments says', () => {
  if (process.env['UPDATE_DOCS']) writeFileSync(PAGE, metricsPage());
  expect(readFileSync(PAGE, 'utf8')).toBe(metricsPage());
});

test('no two instruments have one name, and names follow one pattern', () => {
  const names = Object.values(instruments).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^latchkey(\.[a-z_]+)+$/);
});
