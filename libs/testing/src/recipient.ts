import 'reflect-metadata';
import { constants, createPrivateKey, privateDecrypt, webcrypto, type KeyObject } from 'node:crypto';
import { cryptoProvider, Pkcs10CertificateRequestGenerator, X509CertificateGenerator } from '@peculiar/x509';

/** Somebody who has a certificate and the key to it. */
export interface Recipient {
  /** Base64 DER. */
  readonly certificate: string;
  readonly privateKey: KeyObject;
}

const DAY = 86_400_000;
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-512',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};

cryptoProvider.set(webcrypto as never);

/** `days`: from how many days ago to how many days ahead the certificate is valid. */
export async function newRecipient(
  algorithm: object = {},
  days: { from: number; to: number } = { from: -1, to: 365 },
): Promise<Recipient> {
  const signingAlgorithm = { ...RSA, ...algorithm };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=encryptor.test',
    notBefore: new Date(Date.now() + days.from * DAY),
    notAfter: new Date(Date.now() + days.to * DAY),
    signingAlgorithm,
    keys: keys as never,
  });
  return { certificate: Buffer.from(certificate.rawData).toString('base64'), privateKey: await exported(keys) };
}

export async function newCertificateRequest(): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=x',
    keys: keys as never,
    signingAlgorithm: RSA,
  });
  return Buffer.from(request.rawData).toString('base64');
}

/** RSA-OAEP with SHA-1 for both the hash and MGF1, no label. */
export function openRsa(recipient: Recipient, base64: string): Buffer {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return privateDecrypt({ key: recipient.privateKey, padding, oaepHash: 'sha1' }, Buffer.from(base64, 'base64'));
}

async function exported(keys: webcrypto.CryptoKeyPair | webcrypto.CryptoKey): Promise<KeyObject> {
  const { privateKey } = keys as webcrypto.CryptoKeyPair;
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
