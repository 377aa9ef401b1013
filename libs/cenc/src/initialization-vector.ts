import { CencError } from './error';

/** A constant IV: 16 bytes (CPIX ContentKey@explicitIV). Throws CencError INVALID_INITIALIZATION_VECTOR. */
export const EXPLICIT_IV_BYTES = 16;

export function parseExplicitIv(bytes: Uint8Array): Buffer {
  if (bytes.length !== EXPLICIT_IV_BYTES) {
    throw new CencError(
      'INVALID_INITIALIZATION_VECTOR',
      `an explicit IV is ${EXPLICIT_IV_BYTES} bytes, not ${bytes.length}`,
    );
  }
  return Buffer.from(bytes);
}
