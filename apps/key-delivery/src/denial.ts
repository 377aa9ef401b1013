import { HttpProblem } from '@latchkey/http';

/**
 * Why a player does not get a key, for machines and for people. 401: show (another) token; 403: this one is not for
 * that. None depends on whether there is such a key: entitlement is judged before anything is looked up.
 */
export const DENIALS = {
  'token-missing': { status: 401, detail: 'The request carries no token' },
  'token-malformed': { status: 401, detail: 'The token is not a compact JWS, or stands in the request twice' },
  'token-algorithm': { status: 401, detail: 'The token is signed with an algorithm that is not accepted here' },
  'token-invalid': { status: 401, detail: 'The signature of the token does not verify' },
  'token-type': { status: 401, detail: 'The token is of another type (typ)' },
  'token-issuer': { status: 401, detail: 'The token comes from another issuer (iss)' },
  'token-audience': { status: 401, detail: 'The token is for another audience (aud)' },
  'token-claims': { status: 401, detail: 'The token lacks a claim that is wanted here, or has one of the wrong kind' },
  'token-expired': { status: 401, detail: 'The token has expired (exp)' },
  'token-not-yet-valid': { status: 401, detail: 'The token is not valid yet (nbf)' },
  'token-too-old': { status: 401, detail: 'The token was issued too long ago, or in the future (iat)' },
  'signature-missing': { status: 403, detail: 'The request carries no signature' },
  'signature-malformed': { status: 403, detail: 'The signature in the request is not of the form that is wanted here' },
  'signature-invalid': { status: 403, detail: 'The signature does not verify for this request' },
  'signature-expired': { status: 403, detail: 'The signature has expired' },
  'tenant-not-granted': { status: 403, detail: 'The token is for another tenant' },
  'content-not-granted': { status: 403, detail: 'The token does not name this content' },
  'key-not-granted': { status: 403, detail: 'The token does not name this key' },
  'address-not-granted': { status: 403, detail: 'The token is for another address' },
} as const satisfies Record<string, { status: 401 | 403; detail: string }>;

export type DenialReason = keyof typeof DENIALS;

/** A request that is refused for want of entitlement. Each one leaves an event. */
export class Denial extends HttpProblem {
  constructor(
    readonly reason: DenialReason,
    /** Whom a token that did verify names. */
    readonly subject?: string,
  ) {
    const { status, detail } = DENIALS[reason];
    super(status, reason, detail, { headers: status === 401 ? { 'www-authenticate': challenge(reason) } : {} });
  }
}

/** RFC 6750, 3: without a token there is no error to name. */
function challenge(reason: DenialReason): string {
  const realm = 'Bearer realm="latchkey"';
  return reason === 'token-missing'
    ? realm
    : `${realm}, error="invalid_token", error_description="${DENIALS[reason].detail}"`;
}
