import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problem';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Remembers which methods each path has, and gives the others an answer that says so: 405 with Allow (RFC 9110, 15.5.6)
 * where the router would say that there is nothing. Call what it returns when all routes are there.
 */
export function answerOtherMethods(fastify: FastifyInstance): () => void {
  const allowed = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set();
    for (const each of [method].flat()) methods.add(each);
    allowed.set(url, methods);
  });
  return () => {
    for (const [url, methods] of allowed) {
      const others = METHODS.filter((method) => !methods.has(method));
      if (!url.includes('*') && others.length > 0) refuse(fastify, url, others, [...methods].sort().join(', '));
    }
  };
}

function refuse(fastify: FastifyInstance, url: string, methods: readonly string[], allow: string): void {
  fastify.route({
    url,
    method: [...methods] as 'GET'[],
    exposeHeadRoute: false,
    handler: () => {
      throw new HttpProblem(405, 'method-not-allowed', `Here is ${allow}`, { headers: { allow } });
    },
  });
}
