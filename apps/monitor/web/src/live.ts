import { useEffect, useState } from 'react';
import type { EventSummary } from '../../src/live/event-summary';
import type { OverviewNumbers } from '../../src/overview/overview';
import type { BoardRow } from '../../src/rotation/board-row';
import { useSession, type Session } from './session';

export interface Live {
  readonly connected: boolean;
  readonly overview?: OverviewNumbers;
  readonly rotation?: { readonly rows: readonly BoardRow[]; readonly total: number };
  /** The most recent first. */
  readonly latest: readonly EventSummary[];
}

const KEPT_EVENTS = 200;
const NOTHING: Live = { connected: false, latest: [] };

/** What happens, as it happens. Comes back by itself when the connection was lost. */
export function useLiveStream(): Live {
  const session = useSession();
  const [live, setLive] = useState(NOTHING);
  const allowed = session.answer?.principal !== undefined;
  useEffect(() => {
    if (!allowed) return;
    const controller = new AbortController();
    void follow(session, controller.signal, setLive);
    return () => controller.abort();
    // A new session object with the same token is no reason to begin anew.
  }, [session.token, allowed]);
  return live;
}

type Change = (change: (live: Live) => Live) => void;

async function follow(session: Session, signal: AbortSignal, change: Change): Promise<void> {
  for (let waitMs = 500; !signal.aborted; waitMs = Math.min(waitMs * 2, 15_000)) {
    try {
      const answer = await session.ask('/v1/live', { signal });
      change((live) => ({ ...live, connected: true }));
      waitMs = 500;
      for await (const { event, data } of serverSentEvents(answer)) change((live) => apply(live, event, data));
    } catch {
      // Said by `connected` below.
    }
    change((live) => ({ ...live, connected: false }));
    await new Promise((done) => setTimeout(done, waitMs));
  }
}

function apply(live: Live, event: string, data: unknown): Live {
  switch (event) {
    case 'overview':
      return { ...live, overview: data as OverviewNumbers };
    case 'rotation':
      return { ...live, rotation: data as NonNullable<Live['rotation']> };
    case 'latest':
      return { ...live, latest: (data as EventSummary[]).toReversed() };
    case 'event':
      return { ...live, latest: [data as EventSummary, ...live.latest].slice(0, KEPT_EVENTS) };
    default:
      return live;
  }
}

/** EventSource sends no Authorization header, so the stream is read by hand: one `event` and one `data` line each. */
async function* serverSentEvents(answer: Response): AsyncGenerator<{ event: string; data: unknown }> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event, data] = /^event: (.+)\ndata: (.+)$/.exec(block) ?? [];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}
