import { keyIdBytes, keyIdFromBytes, type KeyId } from '@latchkey/cenc';
import { HttpProblem } from '@latchkey/http';
import { z } from 'zod';

/** A licence request names the keys of one presentation; no packager makes more than a few. */
const MAX_KIDS = 64;

/** W3C Encrypted Media Extensions, 9.1.3: base64url without padding, 16 bytes each. */
const licenseRequest = z.object({
  kids: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{22}$/))
    .min(1)
    .max(MAX_KIDS),
  type: z.enum(['temporary', 'persistent-license']).default('temporary'),
});

export interface LicenseRequest {
  readonly keyIds: readonly KeyId[];
  readonly type: 'temporary' | 'persistent-license';
}

/** Reads a clear-key licence request, whatever media type a player gives it. Throws HttpProblem 400. */
export function parseLicenseRequest(body: Uint8Array | undefined): LicenseRequest {
  const request = licenseRequest.safeParse(parseJson(body));
  if (!request.success) {
    const detail = `The body is not a clear-key licence request: {"kids":["<base64url of 16 bytes>", …]}, at most ${MAX_KIDS} of them`;
    throw new HttpProblem(400, 'invalid-license-request', detail);
  }
  const { kids, type } = request.data;
  return { keyIds: [...new Set(kids.map((kid) => keyIdFromBytes(Buffer.from(kid, 'base64url'))))], type };
}

/** EME 9.1.4: a JSON Web Key Set of symmetric keys. */
export function licenseJson(keys: readonly { keyId: KeyId; bytes: Buffer }[], type: LicenseRequest['type']): string {
  return JSON.stringify({
    keys: keys.map(({ keyId, bytes }) => ({
      kty: 'oct',
      k: bytes.toString('base64url'),
      kid: keyIdBytes(keyId).toString('base64url'),
    })),
    type,
  });
}

function parseJson(body: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(body ?? []).toString('utf8'));
  } catch {
    return undefined;
  }
}
