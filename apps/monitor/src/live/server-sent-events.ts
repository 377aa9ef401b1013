import { PassThrough, type Readable } from 'node:stream';
import { HttpProblem } from '@latchkey/http';
import type { Principal } from '../access/principal';
import type { Overview } from '../overview/overview';
import { boardRow } from '../rotation/board-row';
import type { RotationRow, RotationWatch } from '../rotation/rotation-watch';
import { maySee } from '../access/principal';
import type { LiveFeed } from './live-feed';

/** A proxy between may give up on a silent connection, and our own server does so after 15 s. */
const BEAT_MS = 5_000;
const TICK_MS = 1_000;
const MOST_CLIENTS = 64;
/** A reader this far behind is told the numbers, not each event. */
const BEHIND_BYTES = 256 * 1024;
const ROWS_SHOWN = 500;

/**
 * What the console shows as it happens (WHATWG HTML, server-sent events): `event` for each event, `overview` and
 * `rotation` when they changed, once a second at most.
 */
export class LiveStreams {
  private readonly open = new Set<PassThrough>();
  private latestBoard: { readonly at: number; readonly rows: RotationRow[] } = { at: 0, rows: [] };

  constructor(
    private readonly feed: LiveFeed,
    private readonly overview: Overview,
    private readonly rotation: RotationWatch,
  ) {}

  /** Throws HttpProblem 503 when too many are looking. */
  start(principal: Principal): Readable {
    if (this.open.size >= MOST_CLIENTS) throw new HttpProblem(503, 'unavailable', 'Too many are looking: try again');
    const stream = new PassThrough();
    this.open.add(stream);
    const send = (event: string, data: unknown) => stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    send('latest', this.feed.latestFor(principal));
    const stopListening = this.feed.listen(principal, (summary) => {
      if (stream.writableLength < BEHIND_BYTES) send('event', summary);
    });
    const tick = this.ticker(principal, send);
    tick();
    const ticking = setInterval(tick, TICK_MS);
    const beating = setInterval(() => stream.write(': still here\n\n'), BEAT_MS);
    stream.once('close', () => {
      stopListening();
      clearInterval(ticking);
      clearInterval(beating);
      this.open.delete(stream);
    });
    return stream;
  }

  private ticker(principal: Principal, send: (event: string, data: unknown) => void): () => void {
    let [overviewSeen, rotationSeen, minuteSeen] = [-1, '', -1];
    return () => {
      const now = Date.now();
      const minute = Math.floor(now / 60_000);
      if (this.overview.revision !== overviewSeen || minute !== minuteSeen) {
        [overviewSeen, minuteSeen] = [this.overview.revision, minute];
        send('overview', this.overview.of(principal));
      }
      const rows = this.board(now).filter(({ content }) => maySee(principal, content.tenant));
      const shown = JSON.stringify(rows.slice(0, ROWS_SHOWN).map(boardRow));
      if (shown === rotationSeen) return;
      rotationSeen = shown;
      send('rotation', { rows: JSON.parse(shown), total: rows.length });
    };
  }

  /** Made once a tick, however many look. */
  private board(now: number): RotationRow[] {
    if (now - this.latestBoard.at >= TICK_MS / 2) this.latestBoard = { at: now, rows: this.rotation.board(now) };
    return this.latestBoard.rows;
  }

  close(): void {
    for (const stream of this.open) stream.destroy();
  }
}
