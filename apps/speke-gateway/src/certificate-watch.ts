import { X509Certificate } from 'node:crypto';
import { instruments } from '@latchkey/runtime';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller';

const DAY_MS = 86_400_000;
/** How often one certificate's days are told. */
const TOLD_FOR_MS = 10 * 60_000;

/** Tells how long encryptors' certificates still serve, so that somebody renews them before their documents are refused. */
export class CertificateWatch {
  readonly #told = new LRUCache<string, true>({ max: 1_000, ttl: TOLD_FOR_MS });

  constructor(private readonly now: () => number = Date.now) {}

  /** `recipients`: base64 DER, read and checked before. The nearest end counts. */
  look({ tenant, requester }: Caller, recipients: readonly string[]): void {
    const news = recipients.filter((certificate) => !this.#told.has(certificate));
    if (news.length === 0) return;
    for (const certificate of news) this.#told.set(certificate, true);
    const days = Math.min(...recipients.map((certificate) => daysLeft(certificate, this.now())));
    instruments.certificateDaysLeft.record(days, { tenant: tenant.id, encryptor: requester.encryptorId });
  }
}

function daysLeft(certificate: string, now: number): number {
  const { validTo } = new X509Certificate(Buffer.from(certificate, 'base64'));
  return Math.floor((Date.parse(validTo) - now) / DAY_MS);
}
