import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { KeyId } from '@latchkey/cenc';
import type { LatchkeyEvent } from '@latchkey/messages';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import type { Said } from './busy-key-service';
import { RunningServices } from './running-service';
import { embeddedPlace } from './stores';
import type { KeyStore } from '../src/store/key-store';

const ROUNDS = 5;

describe('key service that is killed', () => {
  const directory = temporaryDirectory();

  it('has lost nothing that it answered: no key, no audit record, no event', async () => {
    // promises 1, 19
    const said: Said[] = [];
    for (let round = 0; round < ROUNDS; round++) said.push(...(await busyUntilKilled(directory, 100 + 70 * round)));
    const answered = said.filter((each) => each.kind === 'answered');
    expect(answered.length).toBeGreaterThan(100);

    const place = embeddedPlace(directory);
    const store = place.store();
    const services = new RunningServices(place, directory);
    await services.start();
    await keysAreKept(services, answered);

    const records = await everyRecord(store);
    const acts = records.filter(({ type }) => type.startsWith('io.latchkey.key.'));
    const perExchange = new Map<string, number>();
    for (const { data } of acts) {
      const { exchangeId = '' } = data as { exchangeId?: string };
      perExchange.set(exchangeId, (perExchange.get(exchangeId) ?? 0) + 1);
    }
    const counts = new Set(answered.map(({ exchangeId }) => perExchange.get(exchangeId) ?? 0));
    expect(counts).toEqual(new Set([1]));

    // What a process left is published by the next one, under its own id.
    await eventually(async () => (await store.writers('open')).length === 1);
    const before = said.flatMap((each) => (each.kind === 'published' ? [[each.id, each.body] as const] : []));
    const published = await eventually(() => {
      const found = new Map([...services.events.map((event) => [event.id, JSON.stringify(event)] as const), ...before]);
      return acts.every(({ id }) => found.has(id)) && found;
    }, 'every record on the bus');
    for (const act of acts) expect(published.get(act.id)).toBe(JSON.stringify(act));
    await services.stop();
    await store.close();
  });
});

async function keysAreKept(
  services: RunningServices,
  answered: readonly Extract<Said, { kind: 'answered' }>[],
): Promise<void> {
  const byContent = new Map(answered.map(({ contentId, keys }) => [contentId, keys]));
  for (const { contentId, keys } of answered) expect(keys).toEqual(byContent.get(contentId));
  for (const [contentId, keys] of byContent) {
    const again = await services.issue(Object.keys(keys) as KeyId[], { contentId });
    expect(Object.fromEntries(again.map(({ keyId, key }) => [keyId, key]))).toEqual(keys);
    expect(again.every(({ created }) => !created)).toBe(true);
  }
}

async function everyRecord(store: KeyStore): Promise<LatchkeyEvent[]> {
  const writers = await store.writers('all');
  expect(writers.length).toBe(ROUNDS + 1);
  const records = await Promise.all(writers.map(({ writer }) => store.recordsAfter(writer, 0, 1_000_000)));
  return records.flat().map(({ body }) => JSON.parse(body) as LatchkeyEvent);
}

/** What the process said until it was killed, some lines later than `lines`; one that was cut was not said. */
async function busyUntilKilled(directory: string, lines: number): Promise<Said[]> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@latchkey/source',
      '-r',
      join(__dirname, 'register-swc.cjs'),
      join(__dirname, 'busy-key-service.ts'),
      directory,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const closed = once(child.stdout, 'close');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  });
  await closed;
  return output
    .slice(0, output.lastIndexOf('\n'))
    .split('\n')
    .map((line) => JSON.parse(line) as Said);
}
