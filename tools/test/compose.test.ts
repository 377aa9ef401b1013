import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(__dirname, '../..');

interface Compose {
  readonly name?: string;
  readonly services: Record<string, { build?: { args: { APP: string } }; image?: string }>;
}

describe('docker-compose.yml', () => {
  const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose;

  (composeTool() ? it : it.skip)('is what docker-compose takes', () => {
    const [command, ...args] = composeTool() as [string, ...string[]];
    const run = spawnSync(command, [...args, 'config', '--quiet'], { cwd: ROOT, encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
  });

  it('runs every service, each in a container of its own', () => {
    const apps = readdirSync(join(ROOT, 'apps')).filter((name) => name !== 'standalone');
    const built = Object.entries(compose.services).filter(([name, service]) => service.build && name !== 'tables');
    expect(built.map(([name]) => name).sort()).toEqual(apps.sort());
    for (const [name, service] of built) expect(service.build?.args.APP).toBe(name);
  });

  it('names no project, so that two checkouts do not share volumes', () => {
    expect(compose.name).toBeUndefined();
  });

  it('pins what it does not build', () => {
    const images = Object.values(compose.services).flatMap(({ image }) => image ?? []);
    for (const image of images) expect(image).toMatch(/:\d/);
  });
});

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
