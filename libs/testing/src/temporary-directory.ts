import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Jest's; commands that use this library have none, and remove what they make themselves. */
declare const afterAll: ((run: () => void) => void) | undefined;

const made: string[] = [];

if (typeof afterAll === 'function') afterAll(removeTemporaryDirectories);

/** A new directory for a test's files, removed when all tests of its file are through. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'latchkey-'));
  made.push(path);
  return path;
}

function removeTemporaryDirectories(): void {
  // A process that ends may still write into one: then it is tried again.
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
