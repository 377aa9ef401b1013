import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SYSTEM_NAMES } from '@latchkey/cenc';

const FOLDER = join(__dirname, '../../docs/integrations');
const UUID = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/g;
const pages = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')] as const);

describe.each(pages)('docs/integrations/%s', (name, text) => {
  it('names only DRM systems that there are', () => {
    const known = new Set<string>(SYSTEM_NAMES.keys());
    expect([...new Set(text.match(UUID))].filter((systemId) => !known.has(systemId))).toEqual([]);
  });

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\(((?!https?:)[^)#]+)/g)].map(([, path]) => path as string);
    expect(links.filter((path) => !existsSync(join(FOLDER, path)))).toEqual([]);
  });

  it('shows JSON that is JSON', () => {
    for (const block of jsonBlocks(text)) expect(() => asJson(block)).not.toThrow();
  });

  // AWS's own description of the service, as its CDK has it.
  const service = { 'mediapackage-v1.md': 'mediapackage', 'mediapackage-v2.md': 'mediapackagev2' }[name];
  if (service) {
    it('uses names that the service knows', () => {
      const library = dirname(require.resolve('aws-cdk-lib/package.json'));
      const types = readFileSync(join(library, `aws-${service}/lib/${service}.generated.d.ts`), 'utf8');
      const members = new Set([...types.matchAll(/readonly (\w+)\??:/g)].map(([, member]) => member?.toLowerCase()));
      const used = [...new Set(jsonBlocks(text).flatMap((block) => namesIn(asJson(block))))];
      expect(used.length).toBeGreaterThan(10);
      expect(used.filter((each) => !members.has(each.toLowerCase()))).toEqual([]);
    });
  }
});

function jsonBlocks(text: string): string[] {
  return [...text.matchAll(/```json\n([^]*?)```/g)].map(([, block]) => block as string);
}

/** A fragment is the inside of an object. */
function asJson(block: string): unknown {
  return JSON.parse(block.trimStart().startsWith('{') ? block : `{${block}}`);
}

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)]);
}
