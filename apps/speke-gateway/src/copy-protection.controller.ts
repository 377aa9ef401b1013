import { Controller, Header, HttpCode, Inject, Post, Req, type Type } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CopyProtection } from './copy-protection';

/** One path for all versions, and AWS's own for each. */
export const SPEKE_PATHS = [
  '/copyProtection',
  '/speke/v1.0/copyProtection',
  '/speke/v2.0/copyProtection',
  '/speke/v2.1/copyProtection',
];

export function copyProtectionController(paths: readonly string[]): Type<unknown> {
  @Controller()
  class CopyProtectionController {
    constructor(@Inject(CopyProtection) private readonly copyProtection: CopyProtection) {}

    @Post([...paths])
    @HttpCode(200)
    @Header('content-type', 'application/xml')
    async answer(@Req() request: FastifyRequest): Promise<Buffer> {
      // As bytes: of a long text the server would count them first and then make them.
      return Buffer.from(await this.copyProtection.answer(request));
    }
  }
  return CopyProtectionController;
}
