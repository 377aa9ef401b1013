import type { Logger } from '@latchkey/runtime';
import type { MonitorConfig } from '../config';
import { readAccessFile, readAccessText, watchAccessFile } from './access-file';
import { ConsoleAccess } from './console-access';

export interface OpenedAccess {
  readonly access: ConsoleAccess;
  close(): void;
}

/**
 * Who may see the console: as CONSOLE_ACCESS_FILE or CONSOLE_ACCESS says. Without either it is open to lookers on
 * loopback, and closed elsewhere: the ledger goes on, and nobody sees it. Throws AccessFileError.
 */
export function openAccess(config: MonitorConfig, logger: Logger): OpenedAccess {
  if (config.accessFile !== undefined) return fromFile(config.accessFile, logger);
  const close = () => undefined;
  if (config.access !== undefined) return { access: new ConsoleAccess(readAccessText(config.access)), close };
  if (isLoopback(config.host) || config.allowUnauthenticated) {
    logger.warn('the console is open: whoever reaches it may look (CONSOLE_ACCESS_FILE names who may)');
    return { access: new ConsoleAccess('open'), close };
  }
  logger.error('the console is closed: name who may see it in CONSOLE_ACCESS_FILE or CONSOLE_ACCESS');
  return { access: new ConsoleAccess('closed'), close };
}

function fromFile(path: string, logger: Logger): OpenedAccess {
  const access = new ConsoleAccess(readAccessFile(path));
  const close = watchAccessFile(path, (read) => {
    if (read instanceof Error)
      logger.error({ err: read }, 'the access file is not right: the last good one stays in force');
    else access.replace(read);
  });
  return { access, close };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
