import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BasicConstraintsExtension, cryptoProvider, X509CertificateGenerator } from '@peculiar/x509';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { asked, forget } from './answerers';
import { startGateway, tenantsFile, type TestGateway } from './gateway';

/** Let in, and refused for its body (SPEKE 1). */
const IN = 400;
const DIRECTORY = temporaryDirectory();

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

let gateway: TestGateway;
let authority: Awaited<ReturnType<typeof newAuthority>>;
let server: Pair;
let client: Pair;
let stranger: Pair;

beforeAll(async () => {
  cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);
  authority = await newAuthority();
  server = await authority.issue('CN=speke.test');
  client = await authority.issue('C=DE, O=Studio, CN=encoder-1');
  stranger = await (await newAuthority()).issue('C=DE, O=Studio, CN=encoder-1');
});
afterEach(async () => {
  await gateway.close();
  forget();
});

async function start(encryptors: object[], more: Record<string, string> = {}): Promise<void> {
  gateway = await startGateway({
    SPEKE_TLS_CERTIFICATE: file('server.crt', server.certificate),
    SPEKE_TLS_KEY: file('server.key', server.key),
    SPEKE_TLS_CLIENT_AUTHORITY: file('authority.crt', authority.certificate),
    TENANTS_FILE: tenantsFile({ id: 'studio', encryptors }),
    ...more,
  });
}

describe('a client certificate', () => {
  const credential = { id: 'encoder', method: 'mtls', subject: 'C=DE, O=Studio, CN=encoder-1' };

  it('lets in by its subject', async () => {
    await start([credential]);
    expect(await post(client)).toBe(IN);
    await eventually(() => asked.refusals.length === 1);
    expect(asked.refusals[0]).toMatchObject({ tenant: 'studio', requester: { encryptorId: 'encoder' } });
  });

  it('lets in over HTTP/2 as well', async () => {
    await start([credential], { SPEKE_HTTP2: 'true' });
    expect(await postOverHttp2(client)).toBe(IN);
    expect(await postOverHttp2(undefined)).toBe(401);
    expect(await post(client)).toBe(IN);
  });

  it('of another authority counts for nothing', async () => {
    await start([credential]);
    expect(await post(stranger)).toBe(401);
    expect(await post(undefined)).toBe(401);
  });

  it('of nobody’s subject is refused', async () => {
    await start([{ ...credential, subject: 'C=DE, O=Studio, CN=encoder-2' }]);
    expect(await post(client)).toBe(403);
  });

  it('proves API Gateway', async () => {
    const roleArn = 'arn:aws:iam::123456789012:role/MediaPackage';
    const role = { 'x-latchkey-role-arn': 'arn:aws:sts::123456789012:assumed-role/MediaPackage/s' };
    await start([{ id: 'mp', method: 'aws-role', roleArn }], { AWS_ROLE_DOOR_SUBJECT: credential.subject });
    expect(await post(client, role)).toBe(IN);
    expect(await post(stranger, role)).toBe(403);
    expect(await post(undefined, role)).toBe(403);
  });
});

function post(pair: Pair | undefined, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${gateway.url}/copyProtection`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/xml', ...headers },
        ca: authority.certificate,
        checkServerIdentity: () => undefined,
        agent: false,
        ...(pair && { cert: pair.certificate, key: pair.key }),
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    sent.on('error', reject);
    sent.end('<a/>');
  });
}

function postOverHttp2(pair: Pair | undefined): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const session = connect(gateway.url, {
      ca: authority.certificate,
      checkServerIdentity: () => undefined,
      ...(pair && { cert: pair.certificate, key: pair.key }),
    });
    session.on('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/copyProtection',
      'content-type': 'application/xml',
    });
    stream.on('response', (headers) => {
      resolve(headers[':status']);
      session.close();
    });
    stream.on('error', reject);
    stream.resume();
    stream.end('<a/>');
  });
}

function file(name: string, text: string): string {
  const path = join(DIRECTORY, name);
  writeFileSync(path, text);
  return path;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DATES = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 86_400_000) };

async function newAuthority() {
  const name = 'CN=authority';
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned({
    name,
    ...DATES,
    signingAlgorithm: ALGORITHM,
    keys: keys as never,
    extensions: [new BasicConstraintsExtension(true)],
  });
  return {
    certificate: made.toString('pem'),
    issue: async (subject: string): Promise<Pair> => {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const issued = await X509CertificateGenerator.create({
        subject,
        issuer: name,
        ...DATES,
        signingAlgorithm: ALGORITHM,
        publicKey: own.publicKey as never,
        signingKey: keys.privateKey as never,
      });
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64');
      const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
      return { certificate: issued.toString('pem'), key };
    },
  };
}
