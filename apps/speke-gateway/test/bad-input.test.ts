import { badInputFixtures, type BadInputFixture } from '@latchkey/testing';
import { request } from 'node:http';
import { asked, forget } from './answerers';
import { startGateway, type TestGateway } from './gateway';

/**
 * Where the standards leave it open, what this door does (docs/divergences.md). The whole corpus runs against the whole
 * system in e2e; here each open question of HTTP is narrowed to one answer.
 */
const DECIDED: Readonly<Record<string, number>> = {
  'ce-gzip-header-plain-body': 415,
  'ce-unknown': 415,
  'enc-charset-unknown': 415,
  'http-ct-json': 415,
  'http-ct-form': 415,
  'http-ct-octet': 415,
  'http-ct-json-proto': 415,
  'http-ct-missing': 200,
  'http-speke-2': 422,
  'http-speke-empty': 422,
  'http-speke-3.0': 422,
  'http-speke-twice-different': 422,
  'http-traceparent-junk': 200,
  'http-header-crlf-like': 200,
  'http-query-junk': 200,
  'http-path-nul': 404,
  'http-path-overlong': 400,
  'http-path-backslash': 404,
  'http-path-bad-percent': 400,
  'http-path-semicolon': 404,
  'http-path-unicode': 404,
  'http-path-many-slashes': 404,
};

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startGateway()));
afterAll(() => gateway.close());
beforeEach(forget);

const fixtures = badInputFixtures().filter(({ id }) => id in DECIDED);

it('every decided case is there', () => expect(fixtures).toHaveLength(Object.keys(DECIDED).length));

it.each(fixtures.map((each) => [`${each.id}: ${each.why}`, each] as const))('%s', async (_, fixture) => {
  const { status, headers } = await send(fixture);
  expect(status).toBe(DECIDED[fixture.id]);
  expect(headers['speke-user-agent'] ?? headers['x-speke-user-agent']).toBe('Latchkey');
  expect(asked.issue).toHaveLength(status === 200 ? 1 : 0);
});

function send(fixture: BadInputFixture): Promise<{ status: number | undefined; headers: Record<string, unknown> }> {
  const contentType = fixture.contentType === undefined ? 'application/xml' : fixture.contentType;
  return new Promise((resolve, reject) => {
    const sent = request(
      `${gateway.url}/copyProtection${fixture.path ?? ''}${fixture.query ?? ''}`,
      {
        method: 'POST',
        agent: false,
        headers: {
          ...(contentType !== null && { 'content-type': contentType }),
          ...(fixture.speke !== null && { 'x-speke-version': fixture.speke }),
          'content-length': fixture.body.length,
          ...(fixture.headers as Record<string, string>),
        },
      },
      (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode, headers: answer.headers });
      },
    );
    sent.on('error', reject);
    sent.end(fixture.body);
  });
}
