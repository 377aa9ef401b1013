import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { randomBytes, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { cryptoProvider, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { temporaryDirectory } from '@latchkey/testing';
import { SpoilingProxy, type Answer, type Spoiling } from './spoiling-proxy';
import { startStandalone, type System } from './system';

cryptoProvider.set(webcrypto as never);

const ROOT = join(__dirname, '../..');
const PAGE = 'http://localhost:3000';

interface Finding {
  readonly name: string;
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly detail: string;
  readonly fix?: string;
}

describe('npm run doctor', () => {
  let system: System;
  let speke: SpoilingProxy;
  let delivery: SpoilingProxy;

  beforeAll(async () => {
    [speke, delivery] = await Promise.all([SpoilingProxy.start(), SpoilingProxy.start()]);
    system = await startStandalone({ environment: { DELIVERY_BASE_URL: delivery.url } });
    speke.target = system.spekeUrl;
    delivery.target = system.deliveryUrl;
  });
  afterEach(() => {
    speke.spoiling = {};
    delivery.spoiling = {};
  });
  afterAll(async () => {
    speke.stop();
    delivery.stop();
    await system.stop();
    system.removeData();
  });

  const examine = (...options: string[]) =>
    doctor(['--url', `${speke.url}/copyProtection`, '--origin', PAGE, ...options]);

  const answers = (change: (answer: Answer) => void): Spoiling => ({ answer: change });
  const replaced = (from: string | RegExp, to: string | (() => string)): Spoiling =>
    answers((answer) => {
      answer.body = answer.body.replaceAll(from, to as string);
    });
  /** The text of an element that holds base64 text, changed. */
  const rewritten = (element: RegExp, from: string, to: string): Spoiling =>
    answers((answer) => {
      answer.body = answer.body.replaceAll(element, (_, open: string, base64: string) => {
        const text = Buffer.from(base64, 'base64').toString('latin1').replace(from, to);
        return open + Buffer.from(text, 'latin1').toString('base64');
      });
    });
  const withoutHeader = (name: string) => answers((answer) => Reflect.deleteProperty(answer.headers, name));
  const newKey = () => randomBytes(16).toString('base64');
  const plainValue = /(?<=<pskc:PlainValue>)[^<]+/g;

  it('finds nothing wrong with a system that is well', async () => {
    const { code, findings } = await examine('--systems', 'widevine,fairplay,clearkey');
    expect(findings.filter(({ outcome }) => outcome === 'failed' || outcome === 'warning')).toEqual([]);
    expect(findings.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(20);
    expect(code).toBe(0);
  });

  it.each<[string, RegExp, string, string]>([
    [
      'a PlayReady Object with another length',
      /(SmoothStreamingProtectionHeaderData>)([^<]+)/g,
      '\u0001\0\u0001\0',
      '\u0001\0\u0002\0',
    ],
    [
      'another PlayReady Object in ContentProtectionData',
      /(<cpix:ContentProtectionData>)([^<]+)/g,
      '<mspr:pro',
      '<mspr:none',
    ],
    ['a PlayReady header that cannot be read', /(<cpix:PSSH>)([^<]+)/g, 'K\0I\0D\0>\0', 'K\0I\0X\0>\0'],
  ])('finds %s', async (_, element, from, to) => {
    speke.spoiling = rewritten(element, from, to);
    const { findings } = await examine('--systems', 'playready');
    expect(failed(findings)).toContain('PlayReady, cenc: signaling agrees with itself');
  });

  it('comes again when a server that is busy says so, as encryptors and players do', async () => {
    let asked = 0;
    const busyNowAndThen = answers((answer) => {
      if (asked++ % 5 === 0) Object.assign(answer, { status: 503, body: '' }).headers['retry-after'] = '0.01';
    });
    [speke.spoiling, delivery.spoiling] = [busyNowAndThen, busyNowAndThen];
    const { findings } = await examine('--systems', 'widevine,fairplay,clearkey');
    expect(failed(findings)).toEqual([]);
  });

  it('warns of PlayReady headers that do not say where licences are', async () => {
    const { code, findings } = await examine('--systems', 'playready');
    const warnings = findings.filter(({ outcome }) => outcome === 'warning');
    expect(warnings.map(({ detail }) => detail)).toEqual([
      expect.stringContaining('no LA_URL'),
      expect.stringContaining('no LA_URL'),
    ]);
    expect(code).toBe(0);
  });

  it.each<[string, Spoiling, RegExp[]]>([
    ['other keys each time', replaced(plainValue, newKey), [/same keys/, /key URL gives/, /open$/]],
    ['one key for all', replaced(plainValue, newKey()), [/other keys$/, /key URL gives/, /open$/]],
    [
      'SPEKE 3.0 answered',
      {
        request: ({ headers }) => {
          if (headers['x-speke-version'] === '3.0') headers['x-speke-version'] = '2.0';
        },
      },
      [/3\.0 is refused/],
    ],
    ['a refusal as 200', answers((answer) => void (answer.status = 200)), [/3\.0/, /CPIX version/, /contract/]],
    ['no X-Speke-Version', withoutHeader('x-speke-version'), [/^SPEKE 2\.0.*headers/, /^SPEKE 2\.1.*headers/]],
    ['no X-Speke-User-Agent', withoutHeader('x-speke-user-agent'), [/^SPEKE 2\.0.*headers/, /^SPEKE 2\.1.*headers/]],
    [
      'another Content-Type',
      answers(({ headers }) => void (headers['content-type'] = 'text/html')),
      [/^SPEKE 1.*headers/, /^SPEKE 2\.0.*headers/, /^SPEKE 2\.1.*headers/],
    ],
    [
      'a clock ten minutes late',
      answers(({ headers }) => void (headers['date'] = new Date(Date.now() - 600_000).toUTCString())),
      [/clocks/],
    ],
    [
      'SPEKE 1 namespace in SPEKE 2',
      replaced('<cpix:CPIX ', '<cpix:CPIX xmlns:speke="urn:aws:amazon:com:speke" '),
      [/form/],
    ],
    [
      'a box of another key',
      replaced(/(?<=<cpix:PSSH>)[^<]+/g, 'AAAANHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAABQIARIQEup1PCPnvAJEdLK5dsQ76w=='),
      [/Widevine, cenc/, /Widevine, cbcs/],
    ],
    [
      'another box in ContentProtectionData',
      rewritten(/(<cpix:ContentProtectionData>)([^<]+)/g, 'AAAA', 'AAAB'),
      [/Widevine, cenc/, /Widevine, cbcs/],
    ],
    [
      'master that differs from media',
      rewritten(/(playlist="master">)([^<]+)/g, 'URI="', 'URI="x'),
      [/Widevine, cenc/, /Widevine, cbcs/, /FairPlay/, /Clear Key/],
    ],
    [
      'a ValueMAC that is wrong',
      {
        answer: (answer) => {
          if (answer.body.includes('DocumentKey')) answer.body = answer.body.replace(/ValueMAC>..../g, 'ValueMAC>AAAA');
        },
      },
      [/open$/],
    ],
    [
      'a DeliveryDataList that is dropped',
      {
        request: (request) => {
          request.body = request.body.replace(/<cpix:DeliveryDataList>[^]*<\/cpix:DeliveryDataList>/, '');
        },
      },
      [/open$/, /falls back/],
    ],
  ])('finds %s', async (_, spoiling, names) => {
    speke.spoiling = spoiling;
    await expectFailures(await examine('--systems', 'widevine,fairplay,clearkey'), names);
  });

  it.each<[string, Spoiling, RegExp[], string[]]>([
    ['no CORS', withoutHeader('access-control-allow-origin'), [/can read keys/, /can read refusals/, /preflight/], []],
    [
      'no CORS on refusals',
      {
        answer: ({ status, headers }) => {
          if (status >= 400) Reflect.deleteProperty(headers, 'access-control-allow-origin');
        },
      },
      [/can read refusals/],
      [],
    ],
    [
      'every origin echoed',
      {
        answer: ({ headers }, request) => {
          headers['access-control-allow-origin'] = request.headers['origin'] ?? '*';
          headers['vary'] = 'Origin';
        },
      },
      [/listed origins only/],
      [],
    ],
    [
      'another key',
      answers((answer) => {
        if (answer.body.length === 16) answer.body = randomBytes(16).toString('latin1');
      }),
      [/key URL gives/],
      [],
    ],
    ['an HTML page for a key', answers((answer) => void (answer.body = '<html>')), [/key URL gives/], []],
    ['delivery that is open', {}, [/shows nothing/], ['--expect-denied']],
    ['key URLs on loopback', {}, [/lead where players are/], ['--origin', 'https://player.example.com']],
  ])('finds %s at the delivery door', async (_, spoiling, names, options) => {
    delivery.spoiling = spoiling;
    await expectFailures(await examine('--systems', 'clearkey', ...options), names);
  });

  it('says so when nothing answers, or something else does', async () => {
    const { findings, code } = await doctor(['--url', `${system.spekeUrl}/elsewhere`]);
    expect(failed(findings)).toEqual(['something answers at the URL']);
    expect(code).toBe(1);
  });

  it('explains wrong usage', async () => {
    const { code, stderr } = await run(['--url', 'ftp://x']);
    expect(code).toBe(2);
    expect(stderr).toContain('--url is the http or https URL');
  });

  it('tells people what to do', async () => {
    delivery.spoiling = withoutHeader('access-control-allow-origin');
    const { stdout } = await run(['--url', `${speke.url}/copyProtection`, '--origin', PAGE, '--calls', '5']);
    expect(stdout).toMatch(/latchkey-doctor-\d{4}/);
    expect(stdout).toMatch(/^FAILED {3}pages on http:\/\/localhost:3000 can read keys/m);
    expect(stdout).toContain('cors.origins');
    expect(stdout).toMatch(/\d+ ok, \d+ warning, 3 failed, \d+ skipped/);
  });
});

describe('npm run doctor with a credential', () => {
  const work = temporaryDirectory();
  const keyFile = join(work, 'credentials.key');
  const secrets: Record<string, string> = {};
  let system: System;
  let accessKeyId = '';

  beforeAll(async () => {
    await credential(['key', '--key-file', keyFile]);
    const entries = [
      await made('basic', ['--user', 'packager']),
      await made('digest', ['--user', 'live']),
      await made('api-key', []),
      await made('sigv4', ['--key-file', keyFile]),
    ].join('');
    accessKeyId = /accessKeyId: (\w+)/.exec(entries)?.[1] ?? '';
    const tenants = join(work, 'tenants.yaml');
    writeFileSync(tenants, `tenants:\n  - id: default\n    encryptors:\n${entries.replaceAll(/^/gm, '      ')}\n`);
    system = await startStandalone({ environment: { TENANTS_FILE: tenants, CREDENTIALS_KEY_FILE: keyFile } });
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  it.each([
    ['basic', () => [['--basic', `packager:${secrets['basic']}`], {}]],
    ['digest', () => [['--digest', 'live'], { DOCTOR_PASSWORD: secrets['digest'] }]],
    ['api-key', () => [['--api-key', `x-api-key=${secrets['api-key']}`], {}]],
    [
      'sigv4',
      () => [
        ['--sigv4', '--region', 'eu-west-1'],
        { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secrets['sigv4'] },
      ],
    ],
  ] as [string, () => [string[], NodeJS.ProcessEnv]][])('asks with %s', async (_, shown) => {
    const [options, environment] = shown();
    const url = `${system.spekeUrl}/copyProtection`;
    const { findings } = await doctor(['--url', url, '--systems', 'fairplay', ...options], environment);
    expect(failed(findings)).toEqual([]);
    expect(findings).toContainEqual(
      expect.objectContaining({ name: 'nobody gets keys without a credential', outcome: 'ok' }),
    );
  });

  it('finds that the credential is wrong', async () => {
    const options = ['--url', `${system.spekeUrl}/copyProtection`, '--basic', 'packager:guess'];
    const { findings } = await doctor(options);
    expect(failed(findings)).toContain('SPEKE 2.0 is answered');
    expect(JSON.stringify(findings)).not.toContain('guess');
  });

  async function made(method: string, options: string[]): Promise<string> {
    const { stdout, stderr } = await credential([method, '--id', method, ...options]);
    secrets[method] = /shown once: (\S+)/.exec(stderr)?.[1] ?? '';
    return stdout;
  }
});

describe('npm run doctor on TLS', () => {
  const work = temporaryDirectory();
  const authority = join(work, 'authority.pem');

  it.each([
    ['nobody trusts', { bits: 2048, days: 90 }, {}, 'failed', /not trusted/],
    ['is weak', { bits: 1024, days: 90 }, { NODE_EXTRA_CA_CERTS: authority }, 'failed', /1024 bits/],
    ['ends soon', { bits: 2048, days: 10 }, { NODE_EXTRA_CA_CERTS: authority }, 'warning', /ends in (9|10) days/],
    ['is well', { bits: 2048, days: 90 }, { NODE_EXTRA_CA_CERTS: authority }, 'ok', /TLSv1\.[23], rsa 2048/],
  ] as const)('looks at a certificate that %s', async (_, certificate, environment, outcome, detail) => {
    const server = await startTls(certificate);
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/copyProtection`;
    const { findings } = await doctor(['--url', url], environment);
    server.close();
    expect(findings[0]).toMatchObject({ outcome, detail: expect.stringMatching(detail) });
  });

  async function startTls({ bits, days }: { bits: number; days: number }): Promise<Server> {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };
    const keys = await webcrypto.subtle.generateKey({ ...algorithm, modulusLength: bits }, true, ['sign', 'verify']);
    const { rawData } = await X509CertificateGenerator.createSelfSigned({
      name: 'CN=127.0.0.1',
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + days * 86_400_000),
      signingAlgorithm: algorithm,
      keys: keys as never,
      extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
    });
    const cert = pem('CERTIFICATE', Buffer.from(rawData));
    writeFileSync(authority, cert);
    const key = pem('PRIVATE KEY', Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)));
    // Since Node 24 OpenSSL by itself refuses what is weak.
    const server = createServer({ cert, key, ciphers: 'DEFAULT@SECLEVEL=0' }, (_, response) =>
      response.writeHead(404).end(),
    );
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return server;
  }

  function pem(what: string, der: Buffer): string {
    return `-----BEGIN ${what}-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${what}-----\n`;
  }
});

describe('npm run doctor on AWS', () => {
  const trust = { Effect: 'Allow', Principal: { Service: 'mediapackagev2.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const bound = { ...trust, Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } } };

  // An endpoint that speaks IAM's protocol: the answers of iam:GetRole as the service documents them.
  it.each([
    ['mediapackagev2', bound, 'ok'],
    ['mediapackagev2', trust, 'warning'],
    ['mediaconvert', bound, 'failed'],
  ])('reads for %s what a role trusts', async (service, statement, outcome) => {
    const asked: string[] = [];
    const server = createHttpServer((request, response) => {
      request.on('data', (chunk: Buffer) => asked.push(`${request.headers.authorization} ${chunk.toString()}`));
      request.on('end', () =>
        response.writeHead(200, { 'content-type': 'text/xml' }).end(role({ Statement: [statement] })),
      );
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const { findings } = await doctor(
      [
        '--url',
        'http://127.0.0.1:9/x',
        '--role-arn',
        'arn:aws:iam::123456789012:role/door/Encryptor',
        '--service',
        service,
      ],
      {
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_ENDPOINT_URL_IAM: `http://127.0.0.1:${port}`,
      },
    );
    server.close();
    expect(findings).toContainEqual(
      expect.objectContaining({ name: 'the media service may assume the role', outcome }),
    );
    expect(asked).toEqual([
      expect.stringMatching(/^AWS4-HMAC-SHA256 .*\/us-east-1\/iam\/.*Action=GetRole.*RoleName=Encryptor/),
    ]);
  });

  it.each([
    ['eu-west-1', 'ok'],
    ['us-east-1', 'failed'],
  ])('knows for a media service in %s whether the door is there too', async (region, outcome) => {
    // Nothing is asked of the network: the host's name says the region.
    const script = `
      import { checkAws } from './tools/doctor/checks/aws.mjs';
      import { Findings } from './tools/doctor/findings.mjs';
      const findings = new Findings();
      const url = 'https://x.execute-api.eu-west-1.amazonaws.com/prod/copyProtection';
      await checkAws(findings, { url, 'endpoint-region': '${region}' }, {});
      console.log(JSON.stringify(findings.list[0]));`;
    const { stdout } = await execute(['--input-type=module', '-e', script], {});
    expect(JSON.parse(stdout)).toMatchObject({ name: 'API Gateway is in the region of the media service', outcome });
  });

  function role(policy: object): string {
    return `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><AssumeRolePolicyDocument>${encodeURIComponent(
      JSON.stringify(policy),
    )}</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>`;
  }
});

async function expectFailures({ findings, code }: { findings: Finding[]; code: number }, names: RegExp[]) {
  const found = failed(findings);
  for (const name of names) expect(found).toContainEqual(expect.stringMatching(name));
  expect(found).toHaveLength(names.length);
  expect(findings.filter(({ outcome }) => outcome === 'failed').every(({ fix }) => fix)).toBe(true);
  expect(code).toBe(1);
}

function failed(findings: Finding[]): string[] {
  return findings.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
}

async function doctor(options: string[], environment: NodeJS.ProcessEnv = {}) {
  const { stdout, stderr, code } = await run(['--json', '--calls', '5', ...options], environment);
  if (!stdout) throw new Error(stderr);
  return { findings: (JSON.parse(stdout) as { findings: Finding[] }).findings, code };
}

function run(options: string[], environment: NodeJS.ProcessEnv = {}) {
  return execute([join(ROOT, 'tools/doctor/main.mjs'), ...options], environment);
}

function credential(options: string[]) {
  return execute([join(ROOT, 'apps/speke-gateway/dist/credential/command.js'), ...options], {});
}

function execute(args: string[], environment: NodeJS.ProcessEnv) {
  return new Promise<{ stdout: string; stderr: string; code: number }>((done) => {
    const child = execFile(
      process.execPath,
      args,
      { cwd: ROOT, env: { ...process.env, ...environment } },
      (_, stdout, stderr) => done({ stdout, stderr, code: child.exitCode ?? -1 }),
    );
  });
}
