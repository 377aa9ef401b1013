import { createHash } from 'node:crypto';
import type { Call, Deadline } from '@latchkey/bus';
import { Fault, type deleteDocument, type getDocument, type putDocument, type SpekeVersion } from '@latchkey/messages';
import type { z } from 'zod';
import type { KeyStore, StoredDocument } from '../store/key-store';
import type { ContentName } from '../store/stored-key';

export type PutDocumentRequest = z.infer<typeof putDocument.request>;
export type PutDocumentReply = z.infer<typeof putDocument.reply>;
export type GetDocumentReply = z.infer<typeof getDocument.reply>;
export type DeleteDocumentRequest = z.infer<typeof deleteDocument.request>;

const MAX_RACES = 4;
/** A row of DynamoDB takes 400 KB. */
const MAX_BYTES = 380_000;

/** The documents of the CPIX resource, one for each content, replaced only by who knows which one is there. */
export class DocumentShelf {
  constructor(private readonly store: KeyStore) {}

  /** Throws Fault PRECONDITION_FAILED, CONFLICT, INVALID_REQUEST, UNAVAILABLE, DEADLINE_EXCEEDED. */
  async put(request: PutDocumentRequest, { deadline }: Call): Promise<PutDocumentReply> {
    const { spekeVersion, document, ifMatch } = request;
    if (Buffer.byteLength(document) > MAX_BYTES)
      throw new Fault('INVALID_REQUEST', `a document is at most ${MAX_BYTES} bytes`);
    const stored = { spekeVersion, document, etag: etagOf(spekeVersion, document) };
    for (let race = 0; race < MAX_RACES; race++) {
      const there = await this.store.getDocument(request, deadline);
      checkExpectation(ifMatch, there);
      if (await this.#put(request, stored, there?.etag ?? null, deadline))
        return { etag: stored.etag, created: !there };
    }
    throw new Fault('UNAVAILABLE', 'others are writing the same document at the same time');
  }

  async get(content: ContentName, { deadline }: Call): Promise<GetDocumentReply> {
    const stored = await this.store.getDocument(content, deadline);
    return { stored: stored ? { ...stored, spekeVersion: stored.spekeVersion as SpekeVersion } : null };
  }

  /** Throws Fault PRECONDITION_FAILED, UNAVAILABLE, DEADLINE_EXCEEDED. */
  async delete(request: DeleteDocumentRequest, { deadline }: Call): Promise<{ deleted: boolean }> {
    for (let race = 0; race < MAX_RACES; race++) {
      const there = await this.store.getDocument(request, deadline);
      checkExpectation(request.ifMatch, there);
      if (!there) return { deleted: false };
      if (await this.store.deleteDocument(request, there.etag, deadline)) return { deleted: true };
    }
    throw new Fault('UNAVAILABLE', 'others are writing the same document at the same time');
  }

  /** A write whose answer was lost fails its own condition when it is tried again: then it is there all the same. */
  async #put(
    content: ContentName,
    document: StoredDocument,
    expected: string | null,
    deadline: Deadline,
  ): Promise<boolean> {
    if (await this.store.putDocument(content, document, expected, deadline)) return true;
    return (await this.store.getDocument(content, deadline))?.etag === document.etag;
  }
}

function checkExpectation(ifMatch: string | null | undefined, there: StoredDocument | undefined): void {
  if (ifMatch === undefined) return;
  if (ifMatch === null) {
    if (there) throw new Fault('CONFLICT', 'there is a document already');
    return;
  }
  if (!there || (ifMatch !== '*' && ifMatch !== there.etag)) {
    throw new Fault('PRECONDITION_FAILED', 'the document is not the one that was expected');
  }
}

function etagOf(spekeVersion: string, document: string): string {
  return createHash('sha256').update(`${spekeVersion}\n`).update(document).digest('base64url').slice(0, 22);
}
