import { randomUUID } from 'node:crypto';

/**
 * What an exchange is known by, or an event that has no name of its own: a UUID of version 7 (RFC 9562, 5.7), 48 bits of Unix time in
 * milliseconds before 74 random ones. Stores keep ids in order, so that those of one moment lie side by side: with random ones each
 * event of the ledger writes pages of its own.
 */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(RANDOM_FROM)}`;
}

/** Where a random UUID's version has been said. */
const RANDOM_FROM = 'xxxxxxxx-xxxx-4'.length;
