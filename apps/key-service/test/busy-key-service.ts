// A key service of its own process that answers as fast as it can, and says on standard output what it has answered.
import { randomUUID } from 'node:crypto';
import { Fault } from '@latchkey/messages';
import { newKeyId } from './stores';
import { RunningServices } from './running-service';

export type Said =
  | {
      readonly kind: 'answered';
      readonly exchangeId: string;
      readonly contentId: string;
      readonly keys: Record<string, string>;
    }
  | { readonly kind: 'published'; readonly id: string; readonly body: string };

const AT_ONCE = 16;

const say = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`);

async function main(directory: string): Promise<void> {
  const place = {
    environment: { DATA_DIR: directory },
    store: () => {
      throw new Error('not here');
    },
  };
  const services = new RunningServices(place, directory);
  services.events.push = (...events) => {
    for (const event of events) say({ kind: 'published', id: event.id, body: JSON.stringify(event) });
    return 0;
  };
  await services.start();
  await Promise.all(Array.from({ length: AT_ONCE }, () => keepAsking(services)));
}

async function keepAsking(services: RunningServices): Promise<never> {
  for (;;) {
    const contentId = randomUUID();
    const keyIds = [newKeyId(), newKeyId()];
    for (let n = 0; n < 3; n++) await askOnce(services, contentId, keyIds);
  }
}

async function askOnce(
  services: RunningServices,
  contentId: string,
  keyIds: ReturnType<typeof newKeyId>[],
): Promise<void> {
  const exchangeId = randomUUID();
  try {
    const keys = await services.issue(keyIds, { contentId, exchangeId });
    say({
      kind: 'answered',
      exchangeId,
      contentId,
      keys: Object.fromEntries(keys.map(({ keyId, key }) => [keyId, key])),
    });
  } catch (error) {
    if (!(error instanceof Fault) || !error.retryable) throw error;
  }
}

void main(process.argv[2] ?? '');
