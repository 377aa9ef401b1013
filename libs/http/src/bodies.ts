import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readBody } from './read-body';
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
 *
 * They are read here, not by Fastify, which binds each to an async resource: that costs as much as the rest of its work, and makes
 * hidden classes that keep what belongs to a request alive until the next full garbage collection.
 */
export function takeBodies(fastify: FastifyInstance, options: BodyOptions): void {
  for (const method of METHODS_WITH_BODY) fastify.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  fastify.addHook('onRequest', (request, _, done) => {
    if (hasBody(request)) refuseUnreadable(request, options);
    done();
  });
  fastify.addHook('preValidation', (request, reply, done) => {
    if (!isToBeRead(request)) return done();
    if (request.mediaType === UNREADABLE_MEDIA_TYPE) return done(foreignMediaType());
    const fail = (error: Error) => {
      // The client may be sending more of it.
      reply.header('connection', 'close');
      done(error);
    };
    readBody(request.raw, options.bodyLimit, fail, (body) => {
      if (options.jsonBodies && mediaTypeOf(request) === 'application/json') return takeJson(request, body, fail, done);
      request.body = body;
      done();
    });
  });
}

const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** What Fastify makes of a Content-Type that is none (RFC 9110, 8.3). */
const UNREADABLE_MEDIA_TYPE = '/';

/** The media type without its parameters, lower case; undefined if none was sent. */
export function mediaTypeOf(request: FastifyRequest): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() || undefined;
}

/** One that is empty too, if it is said to be something: it may be no JSON. */
function isToBeRead(request: FastifyRequest): boolean {
  return METHODS_WITH_BODY.has(request.method) && (request.headers['content-type'] !== undefined || hasBody(request));
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
  if (!options.bufferBodies?.(mediaType)) throw foreignMediaType();
  refuseForeignCharset(request);
}

function foreignMediaType(): HttpProblem {
  return new HttpProblem(415, 'unsupported-media-type', 'The body has a media type that this path does not take');
}

/** Bytes are read as what they say themselves: UTF-8, or UTF-16 with its mark. No other charset is read. */
function refuseForeignCharset(request: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset === undefined || ['utf-8', 'utf8', 'us-ascii', 'utf-16'].includes(charset.toLowerCase())) return;
  throw new HttpProblem(415, 'unsupported-charset', 'The charset is neither UTF-8 nor UTF-16');
}

function takeJson(request: FastifyRequest, body: Buffer, fail: (error: Error) => void, done: () => void): void {
  try {
    request.body = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    return fail(new HttpProblem(400, 'malformed-json', 'The body is not JSON', { cause }));
  }
  done();
}
