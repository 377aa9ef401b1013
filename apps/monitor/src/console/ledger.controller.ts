import { HttpProblem } from '@latchkey/http';
import { Readable } from 'node:stream';
import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EXPORT_MEDIA_TYPES, exportLedger } from '../ledger/export-ledger';
import { Ledger } from '../ledger/ledger';
import { verifyLedger } from '../ledger/verify-ledger';
import { asked, read, tenantsFor } from './asked';
import { whoAsks } from './looking.controller';

/** The ledger, for auditors. */
@Controller('v1/ledger')
export class LedgerController {
  private verifying = false;

  constructor(private readonly ledger: Ledger) {}

  @Get()
  async query(@Req() request: FastifyRequest, @Query() query: unknown) {
    const { tenant, ...rest } = read(asked.ledger, query);
    const page = await this.ledger.query({ ...rest, tenants: tenantsFor(whoAsks(request), tenant) });
    const records = page.records.map(({ chain, index, previous, hash, entry }) => ({
      chain,
      index,
      previous,
      hash,
      ...entry,
    }));
    return { records, cursor: page.cursor };
  }

  @Get('export')
  export(@Req() request: FastifyRequest, @Query() query: unknown, @Res() reply: FastifyReply) {
    const { tenant, ...rest } = read(asked.exported, query);
    const text = exportLedger(this.ledger.store, { ...rest, chains: tenantsFor(whoAsks(request), tenant) });
    void reply
      .headers({
        'content-type': EXPORT_MEDIA_TYPES[rest.format],
        'content-disposition': `attachment; filename="ledger.${rest.format}"`,
        'cache-control': 'no-store',
      })
      .send(Readable.from(text));
  }

  /** Walks every chain that the caller may see: for a large ledger, `npm run ledger -- verify` is the better place. */
  @Get('verify')
  async verify(@Req() request: FastifyRequest, @Query() query: unknown) {
    const chains = tenantsFor(whoAsks(request), read(asked.tenant, query).tenant);
    if (this.verifying) throw new HttpProblem(503, 'unavailable', 'The ledger is being verified already: try again');
    this.verifying = true;
    try {
      return await verifyLedger(this.ledger.store, { chains });
    } finally {
      this.verifying = false;
    }
  }
}
