import type { BusConnection } from '@latchkey/bus';
import { busCheck, startAnswering } from '@latchkey/bus';
import { startHttp } from '@latchkey/http';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { watchAccessFile, readAccessFile } from './access/access-file';
import { authorise } from './access/authorise';
import { ConsoleAccess } from './access/console-access';
import { insistOnRules } from './access/loopback';
import { readMonitorConfig, type MonitorConfig } from './config';
import { ConsoleLinks } from './console/console-links';
import { servePages } from './console/pages';
import { consoleProblem } from './console/problems';
import { EventIntake } from './event-intake';
import { Instances } from './health/instances';
import { Parts } from './health/parts';
import { Ledger } from './ledger/ledger';
import { openStores } from './ledger/open-stores';
import { LiveFeed } from './live/live-feed';
import { LiveStreams } from './live/server-sent-events';
import { ConsoleModule, MonitorEventsModule } from './monitor.module';
import { Overview } from './overview/overview';
import { KeepingTime } from './rotation/keeping-time';
import { rotationPublisher } from './rotation/rotation-events';
import { RotationWatch } from './rotation/rotation-watch';

/** Hears every event into the ledger, watches rotations, and serves the ops console. */
export async function startMonitor(context: ServiceContext, connection: BusConnection): Promise<RunningService> {
  const config = readMonitorConfig(context.environment);
  const access = openAccess(config, context);
  const stores = openStores(config);
  const ledger = new Ledger(stores.ledger);
  const overview = new Overview(Date.now, config.objective);
  await overview.catchUp(ledger);
  const rotation = new RotationWatch(stores.rotation, rotationPublisher(connection, context), {
    tolerance: { missedAfter: config.missedAfter, lateAfter: config.lateAfter },
    endedAfterMs: config.endedAfterMs,
  });
  await rotation.load();
  const time = new KeepingTime(connection);
  const feed = new LiveFeed();
  const instances = new Instances();
  const intake = new EventIntake(ledger, [overview, rotation, time, feed, instances]);
  const events = await startAnswering(MonitorEventsModule.of(intake), connection, context);
  const stopChecking = checkRotations(rotation, time, context);

  const checks = [busCheck(connection), { name: 'ledger', check: () => ledger.store.healthy() }];
  const streams = new LiveStreams(feed, overview, rotation);
  const http = await startHttp(
    ConsoleModule.of({
      bus: connection,
      access: access.rules,
      ledger,
      overview,
      rotation,
      streams,
      parts: new Parts(connection, checks, config.readiness),
      instances,
      links: new ConsoleLinks(config.traceUrl),
    }),
    context,
    {
      port: config.port,
      host: config.host,
      tls: config.tls,
      trustProxy: config.trustProxy,
      bodyLimit: 1_048_576,
      jsonBodies: true,
      problems: 'json',
      problemOf: consoleProblem,
      checks,
      configure: async (fastify) => {
        authorise(fastify, access.rules);
        await servePages(fastify, () => access.rules.signIn.oidc?.issuer);
      },
    },
  );
  return {
    name: context.name,
    url: http.url,
    checks,
    close: async () => {
      access.close();
      stopChecking();
      streams.close();
      await http.close();
      await events.close();
      await ledger.close();
      await stores.close();
    },
  };
}

function openAccess(config: MonitorConfig, { logger }: ServiceContext) {
  const { accessFile } = config;
  insistOnRules(config.host, accessFile !== undefined, config.allowUnauthenticated, logger);
  if (accessFile === undefined) return { rules: new ConsoleAccess(undefined), close: () => undefined };
  const rules = new ConsoleAccess(readAccessFile(accessFile));
  const close = watchAccessFile(accessFile, (read) => {
    if (read instanceof Error)
      logger.error({ err: read }, 'the access file is not right: the last good one stays in force');
    else rules.replace(read);
  });
  return { rules, close };
}

function checkRotations(rotation: RotationWatch, time: KeepingTime, { logger }: ServiceContext): () => void {
  let atWork = false;
  const timer = setInterval(() => {
    if (atWork || !time.caughtUp) return;
    atWork = true;
    rotation
      .check(Date.now())
      .catch((err: unknown) => logger.warn({ err }, 'a missed rotation could not be stated: it will be tried again'))
      .finally(() => (atWork = false));
  }, 1_000);
  return () => clearInterval(timer);
}
