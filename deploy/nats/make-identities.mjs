// `node deploy/nats/make-identities.mjs DIRECTORY [HOST …]`: who may be on the bus. For each service of libs/messages the seed of an
// nkey user, for nats-server their public keys (nats.env) and a TLS certificate for HOST (localhost and 127.0.0.1 besides), good
// for a year and its own authority (ca.pem). What is there already stays: a new service gets its own, the others keep theirs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import 'reflect-metadata';
import { SERVICES } from '@latchkey/messages';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { nkeys } from 'nats';

const YEAR_MS = 365 * 86_400_000;
const [directory, ...hosts] = process.argv.slice(2);
if (!directory) {
  process.stderr.write('usage: node deploy/nats/make-identities.mjs DIRECTORY [HOST …]\n');
  process.exit(64);
}
mkdirSync(directory, { recursive: true, mode: 0o700 });

const variables = Object.keys(SERVICES).map((service) => `${variableOf(service)}=${publicKeyOf(service)}`);
write('nats.env', `${variables.join('\n')}\n`);
if (!existsSync(path('server.key'))) await makeCertificate([...new Set([...hosts, 'localhost', '127.0.0.1'])]);

function publicKeyOf(service) {
  const file = path(`${service}.seed`);
  if (!existsSync(file)) write(`${service}.seed`, `${Buffer.from(nkeys.createUser().getSeed()).toString('ascii')}\n`);
  return nkeys.fromSeed(Buffer.from(readFileSync(file, 'ascii').trim())).getPublicKey();
}

async function makeCertificate(names) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${names[0]}`,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + YEAR_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  write('ca.pem', certificate.toString('pem'));
  write('server.pem', certificate.toString('pem'));
  write('server.key', `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`);
}

/** As in permissions.conf. */
function variableOf(service) {
  return `NATS_NKEY_${service.toUpperCase().replaceAll('-', '_')}`;
}

function path(name) {
  return join(resolve(directory), name);
}

function write(name, text) {
  writeFileSync(path(name), text, { mode: 0o600 });
}
