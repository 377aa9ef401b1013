import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import {
  eventually,
  temporaryDirectory,
  Encryptor,
  SPEKE_2_SYSTEMS,
  startNatsServer,
  type NatsServer,
} from '@latchkey/testing';
import { answered, said } from './answered';
import { ManagedProcess } from './managed-process';
import { describeWith } from './parts';
import { startStandalone, type System } from './system';

const EXAMPLE = join(__dirname, '../../docs/examples/vendor-drm.js');
const EXAMPLE_DRM = { systemId: 'c0ffee00-1234-4abc-8def-0123456789ab', items: ['PSSH', 'ContentProtectionData'] };
const IRDETO = { systemId: '80a6be7e-1448-4c37-9e70-d5aebe04c8d2', items: ['PSSH'] };
const MARLIN = { systemId: '5e629af5-38da-4063-8977-97ffbd9902d4', items: ['PSSH'] };

describeWith(['nats-server'])('a DRM system that is its vendor’s', () => {
  const work = temporaryDirectory();
  let nats: NatsServer;
  let system: System;
  let vendor: ManagedProcess;
  let encryptor: Encryptor;

  beforeAll(async () => {
    const tenantsFile = join(work, 'tenants.yaml');
    const signaling = { vendorSystems: [EXAMPLE_DRM.systemId], keyIdBoxesFor: [MARLIN.systemId] };
    writeFileSync(tenantsFile, JSON.stringify({ tenants: [{ id: 'default', signaling }] }));
    [nats, encryptor] = await Promise.all([startNatsServer(), Encryptor.create()]);
    system = await startStandalone({ environment: { NATS_URL: nats.url, TENANTS_FILE: tenantsFile } });
  });
  afterAll(async () => {
    await vendor?.kill('SIGTERM');
    await system.stop();
    system.removeData();
    await nats.stop();
  });

  it('is answered with 503 while its service is away', async () => {
    expect((await ask('cenc', [EXAMPLE_DRM])).status).toBe(503);
  });

  it('is answered by the plain JavaScript of the documentation, beside our own systems', async () => {
    const environment = { NATS_URL: nats.url };
    vendor = new ManagedProcess({ name: 'vendor-drm', command: process.execPath, args: [EXAMPLE], environment });
    await eventually(async () => (await ask('cenc', [EXAMPLE_DRM])).status === 200);

    const keyId = randomUUID();
    const answer = await answered(system, encryptor, wish('cenc', [EXAMPLE_DRM, SPEKE_2_SYSTEMS.widevine], keyId));
    expect(said(answer, EXAMPLE_DRM.systemId, keyId, 'PSSH')).toContain(
      JSON.stringify({ contentId: 'vendor’s', keyId }),
    );
    expect(said(answer, EXAMPLE_DRM.systemId, keyId, 'ContentProtectionData')).toMatch(/^<cenc:pssh /);
    expect(said(answer, SPEKE_2_SYSTEMS.widevine.systemId, keyId, 'ContentProtectionData')).toMatch(/^<cenc:pssh /);
  });

  it('refuses in its own words a scheme that it does not know', async () => {
    const { status, body } = await ask('cens', [EXAMPLE_DRM]);
    expect(status).toBe(422);
    expect(body).toContain(EXAMPLE_DRM.systemId);
  });

  it('gets a box with its key ID where the tenant wants that, and is refused otherwise', async () => {
    const keyId = randomUUID();
    const answer = await answered(system, encryptor, wish('cenc', [MARLIN], keyId));
    const box = answer.systems[0]?.items.get('PSSH') ?? '';
    expect(Buffer.from(box, 'base64').toString('hex')).toBe(
      `0000003470737368${'01000000'}${hex(MARLIN.systemId)}00000001${hex(keyId)}00000000`,
    );
    const refused = await ask('cenc', [IRDETO]);
    expect(refused.status).toBe(422);
    expect(refused.body).toContain(`${IRDETO.systemId}: it is Irdeto, whose signaling is its vendor's own`);
  });

  it('is documented with the code that runs here', () => {
    const page = readFileSync(join(__dirname, '../../docs/add-a-drm-system.md'), 'utf8');
    const code = readFileSync(EXAMPLE, 'utf8');
    expect(page).toContain(code);
    expect(code.split('\n').length - 1).toBeLessThanOrEqual(40);
  });

  function ask(scheme: string, systems: Array<{ systemId: string; items: string[] }>) {
    return encryptor.ask(`${system.spekeUrl}/copyProtection`, wish(scheme, systems, randomUUID()));
  }

  function wish(scheme: string, systems: Parameters<typeof answered>[2]['systems'], keyId: string) {
    return { version: '2.0', contentId: 'vendor’s', keys: [{ keyId, scheme }], systems } as const;
  }
});

function hex(uuid: string): string {
  return uuid.replaceAll('-', '');
}
