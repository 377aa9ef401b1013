import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem';

export interface BodyOptions {
  readonly bodyLimit: number;
  readonly bufferBodies?: ((mediaType: string | undefined) => boolean) | undefined;
  readonly jsonBodies?: boolean | undefined;
}

/**
 * Which bodies are read, and into what: a Buffer for the media types that the app names, parsed JSON if it wants that.
 * All else is refused before a byte of it is read. Bodies are never decompressed: no encryptor or player compresses
 * its request, and a small one that unfolds is a way to hurt.
 */
export function takeBodies(fastify: FastifyInstance, options: BodyOptions): void {
  fastify.removeAllContentTypeParsers();
  fastify.addHook('onRequest', (request, _, done) => {
    if (hasBody(request)) refuseUnreadable(request, options);
    done();
  });
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: options.bodyLimit }, (request, body, done) => {
    if (!options.jsonBodies || mediaTypeOf(request) !== 'application/json') return done(null, body);
    parseJson(body as Buffer, done);
  });
}

/** The media type without its parameters, lower case; undefined if none was sent. */
export function mediaTypeOf(request: FastifyRequest): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() || undefined;
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function refuseUnreadable(request: FastifyRequest, options: BodyOptions): void {
  const coding = request.headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    // RFC 9110, 12.5.3: Accept-Encoding in a 415 says which content codings would have been taken.
    const headers = { 'accept-encoding': 'identity' };
    throw new HttpProblem(415, 'unsupported-content-encoding', 'Send the body without a content encoding', { headers });
  }
  const mediaType = mediaTypeOf(request);
  if (options.jsonBodies && mediaType === 'application/json') return;
  if (!options.bufferBodies?.(mediaType)) {
    throw new HttpProblem(415, 'unsupported-media-type', 'The body has a media type that this path does not take');
  }
  refuseForeignCharset(request);
}

/** Bytes are read as what they say themselves: UTF-8, or UTF-16 with its mark. No other charset is read. */
function refuseForeignCharset(request: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset === undefined || ['utf-8', 'utf8', 'us-ascii', 'utf-16'].includes(charset.toLowerCase())) return;
  throw new HttpProblem(415, 'unsupported-charset', 'The charset is neither UTF-8 nor UTF-16');
}

function parseJson(body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
  try {
    done(null, JSON.parse(body.toString('utf8')));
  } catch (cause) {
    done(new HttpProblem(400, 'malformed-json', 'The body is not JSON', { cause }));
  }
}
