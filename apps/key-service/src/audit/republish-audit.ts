import type { AuditLog } from './audit-log';
import { CONTRACTS, type Publish } from './audit-relay';

const PAGE = 64;

/**
 * Publishes every audit record under its own id: consumers keep what they do not have and drop the rest. How many were published;
 * throws the bus's fault.
 */
export async function republishAudit(log: AuditLog, publish: Publish): Promise<number> {
  let published = 0;
  for (const { writer } of await log.writers('all')) {
    for (let after = 0, page = await log.recordsAfter(writer, after, PAGE); page.length > 0;) {
      await Promise.all(page.map(({ body }) => publishBody(body, publish)));
      published += page.length;
      after = page.at(-1)?.sequence ?? after;
      page = await log.recordsAfter(writer, after, PAGE);
    }
  }
  return published;
}

async function publishBody(body: string, publish: Publish): Promise<void> {
  const event = JSON.parse(body) as { id: string; type: string };
  const contract = CONTRACTS.get(event.type);
  if (contract) await publish(contract, event, body);
}
