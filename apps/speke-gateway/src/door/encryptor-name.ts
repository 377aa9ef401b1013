import type { FastifyRequest } from 'fastify';
import { shortHeader } from '@latchkey/http';

/** What the encryptor calls itself: in SPEKE's own headers, else in the general one. */
export function encryptorName(request: FastifyRequest): string | undefined {
  return (
    shortHeader(request, 'x-speke-user-agent') ??
    shortHeader(request, 'speke-user-agent') ??
    shortHeader(request, 'user-agent')
  );
}
