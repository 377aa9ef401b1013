export interface TrafficLimits {
  readonly requestsPerMinute?: number | undefined;
  readonly concurrency?: number | undefined;
}

interface Flow {
  /** Requests that may still come at once; refilled by the minute's share. */
  tokens: number;
  at: number;
  atWork: number;
}

/**
 * Requests by tenant and by credential: how many a minute, and how many at once. In this process. The names are those of
 * the configuration, so that there are no more of them than there.
 */
export class Traffic {
  readonly #flows = new Map<string, Flow>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Seconds to wait, when there is no room; else 0, and `leave` must be called once the request is done with. */
  enter(name: string, limits: TrafficLimits): number {
    const flow = this.#flow(name, limits);
    if (limits.concurrency !== undefined && flow.atWork >= limits.concurrency) return 1;
    if (limits.requestsPerMinute !== undefined) {
      this.#refill(flow, limits.requestsPerMinute);
      if (flow.tokens < 1) return Math.ceil(((1 - flow.tokens) * 60) / limits.requestsPerMinute);
      flow.tokens--;
    }
    flow.atWork++;
    return 0;
  }

  leave(name: string): void {
    const flow = this.#flows.get(name);
    if (flow) flow.atWork = Math.max(0, flow.atWork - 1);
  }

  #flow(name: string, limits: TrafficLimits): Flow {
    const known = this.#flows.get(name);
    if (known) return known;
    const flow = { tokens: limits.requestsPerMinute ?? 0, at: this.now(), atWork: 0 };
    this.#flows.set(name, flow);
    return flow;
  }

  #refill(flow: Flow, perMinute: number): void {
    const now = this.now();
    flow.tokens = Math.min(perMinute, flow.tokens + ((now - flow.at) / 60_000) * perMinute);
    flow.at = now;
  }
}
