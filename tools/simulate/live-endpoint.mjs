import { randomUUID } from 'node:crypto';
import { requestDocument } from './documents.mjs';
import { exchange, keyUrlIn } from './encryptor.mjs';

/**
 * An endpoint that rotates its keys. It invents the key IDs and asks for the next period's keys shortly before it begins;
 * without an answer it goes on with the last keys, as MediaPackage does, and asks again a little later.
 */
export class LiveEndpoint {
  dropped = false;
  keyUrl = undefined;
  lastKeyIds = [];
  #timer;
  #index;

  constructor(contentId, profile, { server, periodMs, observe }) {
    this.contentId = contentId;
    this.profile = profile;
    this.server = server;
    this.periodMs = periodMs;
    this.observe = observe;
    this.#index = Math.floor(Date.now() / periodMs);
  }

  /** `offsetMs`: when in a period it asks; endpoints do not all ask at once. */
  start(offsetMs) {
    this.#timer = setTimeout(() => void this.#rotate(), offsetMs);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  async #rotate() {
    const from = performance.now();
    if (!this.dropped) await this.#ask(this.#index);
    this.#index += 1;
    const jitter = (Math.random() - 0.5) * 0.02 * this.periodMs;
    this.#timer = setTimeout(
      () => void this.#rotate(),
      Math.max(0, this.periodMs + jitter - (performance.now() - from)),
    );
  }

  async #ask(index) {
    const keyIds = this.profile.tracks.map(() => randomUUID());
    const start = new Date((index + 1) * this.periodMs);
    const period = { index, start, end: new Date(start.getTime() + this.periodMs) };
    const document = requestDocument(this.profile, { contentId: this.contentId, keyIds, period });
    for (let attempt = 1; attempt <= 3; attempt++) {
      const answer = await exchange(this.server, this.profile, document);
      this.observe(answer, { what: `${this.contentId} period ${index}`, expected: 200 });
      if (answer.status === 200) {
        this.lastKeyIds = keyIds;
        if (this.profile.players) this.keyUrl = keyUrlIn(answer.body);
        return;
      }
      await new Promise((done) => setTimeout(done, Math.min(1_000, this.periodMs / 10)));
    }
  }
}
