/**
 * What one turn of the event loop wants to send leaves in one write at its end: a write for each is what a connection costs
 * most.
 */
export class Outgoing {
  #waiting: (() => void)[] = [];

  /** `send` hands a message to the client. It must not throw. */
  put(send: () => void): void {
    if (this.#waiting.push(send) === 1) setImmediate(() => this.flush());
  }

  /** Now, before the connection is asked to flush or to drain; with what is put meanwhile. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const sends = this.#waiting;
      this.#waiting = [];
      for (const send of sends) send();
    }
  }
}
