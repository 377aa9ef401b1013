import type { Deadline } from '@latchkey/bus';

interface Waiting<Row> {
  readonly row: Row;
  readonly deadline: Deadline;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export interface GroupLimits {
  /** Rows in one write. */
  readonly rows: number;
  /** Writes under way at once: while they are, newcomers gather. */
  readonly writes: number;
}

/** Puts the rows of concurrent callers into common writes: the first goes at once, those who come meanwhile go together. */
export class GroupedWrites<Row> {
  readonly #waiting: Waiting<Row>[] = [];
  #underWay = 0;

  constructor(
    private readonly limits: GroupLimits,
    private readonly write: (rows: readonly Row[], deadline: Deadline) => Promise<void>,
  ) {}

  /** Resolves when all rows are written; rejects with the error of a write that had one of them. */
  async add(rows: readonly Row[], deadline: Deadline): Promise<void> {
    const written = Promise.all(
      rows.map(
        (row) =>
          new Promise<void>((done, failed) => {
            this.#waiting.push({ row, deadline, done, failed });
          }),
      ),
    );
    // Not yet in this turn: others may be about to add theirs.
    queueMicrotask(() => this.#start());
    await written;
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.limits.writes) {
      const group = this.#waiting.splice(0, this.limits.rows);
      this.#underWay++;
      void this.#write(group).finally(() => {
        this.#underWay--;
        this.#start();
      });
    }
  }

  async #write(group: readonly Waiting<Row>[]): Promise<void> {
    try {
      await this.write(
        group.map(({ row }) => row),
        latest(group.map(({ deadline }) => deadline)),
      );
      for (const { done } of group) done();
    } catch (error) {
      for (const { failed } of group) failed(error);
    }
  }
}

function latest(deadlines: readonly Deadline[]): Deadline {
  return deadlines.reduce((a, b) => (a.remainingMs > b.remainingMs ? a : b));
}
