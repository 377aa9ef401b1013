import { Deadline, type Bus } from '@latchkey/bus';
import { HttpProblem, shortHeader } from '@latchkey/http';
import { describeContent, revokeKeys, shredContent, type Requester } from '@latchkey/messages';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RotationWatch } from '../rotation/rotation-watch';
import { asked, oneTenant, read } from './asked';
import { whoAsks } from './looking.controller';
import { schedule } from './schedule';

export const BUS = Symbol('bus');

/** One content: which key ID is valid when, and what an operator may do about its keys. */
@Controller('v1/contents/:contentId')
export class ContentsController {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    private readonly rotation: RotationWatch,
  ) {}

  @Get('schedule')
  async schedule(@Req() request: FastifyRequest, @Param('contentId') id: string, @Query() query: unknown) {
    const { tenant, limit, cursor } = read(asked.page, query);
    const about = { tenant: oneTenant(whoAsks(request), tenant), contentId: read(asked.contentId, id) };
    const page = await this.bus.ask(describeContent, { ...about, limit, ...(cursor && { cursor }) }, call());
    return { ...about, ...schedule(page) };
  }

  @Delete('rotation')
  @HttpCode(204)
  async dismiss(@Req() request: FastifyRequest, @Param('contentId') id: string, @Query() query: unknown) {
    const tenant = oneTenant(whoAsks(request), read(asked.tenant, query).tenant);
    await this.rotation.forget(tenant, read(asked.contentId, id));
  }

  @Post('revoke')
  @HttpCode(200)
  async revoke(
    @Req() request: FastifyRequest,
    @Param('contentId') id: string,
    @Query() query: unknown,
    @Body() body: unknown,
  ) {
    const { keyIds, reason } = read(asked.revocation, body);
    const chosen = { ...(keyIds && { keyIds }), ...(reason !== undefined && { reason }) };
    return this.bus.ask(revokeKeys, { ...this.about(request, id, query), ...chosen }, call());
  }

  @Post('shred')
  @HttpCode(200)
  async shred(
    @Req() request: FastifyRequest,
    @Param('contentId') id: string,
    @Query() query: unknown,
    @Body() body: unknown,
  ) {
    const { preview, confirm } = read(asked.shredding, body);
    if (!preview && confirm !== id) {
      throw new HttpProblem(400, 'not-confirmed', 'confirm: say the content ID once more; shredding cannot be undone');
    }
    return this.bus.ask(shredContent, { ...this.about(request, id, query), preview }, call());
  }

  private about(request: FastifyRequest, id: string, query: unknown) {
    return {
      tenant: oneTenant(whoAsks(request), read(asked.tenant, query).tenant),
      contentId: read(asked.contentId, id),
      exchangeId: request.exchange.id,
      requester: requesterOf(request),
    };
  }
}

const call = () => ({ deadline: Deadline.in(5_000) });

function requesterOf(request: FastifyRequest): Requester {
  const userAgent = shortHeader(request, 'user-agent');
  return {
    encryptorId: `console:${whoAsks(request).id}`.slice(0, 256),
    address: request.ip,
    ...(userAgent !== undefined && { userAgent }),
  };
}
