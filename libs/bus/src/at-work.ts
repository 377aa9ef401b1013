/**
 * How much is under way, for those who wait until it is less. Not a set of promises: one that is added to and deleted from all the
 * time leaves old tables behind, by which what the promises brought outlives the young generation.
 */
export class AtWork {
  #count = 0;
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    this.#count--;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves when fewer than so many are under way. */
  async fewerThan(limit: number): Promise<void> {
    while (this.#count >= limit) await new Promise<void>((wake) => this.#waiting.push(wake));
  }
}
