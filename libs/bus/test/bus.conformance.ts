import { randomUUID } from 'node:crypto';
import { defineRequest, Fault, keyRefused, type RequestContract } from '@latchkey/messages';
import type { Environment } from '@latchkey/runtime';
import type { INestMicroservice } from '@nestjs/common';
import { z } from 'zod';
import { NoResponders, type BusConnection, type HearsOptions, type Told } from '@latchkey/bus';
import { eventually } from '@latchkey/testing';
import { answering, contextOf, gated, hearing, inMs, refusal, type BusUnderTest } from './bus-under-test';

/** What both transports mean by a bus. Every test uses subjects and names of its own. */
export function itIsABus(bus: () => BusUnderTest): void {
  const open: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  /** A service of that name, answering with `handle`. */
  async function serve<Req extends z.ZodType, Res extends z.ZodType>(
    contract: RequestContract<Req, Res>,
    handle: Parameters<typeof answering<Req, Res>>[3],
    name = `service-${randomUUID()}`,
    environment: Environment = {},
  ): Promise<{ connection: BusConnection; service: INestMicroservice }> {
    const context = contextOf(name, environment);
    const connection = await connected(name, environment);
    const service = await answering(connection, context, contract, handle);
    open.push(service);
    return { connection, service };
  }

  async function connected(name = 'asker', environment: Environment = {}): Promise<BusConnection> {
    const connection = await bus().connect(contextOf(name, environment));
    open.push(connection);
    return connection;
  }

  async function hear(
    handle: (event: { id: string; data: unknown }, told: Told) => Promise<void>,
    options: HearsOptions,
    contract: { subject: string } = keyRefused,
  ): Promise<INestMicroservice> {
    const connection = await connected('hearer');
    const service = await hearing(connection, contextOf('hearer'), contract, options, handle as never);
    open.push(service);
    return service;
  }

  describe('asking', () => {
    test('brings the request to who answers the subject, and the reply back', async () => {
      const contract = doubling();
      await serve(contract, async ({ n }) => ({ n: 2 * n }));
      expect(await (await connected()).ask(contract, { n: 21 }, inMs(60_000))).toEqual({ n: 42 });
    });

    test('shares nothing between asker and answerer', async () => {
      const contract = contractOf(z.object({ list: z.array(z.number()) }), z.object({ list: z.array(z.number()) }));
      const seen: unknown[] = [];
      await serve(contract, async (request) => {
        seen.push(request);
        request.list.push(2);
        return request;
      });
      const request = { list: [1] };
      const reply = await (await connected()).ask(contract, request, inMs(60_000));
      expect(request).toEqual({ list: [1] });
      expect(reply).toEqual({ list: [1, 2] });
      expect(reply).not.toBe(seen[0]);
    });

    test('speaks plain JSON without an envelope', async () => {
      const contract = doubling();
      await serve(contract, async ({ n }) => ({ n: 2 * n }));
      expect(await bus().raw(contract.subject, '{"n":4}')).toEqual({ body: '{"n":8}', headers: {} });
    });

    test('gives each request to one of those who share a service name', async () => {
      const contract = doubling();
      const counts = [0, 0, 0];
      for (const at of counts.keys()) {
        await serve(
          contract,
          async ({ n }) => {
            counts[at]!++;
            return { n };
          },
          `shared ${contract.subject}`.replace(/\W/g, '-'),
        );
      }
      const asker = await connected();
      await Promise.all(Array.from({ length: 300 }, (_, n) => asker.ask(contract, { n }, inMs(60_000))));
      expect(counts.reduce((sum, count) => sum + count)).toBe(300);
      expect(Math.min(...counts)).toBeGreaterThan(0);
    });

    test('knows at once that nobody answers a subject', async () => {
      // A time limit beyond the test's own: only an answer at once can pass.
      const contract = doubling(3_600_000);
      const answer = (await connected()).ask(contract, { n: 1 }, inMs(3_600_000));
      await expect(answer).rejects.toMatchObject({ code: 'UNAVAILABLE', subject: contract.subject });
      await expect(answer).rejects.toBeInstanceOf(NoResponders);
    });

    test('says DEADLINE_EXCEEDED after the contract’s time limit, or the asker’s if that is nearer', async () => {
      const hasty = doubling(50);
      const patient = doubling(3_600_000);
      const gate = gated();
      const late = async ({ n }: { n: number }) => {
        await gate.opened;
        return { n };
      };
      const asker = await connected();
      await serve(hasty, late);
      await serve(patient, late);
      await expect(asker.ask(hasty, { n: 1 }, inMs(3_600_000))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      await expect(asker.ask(patient, { n: 1 }, inMs(50))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      gate.open();
    });

    test('tells the answerer how long its asker still waits', async () => {
      const contract = doubling(2_000_000);
      const left: number[] = [];
      await serve(contract, async ({ n }, call) => {
        left.push(call.deadline.remainingMs);
        return { n };
      });
      const asker = await connected();
      await asker.ask(contract, { n: 1 }, inMs(1_000_000));
      await asker.ask(contract, { n: 1 }, inMs(60_000_000));
      expect(left[0]).toBeGreaterThan(0);
      expect(left[0]).toBeLessThanOrEqual(1_000_000);
      expect(left[1]).toBeGreaterThan(1_000_000);
      expect(left[1]).toBeLessThanOrEqual(2_000_000);
      await bus().raw(contract.subject, '{"n":1}');
      expect(left[2]).toBeGreaterThan(1_000_000);
      expect(left[2]).toBeLessThanOrEqual(2_000_000);
    });

    // promise 25: work that nobody waits for is not done
    test('neither sends nor works on a request whose time is over', async () => {
      const contract = doubling();
      let worked = 0;
      await serve(contract, async ({ n }) => ({ n: n + ++worked }));
      await expect((await connected()).ask(contract, { n: 1 }, inMs(0))).rejects.toMatchObject({
        code: 'DEADLINE_EXCEEDED',
      });
      const late = await bus().raw(contract.subject, '{"n":1}', { 'Latchkey-Deadline-Ms': '0' });
      expect(late.headers['Nats-Service-Error-Code']).toBe('DEADLINE_EXCEEDED');
      expect(worked).toBe(0);
    });

    test('brings a Fault across with its code and detail', async () => {
      const contract = doubling();
      await serve(contract, async () => {
        throw new Fault('UNSUPPORTED_SCHEME', 'cbcs is\r\nnot for “PlayReady 1”');
      });
      await expect((await connected()).ask(contract, { n: 1 }, inMs(60_000))).rejects.toMatchObject({
        name: 'Fault',
        code: 'UNSUPPORTED_SCHEME',
        message: 'cbcs is not for “PlayReady 1”',
      });
    });

    // promises 9, 13
    test('keeps any other error’s message to the answerer', async () => {
      const contract = doubling();
      await serve(
        contract,
        async () => {
          throw new Error('arn:aws:kms:eu-west-1:1:key/secret');
        },
        'failing-service',
      );
      await expect((await connected()).ask(contract, { n: 1 }, inMs(60_000))).rejects.toMatchObject({
        code: 'INTERNAL',
        message: 'failing-service failed',
      });
      expect(JSON.stringify(await bus().raw(contract.subject, '{"n":1}'))).not.toContain('secret');
    });

    // promise 30
    test('answers INVALID_REQUEST to what is no JSON or not what the contract says, quotes none of it, and lives on', async () => {
      const contract = doubling();
      await serve(contract, async ({ n }) => ({ n }));
      for (const body of ['', 'c2VjcmV0', '{"n":', '{"n":"c2VjcmV0"}', '[]', 'null', '\u0000']) {
        const answer = await bus().raw(contract.subject, body);
        expect(answer.headers['Nats-Service-Error-Code']).toBe('INVALID_REQUEST');
        expect(JSON.stringify(answer)).not.toContain('c2VjcmV0');
        // promise 13: an HTTP door may hand the text on.
        expect(JSON.stringify(answer)).not.toContain(contract.subject);
      }
      expect((await bus().raw(contract.subject, '{"n":1}')).body).toBe('{"n":1}');
    });

    test('does not let a reply through that the contract does not allow', async () => {
      const contract = doubling();
      await serve(contract, async () => ({ n: 'c2VjcmV0' }) as never);
      const answer = (await connected()).ask(contract, { n: 1 }, inMs(60_000));
      await expect(answer).rejects.toMatchObject({ code: 'INTERNAL' });
      await expect(answer).rejects.not.toMatchObject({ message: expect.stringContaining('c2VjcmV0') });
    });

    test('refuses a message that is too long', async () => {
      const contract = contractOf(z.object({ text: z.string() }), z.object({ text: z.string() }));
      await serve(contract, async () => ({ text: 'é'.repeat(600_000) }));
      const asker = await connected();
      await expect(asker.ask(contract, { text: 'é'.repeat(600_000) }, inMs(60_000))).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
      });
      await expect(asker.ask(contract, { text: '' }, inMs(60_000))).rejects.toMatchObject({ code: 'INTERNAL' });
    });

    // promise 26
    test('refuses at once what is more than a service works on at a time', async () => {
      const contract = doubling(3_600_000);
      const gate = gated();
      await serve(
        contract,
        async ({ n }) => {
          await gate.opened;
          return { n };
        },
        'busy-service',
        { BUS_CONCURRENCY: '2' },
      );
      const asker = await connected();
      const answers = [1, 2, 3].map((n) => asker.ask(contract, { n }, inMs(3_600_000)));
      await expect(answers[2]).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(answers[2]).rejects.not.toBeInstanceOf(NoResponders);
      gate.open();
      expect(await Promise.all(answers.slice(0, 2))).toEqual([{ n: 1 }, { n: 2 }]);
    });

    // promise 27
    test('answers what is in flight when a service stops, then has nobody there', async () => {
      const contract = doubling();
      const gate = gated();
      let begun = 0;
      const { service, connection } = await serve(contract, async ({ n }) => {
        begun++;
        await gate.opened;
        return { n };
      });
      const asker = await connected();
      const answers = Array.from({ length: 50 }, (_, n) => asker.ask(contract, { n }, inMs(60_000)));
      await eventually(() => begun === 50);
      const stopped = service.close().then(() => connection.close());
      // What comes while the news is still on its way is answered as well; then nobody is there.
      const refused = () => asker.ask(contract, { n: 1 }, inMs(60_000)).then(ignore, (error: unknown) => error);
      let last: unknown;
      while (!last) last = await Promise.race([refused(), new Promise((resolve) => setTimeout(resolve, 20))]);
      expect(last).toBeInstanceOf(NoResponders);
      gate.open();
      expect((await Promise.all(answers)).map(({ n }) => n)).toEqual([...Array(50).keys()]);
      await stopped;
    });

    test('loses no request while one of two replicas stops', async () => {
      const contract = doubling();
      const name = `replica-${randomUUID()}`;
      const work = async ({ n }: { n: number }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { n };
      };
      await serve(contract, work, name);
      const { service, connection } = await serve(contract, work, name);
      const asker = await connected();
      const answers: Promise<unknown>[] = [];
      for (let n = 0; n < 200; n++) {
        answers.push(asker.ask(contract, { n }, inMs(60_000)));
        if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        if (n === 100) void service.close().then(() => connection.close());
      }
      expect(await Promise.all(answers)).toHaveLength(200);
    });

    test('says UNAVAILABLE on a connection that is closed', async () => {
      const connection = await connected();
      await connection.close();
      expect(connection.connected).toBe(false);
      await expect(connection.ask(doubling(), { n: 1 }, inMs(60_000))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(connection.publish(keyRefused, refusal())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });
  });

  describe('events', () => {
    test('are heard by a durable consumer that comes later, in order', async () => {
      const publisher = await connected();
      const ids = await published(publisher, 20);
      const heard: string[] = [];
      await hear(async ({ id }) => void heard.push(id), { durable: randomUUID() });
      await eventually(() => heard.includes(ids.at(-1)!));
      expect(heard.filter((id) => ids.includes(id))).toEqual(ids);
    });

    test('go on where a durable consumer left off', async () => {
      const publisher = await connected();
      const durable = randomUUID();
      const heard: string[] = [];
      const first = await hear(async ({ id }) => void heard.push(id), { durable });
      const before = await published(publisher, 3);
      await eventually(() => heard.includes(before.at(-1)!));
      await first.close();
      const between = await published(publisher, 3);
      const again: string[] = [];
      await hear(async ({ id }) => void again.push(id), { durable });
      await eventually(() => again.includes(between.at(-1)!));
      expect(again).toEqual(between);
    });

    // promise 21: the bus's own share of it
    test('are one event when they are published twice', async () => {
      const publisher = await connected();
      const heard: string[] = [];
      await hear(async ({ id }) => void heard.push(id), { durable: randomUUID() });
      const twice = refusal();
      await publisher.publish(keyRefused, twice);
      await publisher.publish(keyRefused, twice);
      const [last] = await published(publisher, 1);
      await eventually(() => heard.includes(last!));
      expect(heard.filter((id) => id === twice.id)).toHaveLength(1);
    });

    test('are heard with the text that their publisher wrote, where they cross as text', async () => {
      const publisher = await connected();
      const heard = new Map<string, string | undefined>();
      await hear(async ({ id }, { text }) => void heard.set(id, text), { durable: randomUUID() });
      const [written, unwritten] = [refusal(), refusal()];
      // Spaced as we never do, to tell it.
      const text = JSON.stringify(written, null, 1);
      await publisher.publish(keyRefused, written, text);
      await publisher.publish(keyRefused, unwritten);
      await eventually(() => heard.has(written.id) && heard.has(unwritten.id));
      const possible = bus().textual ? [] : [undefined];
      expect([text, ...possible]).toContain(heard.get(written.id));
      expect([JSON.stringify(unwritten), ...possible]).toContain(heard.get(unwritten.id));
    });

    test('that are published at once are heard each, in order, with the text of each', async () => {
      const publisher = await connected();
      const heard = new Map<string, string | undefined>();
      await hear(async ({ id }, { text }) => void heard.set(id, text), { durable: randomUUID() });
      const written = Array.from({ length: 40 }, () => refusal());
      // Of several lines, which as any white space is the publisher's to choose.
      const texts = written.map((event, at) => JSON.stringify(event, null, at === 7 ? 2 : undefined));
      await Promise.all(written.map((event, at) => publisher.publish(keyRefused, event, texts[at])));
      await eventually(() => written.every(({ id }) => heard.has(id)));
      const ids = written.map(({ id }) => id);
      expect([...heard.keys()].filter((id) => ids.includes(id))).toEqual(ids);
      if (bus().textual) expect(ids.map((id) => heard.get(id))).toEqual(texts);
    });

    test('that are published at once do not share their fate: one is no good, one comes again, the others are heard', async () => {
      const publisher = await connected();
      const [good, bad, unlucky, last] = [refusal(), { ...refusal(), time: 'yesterday' }, refusal(), refusal()];
      const tries: string[] = [];
      await hear(
        async ({ id }) => {
          tries.push(id);
          if (id === unlucky.id && tries.filter((each) => each === id).length < 2) throw new Error('not now');
        },
        { durable: randomUUID() },
      );
      await Promise.all([good, bad, unlucky, last].map((event) => publisher.publish(keyRefused, event)));
      await eventually(() => tries.filter((id) => id === unlucky.id).length === 2);
      const heard = [good, bad, unlucky, last].filter(({ id }) => tries.includes(id));
      expect(heard).toEqual([good, unlucky, last]);
    });

    test('come again when their handler throws, until it does not', async () => {
      const publisher = await connected();
      const tries: string[] = [];
      await hear(
        async ({ id }) => {
          tries.push(id);
          if (tries.filter((each) => each === id).length < 3) throw new Error('not now');
        },
        { durable: randomUUID() },
      );
      const [id] = await published(publisher, 1);
      await eventually(() => tries.filter((each) => each === id).length === 3);
      const [next] = await published(publisher, 1);
      await eventually(() => tries.filter((each) => each === next).length === 3);
      expect(tries.filter((each) => each === id)).toHaveLength(3);
    });

    test('are shared by those who hear under one durable name', async () => {
      const publisher = await connected();
      const durable = randomUUID();
      const heard: string[] = [];
      const slowly = async ({ id }: { id: string }) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        heard.push(id);
      };
      await hear(slowly, { durable });
      await hear(slowly, { durable });
      const ids = await published(publisher, 30);
      await eventually(() => ids.every((id) => heard.includes(id)));
      expect(heard.filter((id) => ids.includes(id))).toHaveLength(30);
    });

    test('are handled one at a time, or as many at once as the handler says', async () => {
      const publisher = await connected();
      const most: Record<number, number> = {};
      const heard: Record<number, Set<string>> = { 1: new Set(), 8: new Set() };
      for (const inFlight of [1, 8]) {
        let atWork = 0;
        const work = async ({ id }: { id: string }) => {
          most[inFlight] = Math.max(most[inFlight] ?? 0, ++atWork);
          // Nobody is done before as many are at work as may be; one more would come in the meantime.
          await eventually(() => most[inFlight]! >= inFlight);
          await new Promise((resolve) => setTimeout(resolve, 5));
          atWork--;
          heard[inFlight]!.add(id);
        };
        await hear(work, { durable: randomUUID(), inFlight });
      }
      const ids = await published(publisher, 24);
      await eventually(() => ids.every((id) => heard[1]!.has(id) && heard[8]!.has(id)));
      expect(most).toEqual({ 1: 1, 8: 8 });
    });

    test('without a durable name are heard by every process, from now on only', async () => {
      const publisher = await connected();
      const [before] = await published(publisher, 1);
      const heard: string[][] = [[], []];
      for (const mine of heard) await hear(async ({ id }) => void mine.push(id), {});
      const after = await published(publisher, 3);
      await eventually(() => heard.every((mine) => mine.length >= 3));
      expect(heard).toEqual([after, after]);
      expect(heard.flat()).not.toContain(before);
    });

    test('that are no good are left out, and those after them heard', async () => {
      const publisher = await connected();
      const heard: string[] = [];
      await hear(async ({ id }) => void heard.push(id), { durable: randomUUID() });
      const bad = { ...refusal(), time: 'yesterday' };
      await publisher.publish(keyRefused, bad);
      const [good] = await published(publisher, 1);
      await eventually(() => heard.includes(good!));
      expect(heard).not.toContain(bad.id);
    });

    test('of all kinds are heard by one handler, those of a newer version too', async () => {
      const publisher = await connected();
      const heard: { id: string; data: unknown }[] = [];
      await hear(async (event) => void heard.push(event), { durable: randomUUID() }, { subject: 'event.>' });
      const newer = { ...refusal(), type: 'io.latchkey.key.polished.v7', data: { shine: 11 } };
      await publisher.publish({ subject: 'event.key.polished.v7', payload: z.any() }, newer);
      const bad = { ...refusal(), data: {} } as never;
      await publisher.publish(keyRefused, bad);
      const [good] = await published(publisher, 1);
      await eventually(() => heard.some(({ id }) => id === good));
      expect(heard.find(({ id }) => id === newer.id)?.data).toEqual({ shine: 11 });
      expect(heard.map(({ id }) => id)).not.toContain((bad as { id: string }).id);
    });

    // promise 27
    test('that are in hand when a service stops are finished, and none is lost', async () => {
      const publisher = await connected();
      const durable = randomUUID();
      const begun: string[] = [];
      const done: string[] = [];
      const slow = async ({ id }: { id: string }) => {
        begun.push(id);
        await new Promise((resolve) => setTimeout(resolve, 20));
        done.push(id);
      };
      const first = await hear(slow, { durable, inFlight: 4 });
      const ids = await published(publisher, 20);
      await eventually(() => ids.some((id) => begun.includes(id)));
      await first.close();
      expect(done).toEqual(begun);
      await hear(slow, { durable, inFlight: 4 });
      await eventually(() => ids.every((id) => done.includes(id)));
      expect(ids.map((id) => done.filter((each) => each === id).length)).toEqual(ids.map(() => 1));
    });
  });
}

function doubling(timeoutMs = 60_000) {
  return contractOf(z.object({ n: z.number() }), z.object({ n: z.number() }), timeoutMs);
}

function contractOf<Req extends z.ZodType, Res extends z.ZodType>(request: Req, reply: Res, timeoutMs = 60_000) {
  return defineRequest({ subject: `test.v1.${randomUUID()}`, timeoutMs, request, reply });
}

async function published(publisher: BusConnection, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, () => refusal());
  for (const event of events) await publisher.publish(keyRefused, event);
  return events.map(({ id }) => id);
}

function ignore(): undefined {}
