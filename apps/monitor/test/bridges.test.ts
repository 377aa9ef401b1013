import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { MemoryHub } from '@latchkey/bus';
import { exchangeCompleted, keyIssued } from '@latchkey/messages';
import { createLogger } from '@latchkey/runtime';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { open } from 'lmdb';
import { Bridge, type BridgeOptions, type Sender } from '../src/bridges/bridge';
import { readBridgesFile } from '../src/bridges/bridges-file';
import type { Delivery } from '../src/bridges/delivery';
import { EventBridgeSender } from '../src/bridges/event-bridge';
import { signWebhook, webhookSecret } from '../src/bridges/webhook';
import { LmdbKeptRecords } from '../src/store/lmdb-kept-store';
import { contextOf, startMonitorAtTest } from './monitor-at-test';
import { completed, issued } from './sample-events';

const SECRET = 'whsec-0123456789-0123456789';
const logger = createLogger('bridges', { LOG_LEVEL: 'silent' });

interface Receiver {
  readonly url: string;
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly body: string }[];
  /** Answers of the next requests; 204 when there are none left. */
  readonly answers: { status: number; body?: string }[];
  readonly server: Server;
}

async function startReceiver(): Promise<Receiver> {
  const requests: Receiver['requests'] = [];
  const answers: Receiver['answers'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk));
    request.on('end', () => {
      requests.push({ headers: request.headers, body });
      const { status, body: answer } = answers.shift() ?? { status: 204 };
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(answer);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests, answers, server };
}

describe('webhooks', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => void receiver.server.close());

  const bridgesFile = (events: string[]) => {
    const file = join(temporaryDirectory(), 'bridges.yaml');
    writeFileSync(file, JSON.stringify({ webhooks: [{ id: 'pager', url: receiver.url, secret: SECRET, events }] }));
    return file;
  };

  it('carry the chosen events, signed so that the receiver can tell ours', async () => {
    const monitor = await startMonitorAtTest({ BRIDGES_FILE: bridgesFile(['key.*']) });
    const event = issued();
    await monitor.others.publish(exchangeCompleted, completed());
    await monitor.others.publish(keyIssued, event);
    const request = await eventually(() => receiver.requests[0]);
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers;
    const expected = createHmac('sha256', SECRET)
      .update(`${id as string}.${at as string}.${request.body}`)
      .digest('base64');
    expect(signature).toBe(`v1,${expected}`);
    expect(id).toBe(event.id);
    expect(JSON.parse(request.body)).toEqual(event);
    expect(request.headers['content-type']).toBe('application/cloudevents+json');
    await new Promise((done) => setTimeout(done, 100));
    expect(receiver.requests).toHaveLength(1);
    await monitor.close();
  });

  it('are signed as Standard Webhooks signs: its own example', () => {
    // From the specification's reference libraries' tests.
    const secret = webhookSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const signature = signWebhook(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}');
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('are not sent again when the whole stream is replayed', async () => {
    const [hub, DATA_DIR, BRIDGES_FILE] = [new MemoryHub(), temporaryDirectory(), bridgesFile(['key.*'])];
    const first = await startMonitorAtTest({ DATA_DIR, BRIDGES_FILE }, hub);
    const event = issued();
    await first.others.publish(keyIssued, event);
    await eventually(() => receiver.requests[0]);
    await first.close();
    // Another hub has the event anew, as a stream that is heard from its beginning.
    const again = new MemoryHub();
    const second = await startMonitorAtTest({ DATA_DIR, BRIDGES_FILE }, again);
    await again.connect(contextOf('others')).publish(keyIssued, event);
    const next = issued();
    await again.connect(contextOf('others')).publish(keyIssued, next);
    await eventually(() => receiver.requests[1]);
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([event.id, next.id]);
    await second.close();
  });

  it('that the receiver refuses are tried again, also after a restart', async () => {
    const [hub, DATA_DIR, BRIDGES_FILE] = [new MemoryHub(), temporaryDirectory(), bridgesFile(['key.*'])];
    receiver.answers.push({ status: 500 });
    const first = await startMonitorAtTest({ DATA_DIR, BRIDGES_FILE }, hub);
    await first.others.publish(keyIssued, issued());
    await eventually(() => receiver.requests[0]);
    await first.close();
    const second = await startMonitorAtTest({ DATA_DIR, BRIDGES_FILE }, hub);
    await eventually(() => receiver.requests[1]);
    expect(receiver.requests[1]?.headers['webhook-id']).toBe(receiver.requests[0]?.headers['webhook-id']);
    await second.close();
  });

  it.each([
    ['http beyond loopback', { url: 'http://example.com/' }],
    ['a short secret', { secret: 'short' }],
    ['something unknown', { colour: 'red' }],
  ])('with %s are refused at the start, and the secret is not quoted', (_, change) => {
    const file = join(temporaryDirectory(), 'bridges.yaml');
    writeFileSync(
      file,
      JSON.stringify({ webhooks: [{ id: 'a', url: 'https://example.com/', secret: SECRET, ...change }] }),
    );
    expect(() => readBridgesFile(file)).toThrow('bridges.yaml');
    expect(() => readBridgesFile(file)).not.toThrow(SECRET);
  });
});

