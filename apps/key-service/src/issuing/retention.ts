import type { KeyPeriod } from '@latchkey/messages';
import type { TenantKeys } from '@latchkey/tenants';

type RetentionClass = TenantKeys['retention']['classes'][number]['class'];

/**
 * When a key made now is gone, epoch milliseconds; undefined: kept. A live key lives from now, or from the end of its period
 * where that is later and known: encryptors ask before a period begins.
 */
export function expiryOf(
  retention: TenantKeys['retention'],
  contentId: string,
  period: KeyPeriod | undefined,
  now: number,
): number | undefined {
  const lifetime = retention[retentionClass(retention, contentId, period)];
  if (lifetime === undefined) return undefined;
  const end = period?.end === undefined ? Number.NaN : Date.parse(period.end);
  return Math.max(now, Number.isNaN(end) ? now : end) + lifetime;
}

/** As configured for the content ID; else live for a period that counts or has times, VOD for offsets or none. */
function retentionClass(
  retention: TenantKeys['retention'],
  contentId: string,
  period: KeyPeriod | undefined,
): RetentionClass {
  const configured = retention.classes.find((rule) => matchesPattern(rule.contentId, contentId));
  if (configured) return configured.class;
  if (!period || period.startOffset !== undefined || period.endOffset !== undefined) return 'vod';
  return 'live';
}

/** `*` stands for any text. Linear in the text, whatever the pattern. */
export function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts.shift() ?? '';
  if (parts.length === 0) return text === first;
  const last = parts.pop() ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
