import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline, MemoryHub, NoResponders, type BusConnection } from '@latchkey/bus';
import { parseKeyId, parseSystemId, SYSTEM_IDS, type SystemId } from '@latchkey/cenc';
import { signalingFor, type KeySignaling } from '@latchkey/messages';
import { createLogger, EnvironmentError, type RunningService, type ServiceContext } from '@latchkey/runtime';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { CLEAR_KEY_SYSTEMS } from '../src/clearkey-signaling';
import { readConfig } from '../src/config';
import { startSignalingClearkey } from '../src/index';

const IRDETO = parseSystemId('80a6be7e-1448-4c37-9e70-d5aebe04c8d2');
const MARLIN = parseSystemId('5e629af5-38da-4063-8977-97ffbd9902d4');
const directory = temporaryDirectory();
const tenantsFile = join(directory, 'tenants.yaml');

describe('signaling-clearkey on the bus', () => {
  let connection: BusConnection;
  let service: RunningService;

  beforeAll(async () => {
    writeFileSync(tenantsFile, tenants([IRDETO]));
    const context = serviceContext({ TENANTS_FILE: tenantsFile, DELIVERY_BASE_URL: 'https://keys.example/v1/' });
    connection = new MemoryHub().connect(context);
    service = await startSignalingClearkey(context, connection);
  });

  afterAll(async () => {
    await service.close();
    await connection.close();
  });

  it.each(CLEAR_KEY_SYSTEMS)('answers %s', async (systemId) => {
    expect(Object.keys(await ask(systemId)).length).toBeGreaterThan(1);
  });

  it('begins key URLs with DELIVERY_BASE_URL', async () => {
    const { uriExtXKey } = await ask(SYSTEM_IDS.hlsAes128);
    expect(Buffer.from(uriExtXKey ?? '', 'base64').toString()).toMatch(/^https:\/\/keys\.example\/v1\/keys\/studio\//);
  });

  it('answers the systems of keyIdBoxesFor, and leaves all others to whoever answers for them', async () => {
    expect(await ask(IRDETO)).toHaveProperty('pssh');
    await expect(ask(IRDETO, 'other')).rejects.toMatchObject({ code: 'UNSUPPORTED_DRM_SYSTEM' });
    await expect(ask(MARLIN)).rejects.toBeInstanceOf(NoResponders);
  });

  it('answers a system that the tenants file adds while it runs, and refuses one that it drops', async () => {
    writeFileSync(tenantsFile, tenants([MARLIN]) + '\n');
    await eventually(async () => {
      const [added, dropped] = await Promise.allSettled([ask(MARLIN), ask(IRDETO)]);
      return added.status === 'fulfilled' && dropped.status === 'rejected';
    });
    await expect(ask(IRDETO)).rejects.toMatchObject({ code: 'UNSUPPORTED_DRM_SYSTEM' });
  });

  async function ask(systemId: SystemId, tenant = 'studio') {
    const reply = await connection.ask(
      signalingFor(systemId),
      {
        tenant,
        contentId: 'movie-1',
        systemId,
        spekeVersion: '1.0',
        keys: [
          {
            keyId: parseKeyId('12ea753c-23e7-bc02-4474-b2b976c43beb'),
            wants: ['pssh', 'contentProtectionData', 'uriExtXKey'],
          },
        ],
      },
      { deadline: Deadline.in(60_000) },
    );
    return reply.keys[0] as KeySignaling;
  }
});

describe('configuration', () => {
  it('points at key-delivery on this machine by default', () => {
    expect(readConfig({}).deliveryBaseUrl).toBe('http://localhost:8081');
    expect(readConfig({ DELIVERY_PORT: '9000' }).deliveryBaseUrl).toBe('http://localhost:9000');
  });

  it.each(['keys.example', 'ftp://keys.example', 'https://keys.example/"'])('refuses %s, by name', (url) => {
    expect(() => readConfig({ DELIVERY_BASE_URL: url })).toThrow(EnvironmentError);
    expect(() => readConfig({ DELIVERY_BASE_URL: url })).toThrow(/DELIVERY_BASE_URL/);
  });
});

function tenants(keyIdBoxesFor: SystemId[]): string {
  return JSON.stringify({ tenants: [{ id: 'studio', signaling: { keyIdBoxesFor } }, { id: 'other' }] });
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
