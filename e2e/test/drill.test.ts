import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, temporaryDirectory, Encryptor, SPEKE_2_SYSTEMS, type DocumentWish } from '@latchkey/testing';
import { startStandalone, type System } from './system';

const APPS = join(__dirname, '../../apps');

interface Answered {
  readonly wish: DocumentWish;
  readonly keyId: string;
  readonly key: string;
  readonly iv: string | undefined;
}

// promise 29, as docs/operations.md tells it for the embedded store
describe('a disaster', () => {
  const work = temporaryDirectory();
  const backup = join(work, 'backup');
  const restored = join(work, 'restored');
  const before: Answered[] = [];
  const after: Answered[] = [];
  let encryptor: Encryptor;
  let system: System;
  let evidence: string[];

  beforeAll(async () => {
    encryptor = await Encryptor.create();
    const original = await startStandalone();
    for (let n = 0; n < 12; n++) before.push(await ask(original, newWish(n)));
    await recorded(original.data, before);
    await original.stop();
    cpSync(original.data, backup, { recursive: true });

    const goingOn = await startStandalone({ data: original.data });
    for (let n = 0; n < 5; n++) after.push(await ask(goingOn, newWish(n)));
    await recorded(goingOn.data, [...before, ...after]);
    // What an auditor keeps elsewhere: the ledger as it was when the machine was lost.
    evidence = issuedKeyIds(goingOn.data);
    await goingOn.stop('SIGKILL');
    goingOn.removeData();

    cpSync(backup, restored, { recursive: true });
    system = await startStandalone({ data: restored });
  });
  afterAll(async () => {
    await system.stop();
  });

  it('loses no key that was there when the copy was made', async () => {
    expect(before).toHaveLength(12);
    for (const { wish, ...answer } of before) expect(await ask(system, wish)).toEqual({ wish, ...answer });
  });

  it('loses those that came later, and the ledger names each of them', () => {
    const kept = new Set(issuedKeyIds(backup));
    const lost = evidence.filter((keyId) => !kept.has(keyId));
    expect(lost.sort()).toEqual(after.map(({ keyId }) => keyId).sort());
  });

  it('leaves the audit trail and the ledger of the copy whole', () => {
    expect(run('key-service/dist/keys-command.js', backup, 'verify-audit')).toMatchObject({ status: 0 });
    expect(run('monitor/dist/ledger/command.js', backup, 'verify')).toMatchObject({ status: 0 });
  });

  it('goes on issuing', async () => {
    const wish = newWish(99);
    const first = await ask(system, wish);
    expect(await ask(system, wish)).toEqual(first);
  });

  it('does not start, and makes no new keys, when the master key was left behind', async () => {
    const without = join(work, 'without-master-key');
    cpSync(backup, without, { recursive: true });
    rmSync(join(without, 'master.key'));
    await expect(startStandalone({ data: without })).rejects.toThrow(/master\.key is missing/);
  });

  function newWish(n: number): DocumentWish {
    const systems = [SPEKE_2_SYSTEMS.widevine, SPEKE_2_SYSTEMS.fairplay];
    return { version: '2.0', contentId: `drill ${n}`, keys: [{ keyId: randomUUID(), scheme: 'cbcs' }], systems };
  }

  async function ask(from: System, wish: DocumentWish): Promise<Answered> {
    const reply = await encryptor.ask(`${from.spekeUrl}/copyProtection`, wish, { encrypted: true });
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body}`);
    const [answered] = (await reply.document()).keys;
    if (!answered) throw new Error('no key came');
    return { wish, keyId: answered.keyId, key: answered.key.toString('base64'), iv: answered.explicitIv };
  }

  /** Until the ledger has them: events take a moment. */
  const recorded = (data: string, answers: readonly Answered[]) =>
    eventually(() => issuedKeyIds(data).length >= answers.length);

  function issuedKeyIds(data: string): string[] {
    const lines = run('monitor/dist/ledger/command.js', data, 'export').stdout.split('\n').filter(Boolean);
    const events = lines.map((line) => JSON.parse((JSON.parse(line) as { body: string }).body).event);
    return events
      .filter(({ type }) => type === 'io.latchkey.key.issued.v1')
      .flatMap(({ data: { keys } }) => (keys as { keyId: string }[]).map(({ keyId }) => keyId));
  }

  function run(command: string, data: string, ...args: string[]) {
    const env = { ...process.env, DATA_DIR: data };
    return spawnSync(process.execPath, [join(APPS, command), ...args], { env, encoding: 'utf8', maxBuffer: 1e8 });
  }
});
