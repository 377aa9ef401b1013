import 'reflect-metadata';
import { createPrivateKey, webcrypto, type KeyObject } from 'node:crypto';
import { cryptoProvider, X509CertificateGenerator } from '@peculiar/x509';
import { readSpekeAnswer, type SpekeAnswer } from './speke-answer';
import { spekeDocument, type DocumentWish } from './speke-document';

export interface CertificateOptions {
  readonly bits?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** What came back, and how to read it. */
export interface EncryptorReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Throws Error when it is not a document that an encryptor could use. */
  document(): Promise<SpekeAnswer>;
}

/**
 * A SPEKE client as an encryptor is one: with a certificate of its own, with documents it writes itself, and with its own
 * way of reading and decrypting the answers. It shares no code with the server.
 */
export class Encryptor {
  private constructor(
    /** Base64 DER, as it stands in ds:X509Certificate. */
    readonly certificate: string,
    private readonly privateKey: KeyObject,
  ) {}

  /** A fresh RSA key and a self-signed SHA-512 certificate for it. */
  static async create(options: CertificateOptions = {}): Promise<Encryptor> {
    const algorithm = {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-512',
      publicExponent: new Uint8Array([1, 0, 1]),
      modulusLength: options.bits ?? 2048,
    };
    const crypto = webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0];
    cryptoProvider.set(crypto);
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const day = 86_400_000;
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: 'CN=encryptor.test',
      notBefore: options.notBefore ?? new Date(Date.now() - day),
      notAfter: options.notAfter ?? new Date(Date.now() + 365 * day),
      signingAlgorithm: algorithm,
      keys: keys as never,
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    return new Encryptor(
      Buffer.from(certificate.rawData).toString('base64'),
      createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    );
  }

  /** Asks for a document's keys. `encrypted`: with this encryptor's certificate in it. */
  async ask(
    url: string,
    wish: DocumentWish,
    options: { encrypted?: boolean; headers?: Record<string, string> } = {},
  ): Promise<EncryptorReply> {
    const document = spekeDocument(options.encrypted ? { ...wish, certificates: [this.certificate] } : wish);
    return this.post(url, document, wish.version === '1.0' ? null : wish.version, options.headers);
  }

  /** Sends bytes as they are. `version` is X-Speke-Version; null for none. */
  async post(
    url: string,
    body: string | Uint8Array,
    version: string | null,
    headers: Record<string, string> = {},
  ): Promise<EncryptorReply> {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/xml',
        ...(version === null ? {} : { 'x-speke-version': version }),
        ...headers,
      },
      body: body as NonNullable<RequestInit['body']>,
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: text,
      document: () => readSpekeAnswer(text, { privateKey: this.privateKey, certificate: this.certificate }),
    };
  }
}
