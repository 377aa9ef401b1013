import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '@latchkey/testing';

const ROOT = join(__dirname, '../..');
const RULES: string[] = (require('../../.dependency-cruiser.js') as { forbidden: { name: string }[] }).forbidden.map(
  (rule) => rule.name,
);

// One wrong import for each rule: what is imported, in which spelling, from where.
const WRONG: [rule: string, file: string, source: string][] = [
  ['cenc-imports-only-what-lies-below', 'libs/cenc/src/a.ts', `import { x } from '@latchkey/messages';`],
  ['cenc-knows-no-framework', 'libs/cenc/src/b.ts', `import { x } from 'zod';`],
  ['cpix-imports-only-what-lies-below', 'libs/cpix/src/a.ts', `import { x } from '@latchkey/speke';`],
  ['cpix-knows-no-framework', 'libs/cpix/src/b.ts', `export * from 'xml2js';`],
  ['speke-imports-only-what-lies-below', 'libs/speke/src/a.ts', `import type { X } from '@latchkey/signaling';`],
  ['speke-knows-no-framework', 'libs/speke/src/b.ts', `import { type X } from '@nestjs/common';`],
  ['signaling-imports-only-what-lies-below', 'libs/signaling/src/a.ts', `export { x } from '@latchkey/tenants';`],
  ['signaling-knows-no-framework', 'libs/signaling/src/b.ts', `const x = require('pino');`],
  ['messages-imports-only-what-lies-below', 'libs/messages/src/a.ts', `import { x } from '@latchkey/bus';`],
  ['messages-knows-no-framework', 'libs/messages/src/b.ts', `import { connect } from 'nats';`],
  ['tenants-imports-only-what-lies-below', 'libs/tenants/src/a.ts', `import { x } from '@latchkey/runtime';`],
  ['tenants-knows-no-framework', 'libs/tenants/src/b.ts', `import { x } from '@aws-sdk/client-dynamodb';`],
  ['runtime-imports-only-what-lies-below', 'libs/runtime/src/a.ts', `import { x } from '@latchkey/cenc';`],
  ['bus-imports-only-what-lies-below', 'libs/bus/src/a.ts', `import { x } from '@latchkey/tenants';`],
  ['http-imports-only-what-lies-below', 'libs/http/src/a.ts', `import { x } from '@latchkey/cpix';`],
  ['tenant-source-imports-only-what-lies-below', 'libs/tenant-source/src/a.ts', `import { x } from '@latchkey/bus';`],
  ['testing-imports-only-what-lies-below', 'libs/testing/src/a.ts', `import { x } from '@latchkey/cpix';`],
  ['nest-has-its-place', 'apps/key-service/src/key-issuer.ts', `import { Injectable } from '@nestjs/common';`],
  ['nats-has-its-place', 'apps/speke-gateway/src/a.ts', `const x = () => import('nats');`],
  ['aws-has-its-place', 'apps/key-delivery/src/a.ts', `import { x } from '@aws-sdk/client-dynamodb';`],
  ['kms-has-its-place', 'apps/monitor/src/a.ts', `import { x } from '@aws-sdk/client-kms';`],
  ['fastify-has-its-place', 'apps/key-service/src/b.ts', `import fastify from 'fastify';`],
  ['opentelemetry-sdk-has-its-place', 'libs/bus/src/b.ts', `import { x } from '@opentelemetry/sdk-node';`],
  ['xml-reader-has-its-place', 'apps/speke-gateway/src/b.ts', `import { SaxesParser } from 'saxes';`],
  ['library-is-in-the-table', 'libs/utils/src/index.ts', `import { x } from '@latchkey/cenc';`],
  ['apps-never-import-each-other', 'apps/speke-gateway/src/c.ts', `import { x } from '@latchkey/key-service';`],
  ['standalone-is-imported-by-nobody', 'apps/monitor/src/b.ts', `import { x } from '@latchkey/standalone';`],
  ['testing-only-from-tests', 'apps/monitor/src/c.ts', `import { x } from '@latchkey/testing';`],
  ['source-imports-no-test', 'libs/cenc/src/c.ts', `import { x } from '../test/fake';`],
  ['through-the-front-door', 'libs/bus/src/c.ts', `import { x } from '../../messages/src/fault';`],
  ['no-cycles', 'libs/cenc/src/d.ts', `import { x } from './e';`],
  ['declared-in-package-json', 'libs/runtime/src/b.ts', `import { x } from 'nats';`],
  ['resolves', 'libs/cenc/src/f.ts', `import { x } from './nowhere';`],
];
const NEIGHBOURS: [file: string, source: string][] = [
  ['libs/cenc/src/e.ts', `import { x } from './d';`],
  ['libs/cenc/test/fake.ts', `export const x = 1;`],
  ['libs/messages/src/fault.ts', `export const x = 1;`],
];
describe('boundaries', () => {
  let tree: string;
  beforeEach(() => {
    tree = temporaryDirectory();
    plantHouse(tree);
  });

  it('names the rule for every wrong import', () => {
    for (const [, file, source] of WRONG) plant(tree, file, source);
    for (const [file, source] of NEIGHBOURS) plant(tree, file, source);
    const { status, faults } = check(tree);
    expect(WRONG.filter(([rule, file]) => !faults.some((each) => each.startsWith(`${file}: ${rule} `)))).toEqual([]);
    expect(status).toBe(1);
  });

  it('has a wrong import for every rule', () => {
    expect([...RULES].sort()).toEqual(WRONG.map(([rule]) => rule).sort());
  });

  it('finds nothing where all is right', () => {
    expect(check(tree)).toEqual({ status: 0, faults: [] });
  });

  it('sees a type that is imported in place', () => {
    plant(tree, 'libs/cenc/src/index.ts', `export let x: import('zod').ZodType;`);
    expect(check(tree).faults).toContainEqual(expect.stringContaining('cenc-knows-no-framework'));
  });

  it('wants package.json and tsconfig.json to say what the source imports', () => {
    plant(tree, 'libs/cpix/src/index.ts', `import { x } from 'zod';`);
    expect(check(tree).faults).toEqual(
      expect.arrayContaining([
        'libs/cpix: package.json does not declare zod, which is imported',
        'libs/cpix: package.json declares saxes, which is not imported',
        'libs/cpix: tsconfig.json refers to @latchkey/cenc, which is not imported',
      ]),
    );
  });

  it('wants a reference to each room that is imported', () => {
    plant(tree, 'libs/cenc/src/index.ts', `import { x } from '@latchkey/messages';`);
    expect(check(tree).faults).toContain('libs/cenc: tsconfig.json does not refer to @latchkey/messages');
  });
});

