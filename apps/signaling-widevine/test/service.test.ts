import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline, MemoryHub, type BusConnection } from '@latchkey/bus';
import { parseKeyId, SYSTEM_IDS } from '@latchkey/cenc';
import { signalingFor } from '@latchkey/messages';
import { createLogger, type RunningService, type ServiceContext } from '@latchkey/runtime';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { startSignalingWidevine } from '../src/index';

const directory = temporaryDirectory();
const tenantsFile = join(directory, 'tenants.yaml');

describe('signaling-widevine on the bus', () => {
  let connection: BusConnection;
  let service: RunningService;

  beforeAll(async () => {
    writeFileSync(tenantsFile, tenants('before'));
    const context = serviceContext({ TENANTS_FILE: tenantsFile });
    connection = new MemoryHub().connect(context);
    service = await startSignalingWidevine(context, connection);
  });

  afterAll(async () => {
    await service.close();
    await connection.close();
  });

  it('answers its subject as the tenant is configured', async () => {
    expect(await provider('studio')).toContain('before');
  });

  it('refuses a tenant that it does not know', async () => {
    await expect(provider('nobody')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('refuses a scheme in words that reach the asker', async () => {
    await expect(provider('studio', 'cbc1')).rejects.toMatchObject({
      code: 'UNSUPPORTED_SCHEME',
      message: 'Widevine signals cenc, cbcs here, not cbc1',
    });
  });

  it('follows the tenants file, and keeps the last good one', async () => {
    writeFileSync(tenantsFile, tenants('after, longer'));
    await eventually(async () => (await provider('studio')).includes('after, longer'));
    writeFileSync(tenantsFile, 'tenants: nonsense');
    await sleep(1_200);
    expect(await provider('studio')).toContain('after, longer');
  });

  it('is ready while the bus is', async () => {
    expect(service.checks.map(({ name }) => name)).toEqual(['bus']);
    expect(await service.checks[0]?.check()).toBe(true);
  });

  /** The pssh box as text, in which the provider can be seen. */
  async function provider(tenant: string, scheme: 'cenc' | 'cbc1' = 'cenc'): Promise<string> {
    const reply = await connection.ask(
      signalingFor(SYSTEM_IDS.widevine),
      {
        tenant,
        contentId: 'movie-1',
        systemId: SYSTEM_IDS.widevine,
        spekeVersion: '2.0',
        keys: [{ keyId: parseKeyId('12ea753c-23e7-bc02-4474-b2b976c43beb'), scheme, wants: ['pssh'] }],
      },
      { deadline: Deadline.in(60_000) },
    );
    return Buffer.from(reply.keys[0]?.pssh ?? '', 'base64').toString('latin1');
  }
});

function tenants(provider: string): string {
  return JSON.stringify({ tenants: [{ id: 'studio', signaling: { widevine: { provider } } }] });
}

function serviceContext(environment: Record<string, string>): ServiceContext {
  const quiet = { LOG_LEVEL: 'silent' };
  return {
    name: 'signaling',
    instance: 'test',
    environment: { BUS_PATIENCE: '30', ...environment },
    logger: createLogger('signaling', quiet),
  };
}
