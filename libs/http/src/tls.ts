import { readFileSync, statSync } from 'node:fs';
import type { SecureContextOptions, Server as TlsServer } from 'node:tls';
import type { Logger } from '@latchkey/runtime';

/** PEM files. With `clientAuthority`, clients may show certificates of that authority (mTLS). */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthority?: string | undefined;
}

export function readTlsFiles(files: TlsFiles): SecureContextOptions {
  return {
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
    ...(files.clientAuthority ? { ca: readFileSync(files.clientAuthority) } : {}),
    minVersion: 'TLSv1.2',
  };
}

/**
 * Takes renewed certificates into use without a restart; connections that are open keep the old one. Files that do not
 * fit together (a renewal half done) are reported and tried again.
 */
export function reloadTlsFiles(server: TlsServer, files: TlsFiles, logger: Logger, pollMs: number): () => void {
  let inForce = signature(files);
  const timer = setInterval(() => {
    try {
      const now = signature(files);
      if (now === inForce) return;
      server.setSecureContext(readTlsFiles(files));
      inForce = now;
      logger.info('TLS certificate reloaded');
    } catch (err) {
      logger.error({ err }, 'TLS certificate not reloaded');
    }
  }, pollMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** inode too: Kubernetes and certbot replace the file rather than write into it. */
function signature(files: TlsFiles): string {
  return [files.certificate, files.key, files.clientAuthority]
    .filter((path) => path !== undefined)
    .map((path) => {
      const { mtimeMs, size, ino } = statSync(path);
      return `${mtimeMs}/${size}/${ino}`;
    })
    .join();
}
