import { HttpProblem } from '@latchkey/http';
import { Controller, Get, Header, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ConsoleAccess } from '../access/console-access';
import { maySee, type Principal } from '../access/principal';
import { Bridges } from '../bridges/bridges';
import { Instances } from '../health/instances';
import { Parts } from '../health/parts';
import { Ledger } from '../ledger/ledger';
import { summarise } from '../live/event-summary';
import { LiveStreams } from '../live/server-sent-events';
import { reportExchange } from '../lookup/exchange-report';
import { reportKey } from '../lookup/key-report';
import { Overview } from '../overview/overview';
import { boardRow } from '../rotation/board-row';
import { RotationWatch } from '../rotation/rotation-watch';
import { asked, read, tenantsFor } from './asked';
import { ConsoleLinks } from './console-links';

/** What whoever may look can see. */
@Controller('v1')
export class LookingController {
  constructor(
    private readonly access: ConsoleAccess,
    private readonly ledger: Ledger,
    private readonly overview: Overview,
    private readonly rotation: RotationWatch,
    private readonly streams: LiveStreams,
    private readonly parts: Parts,
    private readonly instances: Instances,
    private readonly bridges: Bridges,
    private readonly links: ConsoleLinks,
  ) {}

  @Get('session')
  @Header('cache-control', 'no-store')
  session(@Req() { principal }: FastifyRequest) {
    const tenants = principal && (principal.tenants === 'all' ? 'all' : [...principal.tenants]);
    return {
      signIn: this.access.signIn,
      principal: principal && { id: principal.id, roles: [...principal.roles], tenants },
      links: principal && this.links,
    };
  }

  @Get('overview')
  numbers(@Req() request: FastifyRequest) {
    return this.overview.of(whoAsks(request));
  }

  @Get('live')
  live(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const stream = this.streams.start(whoAsks(request));
    // Proxies that collect answers would hold the events back.
    void reply
      .headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      .send(stream);
  }

  @Get('rotation')
  board(@Req() request: FastifyRequest) {
    const principal = whoAsks(request);
    const rows = this.rotation.board(Date.now()).filter(({ content }) => maySee(principal, content.tenant));
    return { rows: rows.slice(0, 1_000).map(boardRow), total: rows.length };
  }

  @Get('health')
  async health() {
    return { parts: await this.parts.health(), instances: this.instances.list(), bridges: this.bridges.states() };
  }

  @Get('keys/:keyId')
  async key(@Req() request: FastifyRequest, @Param('keyId') keyId: string, @Query() query: unknown) {
    const tenants = tenantsFor(whoAsks(request), read(asked.tenant, query).tenant);
    return { contents: await reportKey(this.ledger, read(asked.keyId, keyId), tenants) };
  }

  @Get('exchanges')
  async exchanges(@Req() request: FastifyRequest, @Query() query: unknown) {
    const { tenant, ...page } = read(asked.exchanges, query);
    const found = await this.ledger.query({ ...page, tenants: tenantsFor(whoAsks(request), tenant) });
    return { events: found.records.map(({ entry }) => summarise(entry.event)), cursor: found.cursor };
  }

  @Get('exchanges/:exchangeId')
  async exchange(@Req() request: FastifyRequest, @Param('exchangeId') exchangeId: string, @Query() query: unknown) {
    const tenants = tenantsFor(whoAsks(request), read(asked.tenant, query).tenant);
    const report = await reportExchange(this.ledger, read(asked.exchangeId, exchangeId), tenants);
    if (!report) throw new HttpProblem(404, 'exchange-not-found', 'The ledger has nothing of this exchange');
    return report;
  }
}

/** The hook of access/authorise.ts has let nobody through without one. */
export function whoAsks({ principal }: FastifyRequest): Principal {
  if (!principal) throw new HttpProblem(401, 'unauthenticated', 'A bearer token is needed');
  return principal;
}
