import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { TenantEntitlement } from '@latchkey/tenants';
import { Denial } from './denial';
import type { Entitlement, Grant, PlayerRequest } from './entitlement';
import { cookieValues } from './token-source';
import { fitsPattern } from './wildcard';

export type SignedUrlRules = Extract<TenantEntitlement, { mode: 'signed-url' }>;
export type SignedCookieRules = Extract<TenantEntitlement, { mode: 'signed-cookie' }>;

/** What an HMAC is made over: six lines, so that any language can. */
export interface SignedText {
  readonly carrier: 'url' | 'cookie';
  readonly tenant: string;
  /** In a URL the content ID, in a cookie a pattern of content IDs. */
  readonly content: string;
  /** A key ID, or `*` for every key of the content. */
  readonly kid: string;
  /** Epoch seconds, as written in the URL or cookie. */
  readonly expires: string;
  /** Of the player, where the tenant binds signatures to it. */
  readonly address: string | undefined;
}

const SIGNATURE_BYTES = 32;
const EPOCH_SECONDS = /^[1-9]\d{0,10}$/;

/** HMAC-SHA-256, 32 bytes. The content is percent-encoded (RFC 3986), so no line can hold two. */
export function signText(key: KeyObject, { carrier, tenant, content, kid, expires, address }: SignedText): Buffer {
  const lines = [`latchkey-${carrier}-v1`, tenant, encodeURIComponent(content), kid, expires, address ?? ''];
  return createHmac('sha256', key).update(lines.join('\n')).digest();
}

/** `?expires=…&signer=…&signature=…` for one key; with `&scope=content` for every key of the content. */
export class SignedUrls implements Entitlement {
  readonly #signatures: Signatures;

  constructor(
    private readonly rules: SignedUrlRules,
    private readonly now: () => number,
  ) {
    this.#signatures = new Signatures(rules.secrets);
  }

  judge(request: PlayerRequest): Grant {
    const { expires, signer, signature, scope } = request.query;
    if (expires === undefined && signer === undefined && signature === undefined) throw new Denial('signature-missing');
    if (typeof expires !== 'string' || typeof signer !== 'string' || typeof signature !== 'string') {
      throw new Denial('signature-malformed');
    }
    if (scope !== undefined && scope !== 'content') throw new Denial('signature-malformed');
    const kid = scope === 'content' ? '*' : request.keyId;
    // A licence request names its keys in its body, so only a signature for the content can stand for it.
    if (kid === undefined) throw new Denial('signature-malformed');
    this.#signatures.check(signer, signature, {
      carrier: 'url',
      tenant: request.content.tenant,
      content: request.content.contentId,
      kid,
      expires,
      address: this.rules.bindAddress ? request.address : undefined,
    });
    return { names: () => true, credential: credentialOf(signature), endsAt: endOf(expires, this.now()) };
  }
}

/** A cookie `<signer>.<expires>.<base64url of a content ID pattern>.<signature>`. */
export class SignedCookies implements Entitlement {
  readonly #signatures: Signatures;

  constructor(
    private readonly rules: SignedCookieRules,
    private readonly now: () => number,
  ) {
    this.#signatures = new Signatures(rules.secrets);
  }

  /** Several cookies of the name may be there (other paths, other contents): one that holds is enough. */
  judge(request: PlayerRequest): Grant {
    const values = cookieValues(request.headers.cookie, this.rules.cookie).slice(0, MAX_COOKIES);
    let refused = new Denial('signature-missing');
    for (const value of values) {
      try {
        return this.#judgeOne(value, request);
      } catch (error) {
        refused = error as Denial;
      }
    }
    throw refused;
  }

  #judgeOne(value: string, { content, address }: PlayerRequest): Grant {
    const [signer, expires, encoded, signature, ...more] = value.split('.');
    if (
      signer === undefined ||
      expires === undefined ||
      encoded === undefined ||
      signature === undefined ||
      more.length > 0
    ) {
      throw new Denial('signature-malformed');
    }
    const pattern = Buffer.from(encoded, 'base64url').toString();
    this.#signatures.check(signer, signature, {
      carrier: 'cookie',
      tenant: content.tenant,
      content: pattern,
      kid: '*',
      expires,
      address: this.rules.bindAddress ? address : undefined,
    });
    const endsAt = endOf(expires, this.now());
    if (!fitsPattern(pattern, content.contentId)) throw new Denial('content-not-granted');
    return { names: () => true, credential: credentialOf(signature), endsAt };
  }
}

const MAX_COOKIES = 4;

/** The secrets of a tenant by their names; a signature is compared in constant time. */
class Signatures {
  readonly #keys: ReadonlyMap<string, KeyObject>;

  constructor(secrets: readonly { kid: string; secret: string }[]) {
    this.#keys = new Map(secrets.map(({ kid, secret }) => [kid, createSecretKey(secret, 'base64url')]));
  }

  check(signer: string, signature: string, text: SignedText): void {
    const key = this.#keys.get(signer);
    const given = Buffer.from(signature, 'base64url');
    // Decoding is lenient, and one signature must have one spelling: rate limits count by it.
    if (
      given.length !== SIGNATURE_BYTES ||
      given.toString('base64url') !== signature ||
      !EPOCH_SECONDS.test(text.expires)
    )
      throw new Denial('signature-malformed');
    if (key === undefined || !timingSafeEqual(given, signText(key, text))) throw new Denial('signature-invalid');
  }
}

/** Enough of a signature to tell it from others, too little to use it. */
function credentialOf(signature: string): string {
  return signature.slice(0, 16);
}

function endOf(expires: string, now: number): number {
  const endsAt = Number(expires) * 1_000;
  if (endsAt <= now) throw new Denial('signature-expired');
  return endsAt;
}
