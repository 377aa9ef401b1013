import { HttpProblem } from '@latchkey/http';
import { UNKNOWN_TENANT } from '@latchkey/tenants';

/**
 * Who asks could not be made sure of. What the caller is told is the same whether a name is unknown or its proof wrong;
 * `claimed` is the name that was shown, for the slowing down of guesses, and the reason for the log.
 */
export class AuthenticationFailure extends HttpProblem {
  constructor(
    status: 401 | 403,
    code: string,
    detail: string,
    readonly about: {
      readonly claimed?: string | undefined;
      /** Whose credential was claimed, if there is one by that name. */
      readonly tenant?: string | undefined;
      readonly reason?: string;
      /** A guess gone wrong, as against a request that shows nothing yet or a nonce gone stale. */
      readonly guess: boolean;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
    },
  ) {
    super(status, code, detail, { headers: about.headers ?? {} });
  }

  get tenant(): string {
    return this.about.tenant ?? UNKNOWN_TENANT;
  }
}

/** Credentials of whatever kind that do not prove what they claim. The door adds the challenges. */
export function wrongCredentials(claimed: string, tenant?: string, reason?: string): AuthenticationFailure {
  return new AuthenticationFailure(401, 'wrong-credentials', 'The credentials are not right', {
    claimed,
    tenant,
    guess: true,
    ...(reason !== undefined && { reason }),
  });
}

/** AWS's own APIs answer a wrong signature with 403, and so do we. */
export function wrongSignature(claimed: string, tenant: string | undefined, reason: string): AuthenticationFailure {
  return new AuthenticationFailure(403, 'wrong-signature', 'The request’s signature is not valid, or no longer', {
    claimed,
    tenant,
    reason,
    guess: true,
  });
}
