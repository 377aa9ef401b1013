import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const selection = {
  /** `*` stands for any text: `rotation.*`, `key.revoked`. */
  events: z.array(z.string().min(1).max(100)).min(1).default(['*']),
  tenants: z.array(z.string()).min(1).optional(),
};
const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a bridge is named by 1 to 64 of a-z 0-9 -');

const bridgesSchema = z
  .strictObject({
    webhooks: z
      .array(
        z.strictObject({
          id,
          url: z.url().refine(isPrivate, 'a webhook is https (http only on loopback)'),
          /** At least 24 bytes; both ends know it. */
          secret: z.string().min(24),
          ...selection,
        }),
      )
      .default([]),
    eventBridge: z
      .array(
        z.strictObject({
          id,
          /** Name or ARN. */
          bus: z.string().min(1),
          ...selection,
        }),
      )
      .default([]),
  })
  .refine(({ webhooks, eventBridge }) => {
    const ids = [...webhooks, ...eventBridge].map((bridge) => bridge.id);
    return new Set(ids).size === ids.length;
  }, 'two bridges have one id');
export type BridgeRules = z.output<typeof bridgesSchema>;

export class BridgesFileError extends Error {
  override readonly name = 'BridgesFileError';
}

/** Throws BridgesFileError, which says what is wrong and quotes nothing. */
export function readBridgesFile(path: string): BridgeRules {
  let document: unknown;
  try {
    document = parse(readFileSync(path, 'utf8'));
  } catch {
    throw new BridgesFileError(`${path} cannot be read as YAML`);
  }
  const rules = bridgesSchema.safeParse(document);
  if (!rules.success) throw new BridgesFileError(`${path}: ${z.prettifyError(rules.error)}`);
  return rules.data;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

function isPrivate(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}
