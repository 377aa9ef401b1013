import 'reflect-metadata';
import { createPrivateKey, webcrypto, type KeyObject } from 'node:crypto';
import { ContentKey } from '@latchkey/cenc';
import { cryptoProvider, X509CertificateGenerator } from '@peculiar/x509';

export interface TestCertificate {
  /** Of the DER. */
  readonly base64: string;
  readonly privateKey: KeyObject;
}

/** A recipient with an RSA key of its own. */
export async function selfSigned(): Promise<TestCertificate> {
  cryptoProvider.set(webcrypto as never);
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-512',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=recipient.test',
    signingAlgorithm: algorithm,
    keys: keys as never,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    base64: Buffer.from(certificate.rawData).toString('base64'),
    privateKey: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
  };
}

export function contentKeyOf(n: number): ContentKey {
  return ContentKey.fromBytes(Buffer.alloc(16, n));
}