describe('a bridge', () => {
  it('waits twice as long after each failure, gives up after its time, and sends dead letters again when told', async () => {
    const { bridge, clock, attempts, fail } = newBridge();
    fail(true);
    await bridge.take(issued());
    const waits: number[] = [];
    for (let n = 0; n < 6; n++) {
      await clock.next();
      waits.push(attempts.at(-1)! - (attempts.at(-2) ?? attempts.at(-1)!));
    }
    expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 8_000]);
    while (bridge.waiting().length > 0) await clock.next();
    expect(bridge.deadLetters()).toMatchObject([{ dead: true, lastError: 'no' }]);

    fail(false);
    expect(await bridge.sendAgain()).toBe(1);
    await clock.next();
    expect([bridge.waiting(), bridge.deadLetters()]).toEqual([[], []]);
  });

  it('holds no more than it may: the rest are dead letters', async () => {
    const { bridge, fail } = newBridge({ mostWaiting: 2 });
    fail(true);
    for (let n = 0; n < 5; n++) await bridge.take(issued());
    expect([bridge.waiting().length, bridge.deadLetters().length]).toEqual([2, 3]);
  });

  it('takes an event once, and only those of its tenants', async () => {
    const { bridge, fail } = newBridge({}, ['b']);
    fail(true);
    const event = issued({ tenant: 'b' });
    for (const one of [event, event, issued({ tenant: 'a' })]) await bridge.take(one);
    expect(bridge.waiting()).toHaveLength(1);
  });
});

describe('EventBridge', () => {
  let receiver: Receiver;
  let sender: EventBridgeSender;
  beforeEach(async () => {
    receiver = await startReceiver();
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    sender = new EventBridgeSender(
      'drm',
      new EventBridgeClient({ endpoint: receiver.url, region: 'eu-west-1', credentials }),
    );
  });
  afterEach(() => void receiver.server.close());
  const accepted = (count: number, failed: number[] = []) => ({
    status: 200,
    body: JSON.stringify({
      FailedEntryCount: failed.length,
      Entries: Array.from({ length: count }, (_, at) =>
        failed.includes(at) ? { ErrorCode: 'ThrottlingException' } : { EventId: String(at) },
      ),
    }),
  });

  it('gets ten events in one call, as rules match them, and tells which it did not take', async () => {
    receiver.answers.push(accepted(10, [3]));
    const events = Array.from({ length: 10 }, () => issued());
    const outcomes = await sender.send(events);
    expect(outcomes.map((outcome) => outcome ?? 'ok')).toEqual(
      Array.from({ length: 10 }, (_, at) => (at === 3 ? 'ThrottlingException' : 'ok')),
    );
    const [request] = receiver.requests;
    expect(request?.headers['x-amz-target']).toBe('AWSEvents.PutEvents');
    const { Entries } = JSON.parse(request?.body ?? '') as { Entries: Record<string, string>[] };
    expect(Entries).toHaveLength(10);
    expect(Entries[0]).toMatchObject({
      Source: 'io.latchkey',
      DetailType: 'io.latchkey.key.issued.v1',
      EventBusName: 'drm',
    });
    expect(JSON.parse(Entries[0]?.['Detail'] ?? '')).toEqual(events[0]);
  });

  it('gets large events in several calls', async () => {
    receiver.answers.push(accepted(2), accepted(2), accepted(1));
    const large = () => ({ ...issued(), padding: 'x'.repeat(120_000) });
    expect(await sender.send([large(), large(), large(), large(), large()])).toEqual(Array(5).fill(undefined));
    expect(receiver.requests).toHaveLength(3);
  });

  it('sends only what was not taken again', async () => {
    const { bridge, clock } = newBridge({}, undefined, sender);
    receiver.answers.push(accepted(3, [1]), accepted(1));
    for (let n = 0; n < 3; n++) await bridge.take(issued());
    await clock.next();
    expect(bridge.waiting()).toHaveLength(1);
    await clock.next();
    expect(bridge.waiting()).toHaveLength(0);
    const sizes = receiver.requests.map(({ body }) => (JSON.parse(body) as { Entries: unknown[] }).Entries.length);
    expect(sizes).toEqual([3, 1]);
  });
});

/** A bridge whose clock goes on when told. */
function newBridge(options: BridgeOptions = {}, tenants?: string[], sender?: Sender) {
  let [now, failing] = [1_000_000, false];
  const attempts: number[] = [];
  const recording: Sender = {
    batch: sender?.batch ?? 10,
    // Longer than any test takes: only `next` sends.
    gatherMs: 30_000,
    send: async (events) => {
      attempts.push(now);
      if (sender) return sender.send(events);
      return events.map(() => (failing ? 'no' : undefined));
    },
  };
  const root = open({ path: temporaryDirectory(), maxDbs: 8 });
  const store = new LmdbKeptRecords<Delivery>(root, 'deliveries');
  const bridge = new Bridge('b', { events: ['*'], tenants }, recording, store, logger, {
    now: () => now,
    random: () => 0.5,
    patience: { firstWaitMs: 1_000, longestWaitMs: 8_000, giveUpAfterMs: 90_000 },
    ...options,
  });
  const due = () => Math.min(...bridge.waiting().map(({ nextAt }) => nextAt));
  const next = async () => {
    now = Math.max(now, due());
    await bridge.sendNow();
  };
  return { bridge, attempts, fail: (fails: boolean) => (failing = fails), clock: { next } };
}
