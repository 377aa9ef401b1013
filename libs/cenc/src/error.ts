export type CencErrorCode =
  'INVALID_KEY_ID' | 'INVALID_SYSTEM_ID' | 'INVALID_CONTENT_KEY' | 'INVALID_INITIALIZATION_VECTOR' | 'INVALID_PSSH_BOX';

/** What is not Common Encryption: a value that cannot be what its name says. */
export class CencError extends Error {
  override readonly name = 'CencError';

  constructor(
    readonly code: CencErrorCode,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}
