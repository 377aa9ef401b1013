import type { Call } from '@latchkey/bus';
import { isKeyId } from '@latchkey/cenc';
import { Fault, type describeContent } from '@latchkey/messages';
import type { z } from 'zod';
import type { KeyStore } from '../store/key-store';
import { readFacts, revokedAt, type KeyRow, type Revocations } from '../store/stored-key';

export type DescribeRequest = z.infer<typeof describeContent.request>;
export type DescribeReply = z.infer<typeof describeContent.reply>;
type DescribedKey = DescribeReply['keys'][number];

const PAGE = 200;

/** Says what is known of a content's keys, never a key. A row that is damaged says nothing; it shows when it is used. */
export class ContentDescriber {
  constructor(private readonly store: KeyStore) {}

  /** Throws Fault INVALID_REQUEST for a cursor that is none, UNAVAILABLE, DEADLINE_EXCEEDED. */
  async describe(request: DescribeRequest, { deadline }: Call): Promise<DescribeReply> {
    const { cursor, limit = PAGE } = request;
    if (cursor !== undefined && !isKeyId(cursor)) throw new Fault('INVALID_REQUEST', 'the cursor is not one of ours');
    const { rows, revocations, next } = await this.store.page(request, limit, cursor, deadline);
    return { keys: rows.flatMap((row) => describedKey(row, revocations)), ...(next && { cursor: next }) };
  }
}

function describedKey(row: KeyRow, revocations: Revocations): DescribedKey[] {
  if (row.state === 'damaged') return [];
  const { rootVersion: _, clearDelivery: __, ...facts } = readFacts(row);
  const revoked = row.state === 'shredded' ? row.shreddedAt : revokedAt(revocations, row.keyId, facts.createdAt);
  return [{ keyId: row.keyId, ...facts, ...(revoked !== undefined && { revokedAt: revoked }) }];
}
