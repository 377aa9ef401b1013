import { createHash } from 'node:crypto';
import type { Logger } from '@latchkey/runtime';
import type { MonitorConfig } from '../config';
import { readAccessFile, readAccessText, watchAccessFile, type AccessRules } from './access-file';
import { ConsoleAccess } from './console-access';

export interface OpenedAccess {
  readonly access: ConsoleAccess;
  /** SHA-256 of the rules in force, hex. */
  digest(): string;
  /** What an operator should know, in sentences that quote nothing. */
  warnings(): readonly string[];
  /** Called when either has changed. */
  onChange(listener: () => void): void;
  close(): void;
}

const OPEN = 'the console is open: whoever reaches it may look (CONSOLE_ACCESS_FILE names who may)';
const CLOSED = 'the console is closed: name who may see it in CONSOLE_ACCESS_FILE or CONSOLE_ACCESS';

/**
 * Who may see the console: as CONSOLE_ACCESS_FILE or CONSOLE_ACCESS says. Without either it is open to lookers on
 * loopback, and closed elsewhere: the ledger goes on, and nobody sees it. Throws AccessFileError.
 */
export function openAccess(config: MonitorConfig, logger: Logger): OpenedAccess {
  if (config.accessFile !== undefined) return fromFile(config.accessFile, logger);
  if (config.access !== undefined) return unchanging(readAccessText(config.access));
  if (isLoopback(config.host) || config.allowUnauthenticated) {
    logger.warn(OPEN);
    return unchanging('open', OPEN);
  }
  logger.error(CLOSED);
  return unchanging('closed', CLOSED);
}

function unchanging(rules: AccessRules | 'open' | 'closed', ...warnings: string[]): OpenedAccess {
  return {
    access: new ConsoleAccess(rules),
    digest: () => digestOf(rules),
    warnings: () => warnings,
    onChange: () => undefined,
    close: () => undefined,
  };
}

function fromFile(path: string, logger: Logger): OpenedAccess {
  let rules = readAccessFile(path);
  let warnings: string[] = [];
  const access = new ConsoleAccess(rules);
  const listeners = new Set<() => void>();
  const close = watchAccessFile(path, (read) => {
    if (read instanceof Error) {
      logger.error({ err: read }, 'the access file is not right: the last good one stays in force');
      warnings = [read.message];
    } else {
      access.replace(read);
      [rules, warnings] = [read, []];
    }
    for (const listener of listeners) listener();
  });
  return {
    access,
    digest: () => digestOf(rules),
    warnings: () => warnings,
    onChange: (listener) => void listeners.add(listener),
    close,
  };
}

function digestOf(rules: AccessRules | 'open' | 'closed'): string {
  return createHash('sha256').update(JSON.stringify(rules)).digest('hex');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
