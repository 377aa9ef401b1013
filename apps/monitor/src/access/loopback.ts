import type { Logger } from '@latchkey/runtime';
import { EnvironmentError } from '@latchkey/runtime';

/**
 * A console without access rules shows itself on loopback only. Throws EnvironmentError elsewhere, unless it was said
 * that this is meant.
 */
export function insistOnRules(host: string, hasRules: boolean, allowed: boolean, logger: Logger): void {
  if (hasRules) return;
  if (!isLoopback(host) && !allowed) {
    throw new EnvironmentError(
      `CONSOLE_HOST is ${host} and nobody is named who may see the console: set CONSOLE_ACCESS_FILE, ` +
        'or CONSOLE_ALLOW_UNAUTHENTICATED=true if everybody who reaches it may',
    );
  }
  logger.warn({ host }, 'the console is open: whoever reaches it may look (CONSOLE_ACCESS_FILE names who may)');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
