/**
 * The moment after which nobody waits for an answer any more. It crosses processes as the milliseconds that are left,
 * so that clocks need not agree.
 */
export class Deadline {
  private constructor(private readonly at: number) {}

  static in(ms: number): Deadline {
    return new Deadline(performance.now() + ms);
  }

  get remainingMs(): number {
    return Math.max(0, this.at - performance.now());
  }

  get expired(): boolean {
    return performance.now() >= this.at;
  }

  /** The nearer of this one and one in `ms`. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(this.at, performance.now() + ms));
  }
}
