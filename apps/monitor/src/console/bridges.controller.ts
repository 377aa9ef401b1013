import { HttpProblem } from '@latchkey/http';
import { Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { maySee } from '../access/principal';
import { Bridges } from '../bridges/bridges';
import type { Bridge } from '../bridges/bridge';
import { summarise } from '../live/event-summary';
import { whoAsks } from './looking.controller';

/** What could not be delivered outside. */
@Controller('v1/bridges/:id/dead-letters')
export class BridgesController {
  constructor(private readonly bridges: Bridges) {}

  @Get()
  list(@Req() request: FastifyRequest, @Param('id') id: string) {
    const principal = whoAsks(request);
    const letters = this.find(id)
      .deadLetters()
      .filter(({ event }) => maySee(principal, event.data.tenant));
    const shown = letters.slice(-200).map(({ event, since, attempts, lastError }) => ({
      event: summarise(event),
      since: new Date(since).toISOString(),
      attempts,
      lastError,
    }));
    return { letters: shown, total: letters.length };
  }

  @Post()
  @HttpCode(202)
  async sendAgain(@Req() request: FastifyRequest, @Param('id') id: string) {
    // They go out together, whosever they are.
    if (whoAsks(request).tenants !== 'all') throw new HttpProblem(403, 'other-tenant', 'This needs all tenants');
    return { sentAgain: await this.find(id).sendAgain() };
  }

  private find(id: string): Bridge {
    const bridge = this.bridges.get(id);
    if (!bridge) throw new HttpProblem(404, 'bridge-not-found', 'There is no bridge of that name');
    return bridge;
  }
}
