import { instruments, type ServiceContext } from '@latchkey/runtime';
import type { KeepingTime } from './keeping-time';
import type { RotationWatch } from './rotation-watch';

const EVERY_MS = 1_000;

/** States what is overdue, once a second, whenever all that happened has been heard. Stops when told. */
export function checkRotations(
  rotation: RotationWatch,
  time: Pick<KeepingTime, 'caughtUp'>,
  { logger }: Pick<ServiceContext, 'logger'>,
): () => void {
  let atWork = false;
  const overdue = new OverdueGauge();
  const timer = setInterval(() => {
    if (atWork || !time.caughtUp) return;
    atWork = true;
    rotation
      .check(Date.now())
      .then(() => overdue.record(rotation.missedByTenant()))
      .catch((err: unknown) => logger.warn({ err }, 'a missed rotation could not be stated: it will be tried again'))
      .finally(() => (atWork = false));
  }, EVERY_MS);
  return () => clearInterval(timer);
}

/** A gauge keeps its last value: a tenant that has none any more is said to have none. */
class OverdueGauge {
  private readonly tenants = new Set<string>();

  record(missed: ReadonlyMap<string, number>): void {
    for (const tenant of missed.keys()) this.tenants.add(tenant);
    for (const tenant of this.tenants) instruments.rotationsOverdue.record(missed.get(tenant) ?? 0, { tenant });
  }
}
