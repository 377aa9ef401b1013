/**
 * The one error that crosses the bus. Throw it where a caller must tell this failure from others;
 * anything else that is thrown reaches the caller as INTERNAL, its detail left in the server's log.
 */
export class Fault extends Error {
  override readonly name = 'Fault';

  constructor(
    readonly code: FaultCode,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }

  get retryable(): boolean {
    return FAULTS[this.code].retryable;
  }
}

/** Every code there is, and whether asking again can help. HTTP statuses are the HTTP apps' business. */
export const FAULTS = {
  INVALID_REQUEST: { retryable: false },
  FORBIDDEN: { retryable: false },
  KEY_NOT_FOUND: { retryable: false },
  CONFLICT: { retryable: false },
  PRECONDITION_FAILED: { retryable: false },
  UNUSABLE_CERTIFICATE: { retryable: false },
  UNSUPPORTED_DRM_SYSTEM: { retryable: false },
  UNSUPPORTED_SCHEME: { retryable: false },
  /** A stored row does not unwrap: never a wrong key, never a new one. */
  TAMPERED: { retryable: false },
  UNAVAILABLE: { retryable: true },
  DEADLINE_EXCEEDED: { retryable: true },
  INTERNAL: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type FaultCode = keyof typeof FAULTS;

export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}