function check(tree: string) {
  const run = spawnSync(process.execPath, [join(ROOT, 'tools/boundaries.mjs'), tree], { encoding: 'utf8' });
  return { status: run.status, faults: run.stderr.split('\n').filter((line) => line !== '') };
}

/** The rooms with their real package.json and tsconfig.json; each index.ts imports what the room declares. */
function plantHouse(tree: string): void {
  const stubs = new Set(['xml2js', '@opentelemetry/sdk-node', '@aws-sdk/client-kms']);
  for (const room of rooms()) {
    for (const file of ['package.json', 'tsconfig.json']) cpSync(join(ROOT, room, file), join(tree, room, file));
    const names = Object.keys(dependenciesOf(room));
    plant(tree, `${room}/src/index.ts`, names.map((name) => `import '${name}';`).join('\n'));
    const link = join(tree, 'node_modules/@latchkey', room.slice(5));
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(tree, room), link);
    for (const name of names) if (!name.startsWith('@latchkey/')) stubs.add(name);
  }
  for (const name of stubs) {
    plant(tree, `node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0' }));
    plant(tree, `node_modules/${name}/index.js`, '');
  }
}

function rooms(): string[] {
  return ['libs', 'apps']
    .flatMap((kind) => readdirSync(join(ROOT, kind)).map((name) => `${kind}/${name}`))
    .filter((room) => existsSync(join(ROOT, room, 'tsconfig.json')));
}

function dependenciesOf(room: string): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(ROOT, room, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  return manifest.dependencies ?? {};
}

function plant(tree: string, file: string, source: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), source);
}
