import type { BusConnection } from '@latchkey/bus';
import { busCheck, Outbox, startAnswering } from '@latchkey/bus';
import { startHttp } from '@latchkey/http';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { tellAccess } from './access/access-news';
import { authorise } from './access/authorise';
import { openAccess } from './access/open-access';
import { Bridges, openBridges } from './bridges/bridges';
import { readBridgesFile } from './bridges/bridges-file';
import type { Delivery } from './bridges/delivery';
import { readMonitorConfig } from './config';
import { ConsoleLinks } from './console/console-links';
import { servePages } from './console/pages';
import { consoleProblem } from './console/problems';
import { EventIntake } from './event-intake';
import { Instances } from './health/instances';
import { Parts } from './health/parts';
import { Ledger } from './ledger/ledger';
import { watchGaps } from './ledger/watch-gaps';
import { LiveFeed } from './live/live-feed';
import { LiveStreams } from './live/server-sent-events';
import { ConsoleModule, MonitorEventsModule } from './monitor.module';
import { Overview } from './overview/overview';
import { KeepingTime } from './rotation/keeping-time';
import { rotationPublisher } from './rotation/rotation-events';
import { checkRotations } from './rotation/check-rotations';
import { RotationWatch } from './rotation/rotation-watch';
import type { WatchedContent } from './rotation/watched-content';
import { beginRun, endRun, type Run } from './store/last-run';
import { openStores } from './store/open-stores';

export { variables } from './config';

/** What has been opened so far, and how each is closed. */
type Opened = (() => unknown)[];

/** Hears every event into the ledger, watches rotations, and serves the ops console. */
export async function startMonitor(context: ServiceContext, connection: BusConnection): Promise<RunningService> {
  const opened: Opened = [];
  try {
    const { url, checks } = await open(context, connection, opened);
    return { name: context.name, url, checks, close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** The last first. */
async function closeAll(opened: Opened): Promise<void> {
  for (const close of opened.splice(0).toReversed()) await close();
}

async function open(context: ServiceContext, connection: BusConnection, opened: Opened) {
  const config = readMonitorConfig(context.environment);
  const accessFile = openAccess(config, context.logger);
  opened.push(() => accessFile.close());
  const { access } = accessFile;
  const stores = openStores(config);
  opened.push(() => stores.close());
  const ledger = new Ledger(stores.ledger);
  const overview = new Overview(Date.now, config.objective);
  await overview.catchUp(ledger);
  const rotation = new RotationWatch(stores.kept<WatchedContent>('rotation'), rotationPublisher(connection, context), {
    tolerance: { missedAfter: config.missedAfter, lateAfter: config.lateAfter },
    endedAfterMs: config.endedAfterMs,
  });
  await rotation.load();
  const runs = stores.kept<Run>('runs');
  const time = new KeepingTime(connection, await beginRun(runs));
  opened.push(() => endRun(runs));
  const feed = new LiveFeed();
  const instances = new Instances();
  const bridges = config.bridgesFile
    ? await openBridges(readBridgesFile(config.bridgesFile), stores.kept<Delivery>('deliveries'), context.logger)
    : new Bridges([]);
  opened.push(() => bridges.close());
  opened.push(() => ledger.close());
  const witnesses = [overview, rotation, time, feed, instances, ...(bridges.present ? [bridges] : [])];
  const intake = new EventIntake(ledger, witnesses);
  const events = await startAnswering(MonitorEventsModule.of(intake), connection, context);
  const outbox = new Outbox(context.logger);
  opened.push(() => Promise.all([events.close(), outbox.close()]));
  tellAccess(accessFile, context, { bus: connection, outbox });
  opened.push(checkRotations(rotation, time, context));
  opened.push(watchGaps(ledger.store, context.logger));

  const checks = [busCheck(connection), { name: 'ledger', check: () => ledger.healthy() }];
  const streams = new LiveStreams(feed, overview, rotation);
  const http = await startHttp(
    ConsoleModule.of({
      bus: connection,
      access,
      ledger,
      overview,
      rotation,
      streams,
      parts: new Parts(connection, checks, config.readiness),
      instances,
      bridges,
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
        authorise(fastify, access);
        await servePages(fastify, () => access.signIn.oidc?.issuer);
      },
    },
  );
  opened.push(() => http.close());
  // Whoever looks on holds a request open.
  opened.push(() => streams.close());
  return { url: http.url, checks };
}
