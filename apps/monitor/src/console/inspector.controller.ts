import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { inspectDocument } from '../inspector/inspect-document';
import { asked, read } from './asked';

@Controller('v1/inspect')
export class InspectorController {
  /** Nothing of the document is kept or logged. */
  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  inspect(@Body() body: unknown) {
    const { document, version } = read(asked.inspection, body);
    return inspectDocument(document, version);
  }
}
