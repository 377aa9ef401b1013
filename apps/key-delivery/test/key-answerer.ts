import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { Answers, MemoryHub, startAnswering, type BusConnection } from '@latchkey/bus';
import { CLEAR_KEY_SYSTEMS, ContentKey, parseKeyId, type KeyId, type SystemId } from '@latchkey/cenc';
import {
  Fault,
  keyIssued,
  keyRevoked,
  releaseKeys,
  SealingPair,
  type ReleaseReply,
  type ReleaseRequest,
} from '@latchkey/messages';
import { createContext, type ServiceContext } from '@latchkey/runtime';
import { Controller, Module } from '@nestjs/common';

interface StoredKey {
  readonly bytes: Buffer;
  readonly expiresAt?: number;
  readonly drmOnly?: boolean;
}

/**
 * A small key-service on a bus in memory: it seals for real, says what it was asked, and can be slow or down. What the
 * players' side needs of the other end, and nothing else.
 */
export class KeyAnswerer {
  readonly asked: ReleaseRequest[] = [];
  /** What comes before each answer: a delay, or a Fault. */
  before: () => Promise<void> = async () => undefined;
  /** As its tenants file says. */
  releasesDrmOnly = false;
  readonly #keys = new Map<string, StoredKey>();
  readonly #pair = new SealingPair();

  put(tenant: string, contentId: string, keyId: KeyId, expiresAt?: number): Buffer {
    const bytes = randomBytes(16);
    this.#keys.set(name(tenant, contentId, keyId), { bytes, ...(expiresAt === undefined ? {} : { expiresAt }) });
    return bytes;
  }

  /** One that was issued for DRM systems alone. */
  putDrmOnly(tenant: string, contentId: string, keyId: KeyId): Buffer {
    const bytes = this.put(tenant, contentId, keyId);
    this.#keys.set(name(tenant, contentId, keyId), { bytes, drmOnly: true });
    return bytes;
  }

  remove(tenant: string, contentId: string, keyId: KeyId): void {
    this.#keys.delete(name(tenant, contentId, keyId));
  }

  async release(request: ReleaseRequest): Promise<ReleaseReply> {
    this.asked.push(request);
    const stored = request.keyIds.map((keyId) => ({
      keyId,
      key: this.#keys.get(name(request.tenant, request.contentId, keyId)),
    }));
    await this.before();
    const withheld = stored.filter(({ key }) => key?.drmOnly && !this.releasesDrmOnly).map(({ keyId }) => keyId);
    const keys = stored.flatMap(({ keyId, key }) => {
      if (key === undefined || withheld.includes(keyId)) return [];
      const { bytes, ...rest } = key;
      const box = this.#pair.seal(request.publicKey, ContentKey.fromBytes(bytes), { ...request, keyId });
      return [{ keyId, box, ...rest }];
    });
    return { keys, sealedBy: this.#pair.publicKey, ...(withheld.length > 0 && { withheld }) };
  }
}

/** A bus with such a key-service on it. */
export async function startKeyAnswerer(hub = new MemoryHub()) {
  const context = quietContext('key-service');
  const connection = hub.connect(context);
  const answerer = new KeyAnswerer();

  @Controller()
  class Releases {
    @Answers(releaseKeys)
    release(request: ReleaseRequest): Promise<ReleaseReply> {
      return answerer.release(request);
    }
  }
  @Module({ controllers: [Releases] })
  class KeyAnswererModule {}

  const service = await startAnswering(KeyAnswererModule, connection, context);
  return {
    hub,
    answerer,
    connection,
    async close() {
      await service.close();
      await connection.close();
    },
  };
}

/** A service's context that writes no log. */
export function quietContext(serviceName: string, environment: Record<string, string> = {}): ServiceContext {
  // However busy the machine is that runs the tests.
  return createContext(serviceName, { LOG_LEVEL: 'silent', BUS_PATIENCE: '30', ...environment });
}

export function someKeyId(): KeyId {
  return parseKeyId(randomUUID());
}

const requester = { encryptorId: 'encoder-1' };
const writer = { writer: 'test', sequence: 1 };

export async function stateIssued(
  bus: BusConnection,
  tenant: string,
  contentId: string,
  keyIds: KeyId[],
  system: SystemId,
): Promise<void> {
  await bus.publish(keyIssued, {
    ...cloudEvent(keyIssued.type),
    data: {
      tenant,
      contentId,
      exchangeId: randomUUID(),
      requester,
      keys: keyIds.map((keyId) => ({ keyId, ...(CLEAR_KEY_SYSTEMS.has(system) && { clearDelivery: true }) })),
      systems: [system],
      delivery: 'sealed',
      ...writer,
    },
  });
}

export async function stateRevoked(
  bus: BusConnection,
  tenant: string,
  contentId: string,
  keyIds: KeyId[] | 'all',
): Promise<void> {
  await bus.publish(keyRevoked, {
    ...cloudEvent(keyRevoked.type),
    data: {
      tenant,
      contentId,
      exchangeId: randomUUID(),
      requester,
      keyIds: keyIds === 'all' ? [] : keyIds,
      wholeContent: keyIds === 'all',
      shredded: false,
      ...writer,
    },
  });
}

function cloudEvent<Type extends string>(type: Type) {
  return {
    specversion: '1.0' as const,
    id: randomUUID(),
    source: '/latchkey/key-service/test',
    type,
    time: new Date().toISOString(),
    datacontenttype: 'application/json' as const,
  };
}

export const down = async (): Promise<never> => {
  throw new Fault('UNAVAILABLE', 'down for a test');
};

function name(tenant: string, contentId: string, keyId: string): string {
  return JSON.stringify([tenant, contentId, keyId]);
}

/** An HMAC secret as tenants write it, and the key that it is. */
export function someSecret() {
  const secret = randomBytes(32).toString('base64url');
  return { secret, key: createSecretKey(secret, 'base64url') };
}
