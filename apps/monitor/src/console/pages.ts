import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** What Vite built of web/: beside the compiled source, and of this package when run from source. */
const BUILT = join(__dirname, '..', '..', 'dist', 'web');

/** Addresses of the console's pages: one document, which finds its page by itself. */
const PAGES = ['/', '/signed-in', '/rotation', '/keys', '/exchanges', '/inspector', '/ledger', '/contents', '/health'];

/** Serves the console's front end. Whoever has no token gets the page that asks for one. */
export async function servePages(fastify: FastifyInstance, issuer: () => string | undefined): Promise<void> {
  const document = readDocument();
  await fastify.register(fastifyStatic, {
    root: join(BUILT, 'assets'),
    prefix: '/assets/',
    index: false,
    // Their names have a hash of what is in them.
    immutable: true,
    maxAge: '365d',
  });
  for (const page of PAGES) {
    fastify.get(page, (_, reply) => {
      const nonce = randomBytes(16).toString('base64');
      return reply
        .headers({
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': contentSecurityPolicy(nonce, issuer()),
          'cache-control': 'no-cache',
          'cross-origin-opener-policy': 'same-origin',
          'permissions-policy': 'camera=(), microphone=(), geolocation=()',
        })
        .send(document.replaceAll('{{nonce}}', nonce));
    });
  }
}

/** Only what came from here runs; only this server, and the issuer when signing in, is spoken to. */
function contentSecurityPolicy(nonce: string, issuer: string | undefined): string {
  const connect = ["'self'", ...(issuer ? [new URL(issuer).origin] : [])].join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    `connect-src ${connect}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function readDocument(): string {
  try {
    return readFileSync(join(BUILT, 'index.html'), 'utf8');
  } catch {
    return '<!doctype html><title>Latchkey</title><p>The console is not built: run <code>npm run build</code>.</p>';
  }
}
