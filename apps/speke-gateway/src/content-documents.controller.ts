import { Controller, Delete, Get, Inject, Param, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ContentDocuments, type DocumentAnswer } from './content-documents';
import { entityTag } from './entity-tags';
import { setHeadersOfVersion } from './speke-headers';

/** The resource of the CPIX transfer protocol. */
@Controller('copyProtectionData/:contentId')
export class ContentDocumentsController {
  constructor(@Inject(ContentDocuments) private readonly documents: ContentDocuments) {}

  @Post()
  async post(@Param('contentId') contentId: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    send(reply, await this.documents.post(request, contentId));
  }

  @Get()
  async get(@Param('contentId') contentId: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    send(reply, await this.documents.get(request, contentId));
  }

  @Put()
  async put(@Param('contentId') contentId: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    send(reply, await this.documents.put(request, contentId));
  }

  @Delete()
  async delete(@Param('contentId') contentId: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    send(reply, await this.documents.delete(request, contentId));
  }
}

function send(reply: FastifyReply, { status, etag, version, xml }: DocumentAnswer): void {
  reply.status(status);
  if (etag !== undefined) reply.header('etag', entityTag(etag));
  if (version !== undefined) setHeadersOfVersion(version, reply);
  if (xml === undefined) reply.send();
  else reply.type('application/xml').send(xml);
}
