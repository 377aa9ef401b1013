import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deadline, MemoryHub, type BusConnection } from '@latchkey/bus';
import { parseKeyId, type KeyId } from '@latchkey/cenc';
import { issueKeys, releaseKeys, SealingPair, type IssueRequest } from '@latchkey/messages';
import { createContext, type RunningService } from '@latchkey/runtime';
import { startKeyService } from '../src/index';

const call = () => ({ deadline: Deadline.in(5_000) });

describe('key service', () => {
  let service: RunningService;
  let bus: BusConnection;
  const pair = new SealingPair();

  const start = async (dataDir: string) => {
    const hub = new MemoryHub();
    const context = createContext('key-service', { DATA_DIR: dataDir, LOG_LEVEL: 'error' });
    service = await startKeyService(context, hub.connect(context));
    bus = hub.connect(context);
  };
  const request = (keyIds: KeyId[], contentId = 'movie-1'): IssueRequest => ({
    tenant: 'default',
    contentId,
    exchangeId: randomUUID(),
    spekeVersion: '2.0',
    requester: { encryptorId: 'anonymous' },
    keys: keyIds.map((keyId) => ({ keyId, scheme: 'cbcs', needsExplicitIv: true })),
    systems: [],
    delivery: { kind: 'sealed', publicKey: pair.publicKey },
  });
  const issue = async (keyIds: KeyId[], contentId = 'movie-1') => {
    const reply = await bus.ask(issueKeys, request(keyIds, contentId), call());
    return reply.keys.map(({ keyId, secret, explicitIv, created }) => {
      if (secret.kind !== 'sealed') throw new Error('not sealed');
      const key = pair.open(reply.sealedBy ?? '', secret.box, { tenant: 'default', contentId, keyId });
      return { keyId, key: key.expose((bytes) => bytes.toString('hex')), explicitIv, created };
    });
  };

  it('answers the same keys when asked again, and after a restart', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'keys-'));
    const keyIds = [parseKeyId(randomUUID()), parseKeyId(randomUUID())];
    await start(dataDir);
    const first = await issue(keyIds);
    const second = await issue(keyIds);
    await service.close();
    await start(dataDir);
    const third = await issue(keyIds);
    const released = await bus.ask(
      releaseKeys,
      {
        tenant: 'default',
        contentId: 'movie-1',
        exchangeId: randomUUID(),
        keyIds,
        reason: 'player',
        publicKey: pair.publicKey,
      },
      call(),
    );
    await service.close();

    expect(first.map(({ created }) => created)).toEqual([true, true]);
    expect(new Set(first.map(({ key }) => key)).size).toBe(2);
    const known = first.map((each) => ({ ...each, created: false }));
    expect(second).toEqual(known);
    expect(third).toEqual(known);
    expect(
      released.keys.map(({ keyId, box, explicitIv }) => ({
        keyId,
        explicitIv,
        created: false,
        key: pair
          .open(released.sealedBy, box, { tenant: 'default', contentId: 'movie-1', keyId })
          .expose((bytes) => bytes.toString('hex')),
      })),
    ).toEqual(known);
  });
});
