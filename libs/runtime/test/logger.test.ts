import { context, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { createLogger, EnvironmentError, type Logger } from '@latchkey/runtime';

const SECRET = 'c2VjcmV0LXNlY3JldC0xNg==';

function logged(write: (logger: Logger) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(createLogger('test', { LOG_LEVEL: 'trace' }, { write: (line) => void lines.push(line) }));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
}

// promise 9
describe('a log line', () => {
  test.each([
    ['a key', { key: SECRET }],
    ['keys in a list', { keys: [SECRET, SECRET] }],
    ['a content key three levels down', { request: { issue: { contentKey: SECRET } } }],
    [
      'headers',
      { headers: { authorization: `Bearer ${SECRET}`, cookie: `session=${SECRET}`, 'set-cookie': [SECRET] } },
    ],
    ['a header under another name', { header: `Bearer ${SECRET}` }],
    ['a token', { playerToken: SECRET, access_token: SECRET, 'x-api-key': SECRET }],
    ['a JWT wherever it is', { list: ['eyJhbGciOiJIUzI1NiJ9.e30.c2VjcmV0LXNlY3JldC0xNg'] }],
    ['AWS credentials', { config: { credentials: { accessKeyId: SECRET, secretAccessKey: SECRET } } }],
    ['a body', { body: `<cpix>${SECRET}</cpix>`, payload: { k: SECRET }, document: SECRET }],
    ['bytes', { bytes: Buffer.from(SECRET), view: new Uint8Array(Buffer.from(SECRET)) }],
    ['sealed and encrypted keys', { answer: [{ box: SECRET, secret: { cipherValue: SECRET }, documentKey: SECRET }] }],
    ['what writes itself', { message: { toJSON: () => ({ key: SECRET }) } }],
    ['an error', { err: new Error(`bad key ${SECRET}`) }],
    ['an error under another name, and its cause', { reason: new Error('x', { cause: new Error(SECRET) }) }],
    [
      'what an error carries',
      { err: Object.assign(new Error('no'), { request: { body: SECRET }, $response: SECRET }) },
    ],
    ['a key in hex in an error', { err: new Error('00112233445566778899aabbccddeeff') }],
    ['the password of a URL in an error', { err: new Error(`cannot reach nats://user:${SECRET}@nats:4222`) }],
  ])('leaves out %s', (_, facts) => {
    const text = JSON.stringify(logged((logger) => logger.info(facts, 'something')));
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('c2VjcmV0LXNlY3JldC0xNg');
    expect(text).not.toContain(Buffer.from(SECRET).toJSON().data.join(','));
    expect(text).not.toContain('00112233445566778899aabbccddeeff');
  });

  test('leaves out secrets of an error logged by itself, and of a child logger’s line', () => {
    expect(JSON.stringify(logged((logger) => logger.error(new Error(SECRET))))).not.toContain(SECRET);
    expect(JSON.stringify(logged((logger) => logger.error({ err: new Error(SECRET) })))).not.toContain(SECRET);
    expect(JSON.stringify(logged((logger) => logger.child({ a: 1 }).info({ token: SECRET })))).not.toContain(SECRET);
  });

  test('says nothing of the line before', () => {
    logged((logger) => logger.info({ before: 1 }, 'first'));
    expect(logged((logger) => logger.info('second'))).not.toHaveProperty('before');
  });

  test('says what is no secret as it is', () => {
    const facts = {
      contentId: 'content',
      keyIds: ['5f5f5f5f-0000-4000-8000-000000000001'],
      keys: 4,
      tokens: 0,
      credential: 'packager-1',
      at: new Date(0),
      nested: { list: [{ status: 200 }], nothing: null },
    };
    expect(logged((logger) => logger.info(facts, 'request'))).toMatchObject({
      service: 'test',
      level: 30,
      msg: 'request',
      ...facts,
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  test('keeps an error’s type, message, code and causes', () => {
    const error = Object.assign(new TypeError('no row', { cause: new Error('timed out') }), { code: 'ETIMEDOUT' });
    expect(logged((logger) => logger.error({ err: error }, 'failed'))).toMatchObject({
      err: { type: 'TypeError', message: 'no row', code: 'ETIMEDOUT', cause: { message: 'timed out' } },
    });
  });

  test('carries the active trace', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    const span = trace.wrapSpanContext({ ...ids, traceFlags: TraceFlags.SAMPLED });
    const line = context.with(trace.setSpan(context.active(), span), () =>
      logged((logger) => logger.info('in a trace')),
    );
    expect(line).toMatchObject(ids);
    context.disable();
  });

  test('of a thing that refers to itself ends', () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    expect(JSON.stringify(logged((logger) => logger.info(loop)))).toContain('[deeper]');
  });
});

test('a level that does not exist is refused by name', () => {
  expect(() => createLogger('test', { LOG_LEVEL: 'loud' })).toThrow(EnvironmentError);
  expect(() => createLogger('test', { LOG_LEVEL: 'loud' })).toThrow('LOG_LEVEL must be one of trace, debug');
});
