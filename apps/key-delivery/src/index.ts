import 'reflect-metadata';
import { busCheck, busEnvironment, Outbox, startAnswering, tellConfiguration, type BusConnection } from '@latchkey/bus';
import { isLoopback, startHttp, unavailable, type HttpService } from '@latchkey/http';
import { eventSource } from '@latchkey/messages';
import { EnvironmentError, readEnvironment, type ServiceContext } from '@latchkey/runtime';
import { openTenantSource } from '@latchkey/tenant-source';
import { tenantsInForce, type TenantDirectory } from '@latchkey/tenants';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readConfig, type Config } from './config';
import { DeliveryRecords } from './delivery-records';
import { openToOrigins } from './delivery-routes';
import { DeliveryRules } from './delivery-rules';
import { HeldKeys } from './held-keys';
import { KeyDesk } from './key-desk';
import { KeyEventsModule, PlayersModule } from './key-delivery.module';
import { KeyReleases } from './key-releases';
import { KeyWarming } from './key-warming';
import { RateLimit } from './rate-limit';

export { variables } from './config';

/** What a player waits for key-service at most: below the 2 s within which every request is answered. */
const RELEASE_MS = 1_800;
const MOST_PENDING = 1_000;
/** A licence request with 64 key IDs is 2 KB. */
const BODY_LIMIT = 16 * 1024;

/** Players get their keys here: HLS AES-128 keys and clear-key licences, for those whom their tenant's entitlement lets in. */
export async function startKeyDelivery(context: ServiceContext, connection: BusConnection): Promise<HttpService> {
  const { logger, environment } = context;
  const config = readConfig(environment);
  const tenants = await openTenantSource(config.tenants, context);
  const rules = deliveryRules(config, tenants);
  const held = new HeldKeys({ max: config.heldKeys, holdMs: config.holdMs, now: Date.now });
  const releases = new KeyReleases(connection, held, {
    timeoutMs: RELEASE_MS * readEnvironment(busEnvironment, environment).BUS_PATIENCE,
    mostPending: MOST_PENDING,
    now: Date.now,
  });
  const outbox = new Outbox(logger);
  const inForce = () => tenantsInForce(tenants, rules.warnings(), logger);
  tellConfiguration(context, { bus: connection, outbox }, inForce, (listener) => tenants.onChange(listener));
  const records = new DeliveryRecords(connection, outbox, eventSource(context));
  const desk = new KeyDesk(rules, held, releases, records, new RateLimit(Date.now));

  const warming = new KeyWarming(releases, held, logger);
  const hearing = await startAnswering(KeyEventsModule.hearing(held, releases, warming), connection, context);
  const http = await startHttp(PlayersModule.answering(rules, desk), context, {
    ...config,
    bodyLimit: BODY_LIMIT,
    bufferBodies: () => true,
    problems: 'json',
    checks: [busCheck(connection)],
    onEveryRequest: (request, reply) => openToOrigins(rules, request, reply),
    configure: (fastify) => refuseWhenLate(fastify, config),
  });
  return {
    ...http,
    async close() {
      await http.close();
      await hearing.close();
      records.close();
      await outbox.close();
      held.close();
      tenants.close();
    },
  };
}

/**
 * Throws EnvironmentError rather than deliver beyond loopback for a tenant that never said that everybody may have its keys. One row
 * of a table keeps nobody from starting: its tenant delivers nothing, which is warned of.
 */
function deliveryRules({ host, allowOpen }: Config, tenants: TenantDirectory): DeliveryRules {
  const openUnlessSaid = allowOpen || isLoopback(host);
  const silent = tenants.list().find(({ delivery }) => delivery.entitlement === undefined);
  if (silent && !openUnlessSaid && tenants.source !== 'table') {
    throw new EnvironmentError(
      `DELIVERY_HOST: ${host} can be reached from outside, and the tenant ${silent.id} does not say who may have its keys.\n` +
        'Give it a delivery.entitlement in TENANTS_FILE, or set DELIVERY_ALLOW_OPEN=true.',
    );
  }
  return new DeliveryRules(tenants, openUnlessSaid);
}

/** An answer that comes too late is worth less than a refusal at once: players ask again. */
async function refuseWhenLate(fastify: FastifyInstance, { mostDelayMs }: Config): Promise<void> {
  await fastify.register(underPressure, {
    maxEventLoopDelay: mostDelayMs,
    pressureHandler: async ({ url }: FastifyRequest) => {
      if (isForPlayers(url)) throw unavailable(undefined, 'Too busy: try again');
    },
  });
}

/** Health probes are answered however late it is. */
function isForPlayers(url: string): boolean {
  return url.startsWith('/keys/') || url.startsWith('/clearkey/');
}
