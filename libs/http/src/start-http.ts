import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { Catch, type ArgumentsHost, type DynamicModule, type ExceptionFilter, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import type { HealthCheck, RunningService, ServiceContext } from '@latchkey/runtime';
import { answerOtherMethods } from './allowed-methods';
import { problemAnswerer, type ProblemAnswerer, type ProblemForm } from './answer-problem';
import { takeBodies } from './bodies';
import { Exchange } from './exchange';
import { isHealthProbe, routeHealth, type Readiness } from './health';
import { InFlight } from './in-flight';
import { HTTP_LIMITS, type HttpLimits } from './limits';
import { observe } from './observe';
import type { HttpProblem } from './problem';
import { refuseMalformed } from './refuse-malformed';
import { API_HEADERS, TLS_HEADERS } from './security-headers';
import { readTlsFiles, reloadTlsFiles, type TlsFiles } from './tls';

export interface HttpOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** 127.0.0.1 if absent. */
  readonly host?: string | undefined;
  /** In bytes; larger bodies are answered 413. */
  readonly bodyLimit: number;
  /** Media types whose bodies reach the controller as a Buffer; others, JSON apart, are answered 415. None if absent. */
  readonly bufferBodies?: ((mediaType: string | undefined) => boolean) | undefined;
  /** Take application/json, parsed. */
  readonly jsonBodies?: boolean | undefined;
  readonly checks: readonly HealthCheck[];
  /** With files: HTTPS. */
  readonly tls?: TlsFiles | undefined;
  /**
   * With TLS: HTTP/2 for clients that ask for it (ALPN). Node's HTTP/2 server does not cut slow clients off as its HTTP/1.1
   * server does, so that it is for networks without hostile ones.
   */
  readonly http2?: boolean | undefined;
  /** Addresses or CIDR ranges whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustProxy?: readonly string[] | undefined;
  /** In place of those of HTTP_LIMITS. */
  readonly limits?: Partial<HttpLimits> | undefined;
  readonly problems?: ProblemForm | undefined;
  /** Turns the app's own errors into answers; undefined for all others. */
  readonly problemOf?: ((error: unknown) => HttpProblem | undefined) | undefined;
  /** On every answer, also those that no hook sees. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Called first for every request that could be read, e.g. to set headers that every answer to it has. */
  readonly onEveryRequest?: ((request: FastifyRequest, reply: FastifyReply) => void) | undefined;
  /** Plugins and hooks of the app; they run after those of this library and before the controllers. */
  readonly configure?: ((fastify: FastifyInstance) => void | Promise<void>) | undefined;
}

export interface HttpService extends RunningService {
  readonly url: string;
}

/**
 * An HTTP server that controllers of a Nest module answer, on Fastify. What every HTTP app needs comes with it: exchange
 * id, log line, span and metrics, security headers, /healthz and /readyz, one way of answering errors, limits and
 * timeouts, load shedding, TLS, and a close that lets requests at work finish.
 */
export async function startHttp(
  module: Type<unknown> | DynamicModule,
  context: ServiceContext,
  options: HttpOptions,
): Promise<HttpService> {
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const headers = { ...API_HEADERS, ...(options.tls ? TLS_HEADERS : {}), ...options.headers };
  const answerProblem = problemAnswerer(context.logger, options.problems ?? 'text', options.problemOf);
  const begin = (request: FastifyRequest, reply: FastifyReply) => {
    request.exchange = new Exchange();
    reply.headers(headers).header('x-request-id', request.exchange.id);
    options.onEveryRequest?.(request, reply);
  };
  const adapter = new FastifyAdapter({
    ...serverOptions(options, limits),
    clientErrorHandler: refuseMalformed(headers),
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      begin(request, reply);
      answerProblem(error, request, reply);
    },
    skipMiddie: true,
  } as ConstructorParameters<typeof FastifyAdapter>[0]);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: false,
    abortOnError: false,
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const readiness: Readiness = { checks: options.checks, closing: false };
  context.stopping?.addEventListener('abort', () => (readiness.closing = true));

  answerErrors(fastify, answerProblem);
  const answerOthers = answerOtherMethods(fastify);
  shapeRequests(fastify, begin);
  observe(fastify, context.logger);
  shedLoad(fastify, new InFlight(limits.inFlight));
  takeBodies(fastify, options);
  routeHealth(fastify, readiness, context.logger);
  await options.configure?.(fastify);
  app.useGlobalFilters(new ProblemFilter(answerProblem));
  await app.init();
  answerOthers();
  limitConnections(fastify, limits);
  await fastify.listen({ port: options.port, host: options.host ?? '127.0.0.1' });

  const stopReloading = options.tls
    ? reloadTlsFiles(fastify.server as unknown as TlsServer, options.tls, context.logger, limits.tlsPollMs)
    : () => undefined;
  const url = urlOf(fastify, options);
  let closed: Promise<void> | undefined;
  context.logger.info({ url }, 'listening');
  return {
    name: context.name,
    url,
    checks: options.checks,
    close: async () => {
      readiness.closing = true;
      stopReloading();
      await (closed ??= closeInTime(app, fastify, limits.closeMs));
    },
  };
}

