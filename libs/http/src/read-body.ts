import type { IncomingMessage } from 'node:http';
import { errorCodes } from 'fastify';

/**
 * The bytes of a body, once all are there. `failed` is given Fastify's own errors: 413 past `limit` bytes, as soon as that is known;
 * 400 for one that breaks off or is not as long as its Content-Length. One of the two is called, once.
 */
export function readBody(
  message: IncomingMessage,
  limit: number,
  failed: (error: Error) => void,
  read: (body: Buffer) => void,
): void {
  const header = message.headers['content-length'];
  const stated = header === undefined ? undefined : Number(header);
  if (stated !== undefined && stated > limit) return failed(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  const chunks: Buffer[] = [];
  let length = 0;
  message.on('data', take).on('end', end).on('error', broken);

  function take(chunk: Buffer): void {
    length += chunk.length;
    if (length <= limit) return void chunks.push(chunk);
    letGo();
    failed(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  }

  function end(): void {
    letGo();
    if (stated !== undefined && stated !== length) return failed(new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH());
    // A body of up to 64 KB is one chunk, which is its own already.
    read(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
  }

  function broken(cause: Error): void {
    letGo();
    failed(Object.assign(new Error('the body broke off', { cause }), { statusCode: 400 }));
  }

  function letGo(): void {
    message.off('data', take).off('end', end).off('error', broken);
  }
}
