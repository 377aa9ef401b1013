import { busCheck, Outbox, tellConfiguration, type BusConnection } from '@latchkey/bus';
import { startHttp } from '@latchkey/http';
import { eventSource } from '@latchkey/messages';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenantSource } from '@latchkey/tenant-source';
import { tenantsInForce } from '@latchkey/tenants';
import { readConfig } from './config';
import { ContentDocuments } from './content-documents';
import { ContentKeys } from './content-keys';
import { CopyProtection } from './copy-protection';
import { SPEKE_PATHS } from './copy-protection.controller';
import { Door } from './door/door';
import { openness } from './door/openness';
import { readCredentialsKey } from './door/wrapped-secret';
import { DrmSystems } from './drm-systems';
import { ExchangeReports } from './exchange-report';
import { GatewayModule } from './gateway.module';
import { guard } from './guard';
import { KeyImports } from './key-imports';
import { isXml } from './media-types';
import { setSpekeHeaders, SPEKE_HEADERS } from './speke-headers';
import { spekeProblem } from './speke-problems';

export { variables } from './config';

/** SPEKE over HTTP: who may ask, what is asked, and the answer in the document that came. */
export async function startSpekeGateway(context: ServiceContext, connection: BusConnection): Promise<RunningService> {
  const config = readConfig(context.environment);
  const tenants = await openTenantSource(config.tenants, context);
  const { openToAll, warnings } = openness(config, tenants);
  const door = new Door(tenants, {
    proof: { secret: config.doorSecret, subject: config.doorSubject },
    credentialsKey: config.credentialsKeyFile ? readCredentialsKey(config.credentialsKeyFile) : undefined,
    openToAll,
  });
  const outbox = new Outbox(context.logger);
  const reports = new ExchangeReports(connection, outbox, eventSource(context));
  const inForce = () => tenantsInForce(tenants, warnings(), context.logger);
  tellConfiguration(context, { bus: connection, outbox }, inForce, (listener) => tenants.onChange(listener));
  const copyProtection = new CopyProtection(new ContentKeys(connection), new DrmSystems(connection, config), config);
  const documents = new ContentDocuments(connection, copyProtection, new KeyImports(connection), config.deadlineMs);
  const http = await startHttp(
    GatewayModule.of({ copyProtection, documents, paths: [...SPEKE_PATHS, ...config.paths] }),
    context,
    {
      port: config.port,
      host: config.host,
      bodyLimit: config.limits.bytes,
      bufferBodies: isXml,
      checks: [busCheck(connection)],
      tls: config.tls,
      http2: config.http2,
      trustProxy: config.trustProxy,
      limits: { inFlight: config.inFlight },
      headers: SPEKE_HEADERS,
      onEveryRequest: setSpekeHeaders,
      problemOf: spekeProblem,
      configure: (fastify) => guard(fastify, door, reports),
    },
  );
  return {
    ...http,
    close: async () => {
      await http.close();
      await outbox.close();
      tenants.close();
    },
  };
}
