import type { ContentKey, KeyId } from '@latchkey/cenc';
import { CpixError, encryptForRecipients } from '@latchkey/cpix';
import { Fault, type IssueReply, type KeyDelivery, type Secret, type SealingIdentity } from '@latchkey/messages';
import type { ContentName } from '../store/stored-key';

export interface LeavingKey {
  readonly keyId: KeyId;
  readonly contentKey: ContentKey;
}

/** Keys on their way out. */
export interface HandedOver {
  /** In the order of the keys. */
  readonly secrets: readonly Secret[];
  /** What the answer carries beside them. */
  readonly opening: Pick<IssueReply, 'recipients' | 'sealedBy' | 'box'>;
}

/** How the keys of one answer leave: for the certificates that came with the request, or sealed for the process that asks. */
export type Handover = (keys: readonly LeavingKey[]) => HandedOver;

/** Throws Fault UNUSABLE_CERTIFICATE, INVALID_REQUEST for a public key that is none. */
export function openHandover(delivery: KeyDelivery, content: ContentName, identity: SealingIdentity): Handover {
  return delivery.kind === 'recipients'
    ? forRecipients(delivery.certificates)
    : sealed(delivery.publicKey, content, identity);
}

function sealed(publicKey: string, { tenant, contentId }: ContentName, identity: SealingIdentity): Handover {
  const pair = identity.current();
  return (keys) => {
    const contentKeys = keys.map(({ contentKey }) => contentKey);
    const context = { tenant, contentId, keyIds: keys.map(({ keyId }) => keyId) };
    return {
      secrets: keys.map(() => ({ kind: 'sealed' })),
      opening: { sealedBy: pair.publicKey, box: pair.sealAll(publicKey, contentKeys, context) },
    };
  };
}

function forRecipients(certificates: readonly string[]): Handover {
  const encryption = encryptFor(certificates);
  return (keys) => ({
    secrets: keys.map(({ contentKey }) => encryption.encrypt(contentKey)),
    opening: { recipients: [...encryption.recipients] },
  });
}

function encryptFor(certificates: readonly string[]) {
  try {
    return encryptForRecipients(certificates);
  } catch (error) {
    if (error instanceof CpixError) throw new Fault('UNUSABLE_CERTIFICATE', error.message, { cause: error });
    throw error;
  }
}
