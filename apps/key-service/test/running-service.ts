import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline, MemoryHub, type BusConnection } from '@latchkey/bus';
import { SYSTEM_IDS, type KeyId } from '@latchkey/cenc';
import {
  Fault,
  issueKeys,
  releaseKeys,
  SealingPair,
  type IssueReply,
  type IssueRequest,
  type LatchkeyEvent,
  type ReleaseReply,
  type ReleaseRequest,
} from '@latchkey/messages';
import { createContext, type RunningService } from '@latchkey/runtime';
import { startKeyService } from '../src/index';
import type { KeyStore } from '../src/store/key-store';

/** Where a key service keeps its keys, for as many of them as are started there. */
export interface Place {
  readonly environment: Readonly<Record<string, string>>;
  /** Besides the service, to look at what lies there and to change it. */
  store(): KeyStore;
}

export const call = (ms = 60_000) => ({ deadline: Deadline.in(ms) });

export interface ClearKey {
  readonly requestedKeyId: KeyId;
  readonly keyId: KeyId;
  /** Hex. */
  readonly key: string;
  readonly explicitIv: string | undefined;
  readonly checksum: string;
  readonly created: boolean;
}

/** A tenant whose keys anybody can make; elsewhere in this file, the same one after it has gone over to real keys. */
const TEST_SERVER = [
  '    policy: { drmSystems: [9a04f079-9840-4286-ab92-e65be0885f95, e2719d58-a985-b3c9-781a-b030af78d30e] }',
  '    signaling: { playready: { testServer: true } }',
];

export const TENANTS = [
  'tenants:',
  '  - id: default',
  '  - id: other',
  '  - id: laxer',
  '    delivery:',
  '      deliverDrmOnlyKeys: true',
  '      entitlement: { mode: signed-url, secrets: [{ kid: k1, secret: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE }] }',
  '  - id: brief',
  '    keys: { retention: { live: 2s, vod: 2s } }',
  '  - id: derived',
  '    keys: { source: derived }',
  '  - id: playready-test',
  ...TEST_SERVER,
  '    keys: { source: playready-test-seed }',
  '  - id: deterministic',
  '    policy: { keyIdOverride: { mode: deterministic } }',
  '  - id: fixed',
  '    policy:',
  '      keyIdOverride:',
  '        mode: fixed',
  '        keys:',
  '          - { trackType: HD, keyId: 30313233-3435-3637-3839-303132333435, key: AAECAwQFBgcICQoLDA0ODw== }',
  "          - { trackType: '*', keyId: 41424344-4546-4748-494a-4b4c4d4e4f50, key: EBESExQVFhcYGRobHB0eHw== }",
].join('\n');

const MOVIE = { tenant: 'default', contentId: 'movie-1' };

/** Key services at work on one bus in memory, as a gateway sees them. */
export class RunningServices {
  readonly pair = new SealingPair();
  /** Every event that was published, as often as it was. */
  readonly events: LatchkeyEvent[] = [];
  bus!: BusConnection;
  #hub = new MemoryHub();
  #services: RunningService[] = [];

  constructor(
    readonly place: Place,
    directory: string,
    private readonly environment: Record<string, string> = {},
  ) {
    this.#tenantsFile = join(directory, 'tenants.yaml');
    writeFileSync(this.#tenantsFile, TENANTS);
  }

  readonly #tenantsFile: string;

  /** For services that start from now on. */
  configure(change: (tenants: string) => string): void {
    writeFileSync(this.#tenantsFile, change(TENANTS));
  }

  async start(count = 1): Promise<void> {
    for (let n = 0; n < count; n++) {
      const context = createContext('key-service', {
        LOG_LEVEL: 'silent',
        // However busy the machine is that runs the tests.
        BUS_PATIENCE: '30',
        TENANTS_FILE: this.#tenantsFile,
        ...this.place.environment,
        ...this.environment,
      });
      const connection = this.#hub.connect(context);
      const publish = connection.publish.bind(connection);
      connection.publish = async (contract, payload) => {
        await publish(contract, payload);
        this.events.push(payload as LatchkeyEvent);
      };
      this.#services.push(await startKeyService(context, connection));
      this.bus = connection;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.close()));
    this.#services = [];
    this.#hub = new MemoryHub();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  request(keyIds: readonly KeyId[], change: Partial<IssueRequest> = {}): IssueRequest {
    return {
      ...MOVIE,
      exchangeId: randomUUID(),
      spekeVersion: '2.0',
      requester: { encryptorId: 'anonymous' },
      keys: keyIds.map((keyId) => ({ keyId, scheme: 'cbcs', needsExplicitIv: true })),
      systems: [SYSTEM_IDS.clearKeyAes128],
      delivery: { kind: 'sealed', publicKey: this.pair.publicKey },
      ...change,
    };
  }

  ask(request: IssueRequest, ms?: number): Promise<IssueReply> {
    return this.bus.ask(issueKeys, request, call(ms));
  }

  async issue(keyIds: readonly KeyId[], change: Partial<IssueRequest> = {}): Promise<ClearKey[]> {
    const request = this.request(keyIds, change);
    return this.open(request, await this.ask(request));
  }

  open({ tenant, contentId }: { tenant: string; contentId: string }, reply: IssueReply): ClearKey[] {
    const keyIds = reply.keys.map(({ keyId }) => keyId);
    const opened = this.pair.openAll(reply.sealedBy ?? '', reply.box ?? '', { tenant, contentId, keyIds });
    return reply.keys.map(({ requestedKeyId, keyId, secret, explicitIv, checksum, created }, at) => {
      if (secret.kind !== 'sealed') throw new Error('not sealed');
      return { requestedKeyId, keyId, key: opened[at]!.expose(hex), explicitIv, checksum, created };
    });
  }

  askRelease(keyIds: readonly KeyId[], change: Partial<ReleaseRequest> = {}): Promise<ReleaseReply> {
    const request: ReleaseRequest = {
      ...MOVIE,
      exchangeId: randomUUID(),
      keyIds: [...keyIds],
      reason: 'player',
      publicKey: this.pair.publicKey,
      ...change,
    };
    return this.bus.ask(releaseKeys, request, call());
  }

  /** Hex by key ID. */
  async release(keyIds: readonly KeyId[], change: Partial<ReleaseRequest> = {}): Promise<Record<string, string>> {
    const reply = await this.askRelease(keyIds, change);
    const { tenant, contentId } = { ...MOVIE, ...change };
    return Object.fromEntries(
      reply.keys.map(({ keyId, box }) => [
        keyId,
        this.pair.open(reply.sealedBy, box, { tenant, contentId, keyId }).expose(hex),
      ]),
    );
  }
}

const hex = (bytes: Buffer) => bytes.toString('hex');

/** Whoever is refused because others were quicker, or too many, asks again and gets the answer. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Fault) || !error.retryable) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
