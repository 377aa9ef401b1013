import type { ContentKey, KeyId } from '@latchkey/cenc';
import { CpixError, encryptForRecipients } from '@latchkey/cpix';
import { Fault, type IssueReply, type KeyDelivery, type Secret, type SealingIdentity } from '@latchkey/messages';
import type { ContentName } from '../store/stored-key';

/** How the keys of one answer leave: for the certificates that came with the request, or sealed for the process that asks. */
export interface Handover {
  secretOf(contentKey: ContentKey, keyId: KeyId): Secret;
  /** What the answer carries beside the secrets. */
  readonly opening: Pick<IssueReply, 'recipients' | 'sealedBy'>;
}

/** Throws Fault UNUSABLE_CERTIFICATE, INVALID_REQUEST for a public key that is none. */
export function openHandover(delivery: KeyDelivery, content: ContentName, identity: SealingIdentity): Handover {
  return delivery.kind === 'recipients'
    ? forRecipients(delivery.certificates)
    : sealed(delivery.publicKey, content, identity);
}

function sealed(publicKey: string, content: ContentName, identity: SealingIdentity): Handover {
  const pair = identity.current();
  return {
    secretOf: (contentKey, keyId) => ({
      kind: 'sealed',
      box: pair.seal(publicKey, contentKey, { tenant: content.tenant, contentId: content.contentId, keyId }),
    }),
    opening: { sealedBy: pair.publicKey },
  };
}

function forRecipients(certificates: readonly string[]): Handover {
  const encryption = encryptFor(certificates);
  return {
    secretOf: (contentKey) => encryption.encrypt(contentKey),
    opening: { recipients: [...encryption.recipients] },
  };
}

function encryptFor(certificates: readonly string[]) {
  try {
    return encryptForRecipients(certificates);
  } catch (error) {
    if (error instanceof CpixError) throw new Fault('UNUSABLE_CERTIFICATE', error.message, { cause: error });
    throw error;
  }
}
