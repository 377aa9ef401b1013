import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENTS, FAULTS, SERVICES } from '@latchkey/messages';
import { stringify } from 'yaml';
import { asyncApi } from '../src/asyncapi';
import { eventsPage } from '../src/events-page';

const ROOT = join(__dirname, '../../..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const document = asyncApi(version);

test.each([
  [
    'docs/asyncapi.yaml',
    () =>
      '# Made of libs/messages: `UPDATE_DOCS=1 npx nx test @latchkey/messages --skip-nx-cache` writes it anew.\n' +
      stringify(document, { singleQuote: true, lineWidth: 0, aliasDuplicateObjects: false }),
  ],
  ['docs/events.md', eventsPage],
])('%s says what the contracts say', (path, page) => {
  if (process.env['UPDATE_DOCS']) writeFileSync(join(ROOT, path), page());
  expect(readFileSync(join(ROOT, path), 'utf8')).toBe(page());
});

describe('the AsyncAPI document', () => {
  test('refers to nothing that is not in it', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1]!);
    expect(references.length).toBeGreaterThan(80);
    for (const reference of references) expect([reference, resolved(reference)]).not.toContain(undefined);
  });

  test('has a channel for every subject that a service asks, answers or states', () => {
    const channels = document['channels'] as Record<string, { address: string | null }>;
    const addresses = new Set(Object.values(channels).map(({ address }) => address));
    for (const { asks, answers, publishes } of Object.values(SERVICES)) {
      for (const { subject } of [...asks, ...answers, ...publishes]) {
        expect(addresses).toContain(subject.replace(/^(signaling\.v1\.).*/, '$1{systemId}'));
      }
    }
    for (const { subject } of Object.values(EVENTS)) expect(addresses).toContain(subject);
  });

  test('says of every event who states it, and of every request who asks and answers', () => {
    const operations = document['operations'] as Record<string, { summary: string }>;
    for (const { summary } of Object.values(operations)) expect(summary).not.toMatch(/by\s*[.;]/);
  });

  test('lists every fault, and describes every field as something', () => {
    const text = JSON.stringify(document);
    for (const code of Object.keys(FAULTS)) expect(text).toContain(`"${code}"`);
    expect(text.replaceAll('"properties":{}', '').includes(':{}')).toBe(false);
  });
});

function resolved(reference: string): unknown {
  // Names hold dots, not slashes.
  return reference
    .split('/')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
}