function serverOptions(options: HttpOptions, limits: HttpLimits) {
  const node = { maxHeaderSize: limits.headerBytes, connectionsCheckingInterval: limits.checkEveryMs };
  return {
    ...(options.tls && { https: { ...tlsOptions(options.tls), ...node } }),
    ...(options.tls && options.http2 && { http2: true, https: { ...tlsOptions(options.tls), allowHTTP1: true } }),
    http: node,
    bodyLimit: options.bodyLimit,
    connectionTimeout: limits.stalledSocketMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxRequestsPerSocket: limits.requestsPerSocket,
    http2SessionTimeout: limits.keepAliveMs,
    forceCloseConnections: 'idle' as const,
    // What comes over connections that are still open is answered, with Connection: close.
    return503OnClosing: false,
    trustProxy: options.trustProxy?.length ? [...options.trustProxy] : false,
    routerOptions: { maxParamLength: limits.pathParameter, ignoreTrailingSlash: true },
  } satisfies FastifyServerOptions & Record<string, unknown>;
}

/** A client without a certificate is let in: whether it needs one is for its tenant's credentials to say. */
function tlsOptions(files: TlsFiles) {
  return { ...readTlsFiles(files), requestCert: files.clientAuthority !== undefined, rejectUnauthorized: false };
}

/** Also those of hooks and of routes that an app adds to Fastify itself: Nest's filter sees only its controllers' errors. */
function answerErrors(fastify: FastifyInstance, answerProblem: ProblemAnswerer): void {
  fastify.addHook('onRoute', (route) => {
    route.errorHandler ??= answerProblem;
  });
}

function shapeRequests(fastify: FastifyInstance, begin: (request: FastifyRequest, reply: FastifyReply) => void): void {
  fastify.decorateRequest('exchange', null as unknown as Exchange);
  fastify.addHook('onRequest', (request, reply, done) => {
    begin(request, reply);
    done();
  });
}

function shedLoad(fastify: FastifyInstance, inFlight: InFlight): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!isHealthProbe(request.url)) inFlight.enter(request, reply);
    done();
  });
}

/** Fastify sets its own timeouts on the server it makes; these two have no option there. */
function limitConnections(fastify: FastifyInstance, limits: HttpLimits): void {
  fastify.server.headersTimeout = limits.headersTimeoutMs;
  fastify.server.requestTimeout = limits.requestTimeoutMs;
}

@Catch()
class ProblemFilter implements ExceptionFilter {
  constructor(private readonly answerProblem: ProblemAnswerer) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answerProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

function urlOf(fastify: FastifyInstance, options: HttpOptions): string {
  const { port } = fastify.server.address() as AddressInfo;
  const host = options.host ?? '127.0.0.1';
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${options.tls ? 'https' : 'http'}://${reachable}:${port}`;
}

async function closeInTime(app: NestFastifyApplication, fastify: FastifyInstance, ms: number): Promise<void> {
  // A connection whose last request was at work when the closing began is kept alive otherwise.
  const server = fastify.server as Partial<typeof fastify.server>;
  const idle = setInterval(() => server.closeIdleConnections?.(), 50);
  const force = setTimeout(() => server.closeAllConnections?.(), ms);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(force);
  }
}
