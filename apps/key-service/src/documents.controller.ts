import { Answers, type Call } from '@latchkey/bus';
import { deleteDocument, getDocument, putDocument } from '@latchkey/messages';
import { Controller } from '@nestjs/common';
import {
  DocumentShelf,
  type DeleteDocumentRequest,
  type GetDocumentReply,
  type PutDocumentReply,
  type PutDocumentRequest,
} from './documents/document-shelf';
import type { ContentName } from './store/stored-key';

@Controller()
export class DocumentsController {
  constructor(private readonly shelf: DocumentShelf) {}

  @Answers(putDocument)
  put(request: PutDocumentRequest, call: Call): Promise<PutDocumentReply> {
    return this.shelf.put(request, call);
  }

  @Answers(getDocument)
  get(request: ContentName, call: Call): Promise<GetDocumentReply> {
    return this.shelf.get(request, call);
  }

  @Answers(deleteDocument)
  delete(request: DeleteDocumentRequest, call: Call): Promise<{ deleted: boolean }> {
    return this.shelf.delete(request, call);
  }
}
