import type { KeyId } from '@latchkey/cenc';
import type { IncomingHttpHeaders } from 'node:http';
import type { ContentName } from './key-name';
import { Denial } from './denial';

/** What a request shows, for an entitlement to judge. */
export interface PlayerRequest {
  readonly content: ContentName;
  /** The key that its path names; a licence request names its keys in its body. */
  readonly keyId: KeyId | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly address: string;
}

/** What a player may have of the content that it asked for. */
export interface Grant {
  names(keyId: KeyId): boolean;
  /** Whom it was given to, for audit records. */
  readonly subject?: string | undefined;
  /** Tells one token or signature from another, for rate limits; never the token itself. */
  readonly credential?: string | undefined;
  /** Epoch milliseconds. */
  readonly endsAt?: number | undefined;
}

/** One tenant's rule for who may have keys. */
export interface Entitlement {
  /** A request that the entitlement has seen before is judged at once. Throws Denial; HttpProblem 503. */
  judge(request: PlayerRequest): Grant | Promise<Grant>;
}

const EVERY_KEY: Grant = { names: () => true };

/** Nobody: as if no token were good enough. */
export const closed: Entitlement = {
  judge: () => {
    throw new Denial('token-missing');
  },
};

/** Whoever asks. */
export const open: Entitlement = { judge: () => EVERY_KEY };
