import { randomBytes } from 'node:crypto';
import { Answers, startAnswering, type BusConnection } from '@latchkey/bus';
import { ContentKey, SYSTEM_IDS } from '@latchkey/cenc';
import {
  Fault,
  getDocument,
  deleteDocument,
  importKeys,
  issueKeys,
  putDocument,
  recordRefusal,
  revokeKeys,
  SealingIdentity,
  sealingKey,
  signalingFor,
  type IssueReply,
  type IssueRequest,
  type SignalingReply,
  type SignalingRequest,
} from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import { Controller, Module } from '@nestjs/common';
import type { z } from 'zod';

type Input<Contract extends { request: z.ZodType }> = z.output<Contract['request']>;
type Reply<Contract extends { reply: z.ZodType }> = z.input<Contract['reply']>;

/** What the gateway asked, and what it is to be answered beside the usual. */
export const asked = {
  issue: [] as IssueRequest[],
  signaling: [] as SignalingRequest[],
  refusals: [] as Input<typeof recordRefusal>[],
  imports: [] as Input<typeof importKeys>[],
  revocations: [] as Input<typeof revokeKeys>[],
};
export const behaviour = {
  issueFault: undefined as Fault | undefined,
  signalingFault: undefined as Fault | undefined,
  /** The settings that signaling says it was made from. */
  signalingSettings: undefined as string | undefined,
  /** Keys are answered when it resolves. */
  held: undefined as Promise<void> | undefined,
  /** Answers for another key ID than was asked. */
  override: undefined as IssueReply['keys'][number]['keyId'] | undefined,
};

const identity = new SealingIdentity();
const keys = new Map<string, Buffer>();
const documents = new Map<string, { spekeVersion: '1.0' | '2.0' | '2.1'; document: string; etag: string }>();

export function forget(): void {
  for (const list of Object.values(asked)) list.splice(0);
  Object.assign(behaviour, {
    issueFault: undefined,
    signalingFault: undefined,
    signalingSettings: undefined,
    held: undefined,
    override: undefined,
  });
  keys.clear();
  documents.clear();
}

/** The clear key that is kept for it: made when first asked for. */
export function keyOf(tenant: string, contentId: string, keyId: string): Buffer {
  const name = JSON.stringify([tenant, contentId, keyId]);
  const key = keys.get(name) ?? randomBytes(16);
  keys.set(name, key);
  return key;
}

/** A key-service and two DRM systems as small as can be, answering the real contracts on the real (memory) bus. */
@Controller()
class Answerers {
  @Answers(issueKeys)
  async issue(request: IssueRequest): Promise<IssueReply> {
    asked.issue.push(request);
    await behaviour.held;
    if (behaviour.issueFault) throw behaviour.issueFault;
    const { delivery, tenant, contentId } = request;
    if (delivery.kind !== 'sealed') throw new Fault('UNAVAILABLE', 'these answerers only seal');
    const pair = identity.current();
    const keyIds = request.keys.map(({ keyId }) => behaviour.override ?? keyId);
    const contentKeys = keyIds.map((keyId) => ContentKey.fromBytes(keyOf(tenant, contentId, keyId)));
    return {
      sealedBy: pair.publicKey,
      box: pair.sealAll(delivery.publicKey, contentKeys, { tenant, contentId, keyIds }),
      keys: request.keys.map(({ keyId: requestedKeyId, explicitIv }, at) => ({
        requestedKeyId,
        keyId: keyIds[at]!,
        checksum: 'AAAAAAAAAAA=',
        created: true,
        secret: { kind: 'sealed' },
        ...(explicitIv !== undefined && { explicitIv }),
      })),
    };
  }

  @Answers(signalingFor(SYSTEM_IDS.widevine))
  async widevine(request: SignalingRequest): Promise<SignalingReply> {
    return signal(request);
  }

  @Answers(signalingFor(SYSTEM_IDS.playready))
  async playready(request: SignalingRequest): Promise<SignalingReply> {
    return signal(request);
  }

  @Answers(recordRefusal)
  async refuse(request: Input<typeof recordRefusal>): Promise<Reply<typeof recordRefusal>> {
    asked.refusals.push(request);
    return {};
  }

  @Answers(sealingKey)
  async sealingKey(): Promise<Reply<typeof sealingKey>> {
    return { publicKey: identity.current().publicKey };
  }

  @Answers(importKeys)
  async import(request: Input<typeof importKeys>): Promise<Reply<typeof importKeys>> {
    asked.imports.push(request);
    if (behaviour.issueFault) throw behaviour.issueFault;
    const { tenant, contentId, sealedBy } = request;
    for (const { keyId, box } of request.keys) {
      const key = identity.current().open(sealedBy, box, { tenant, contentId, keyId });
      key.expose((bytes) => keys.set(JSON.stringify([tenant, contentId, keyId]), Buffer.from(bytes)));
    }
    return { imported: request.keys.length, unchanged: 0 };
  }

  @Answers(revokeKeys)
  async revoke(request: Input<typeof revokeKeys>): Promise<Reply<typeof revokeKeys>> {
    asked.revocations.push(request);
    return { revoked: 1 };
  }

  @Answers(putDocument)
  async put({ tenant, contentId, spekeVersion, document, ifMatch }: Input<typeof putDocument>) {
    const name = `${tenant}/${contentId}`;
    const stored = documents.get(name);
    if (ifMatch === null && stored) throw new Fault('CONFLICT', 'there is a document already');
    if (typeof ifMatch === 'string' && (ifMatch === '*' ? !stored : stored?.etag !== ifMatch)) {
      throw new Fault('PRECONDITION_FAILED', 'another document is stored');
    }
    const etag = randomBytes(6).toString('hex');
    documents.set(name, { spekeVersion, document, etag });
    return { etag, created: !stored };
  }

  @Answers(getDocument)
  async get({ tenant, contentId }: Input<typeof getDocument>): Promise<Reply<typeof getDocument>> {
    return { stored: documents.get(`${tenant}/${contentId}`) ?? null };
  }

  @Answers(deleteDocument)
  async delete({ tenant, contentId, ifMatch }: Input<typeof deleteDocument>) {
    const stored = documents.get(`${tenant}/${contentId}`);
    if (ifMatch !== undefined && stored?.etag !== ifMatch) throw new Fault('PRECONDITION_FAILED', 'another one');
    return { deleted: documents.delete(`${tenant}/${contentId}`) };
  }
}

function signal(request: SignalingRequest): SignalingReply {
  asked.signaling.push(request);
  if (behaviour.signalingFault) throw behaviour.signalingFault;
  const said = Buffer.from(`${request.systemId}`).toString('base64');
  return {
    keys: request.keys.map(({ keyId, wants }) => ({
      keyId,
      ...Object.fromEntries(wants.map((item) => [item, said])),
    })),
    settings: behaviour.signalingSettings,
  };
}

@Module({ controllers: [Answerers] })
class AnsweringModule {}

export function startAnswerers(connection: BusConnection, context: ServiceContext) {
  return startAnswering(AnsweringModule, connection, context);
}
