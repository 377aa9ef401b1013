import { newRecipient, readSpekeAnswer, spekeDocument } from '@latchkey/testing';
import { patiently } from './patience.mjs';

const TIMEOUT_MS = 10_000;

/** The SPEKE door from outside: writes requests as an encryptor does and reads answers with code that the server does not have. */
export class Door {
  requests = 0;
  /** What the last answer said the time was, and between which of our times it said so. */
  lastClock = undefined;
  #challenge;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {Record<string, string>} options.headers with every request
   * @param {import('./authorization.mjs').Authorization} [options.authorization]
   * @param {boolean} [options.encrypted] ask for encrypted keys unless said otherwise
   */
  static async open(options) {
    return new Door(options, await newRecipient());
  }

  constructor({ url, headers, authorization, encrypted = false }, recipient) {
    this.url = new URL(url);
    this.headers = headers;
    this.authorization = authorization;
    this.encrypted = encrypted;
    this.recipient = recipient;
  }

  /** Asks for a document's keys; `encrypted`: for our certificate. */
  ask(wish, { encrypted = this.encrypted } = {}) {
    const certificates = encrypted ? [this.recipient.certificate] : (wish.certificates ?? []);
    return this.post(spekeDocument({ ...wish, certificates }), wish.version === '1.0' ? undefined : wish.version);
  }

  /** Sends a document as it is. `anonymous`: without what shows who we are. */
  async post(body, version, { anonymous = false } = {}) {
    const headers = { 'content-type': 'application/xml', ...(version && { 'x-speke-version': version }) };
    const answer = await patiently(() => this.#send(body, headers, anonymous));
    const challenge = answer.headers.get('www-authenticate');
    if (answer.status !== 401 || anonymous || !challenge || challenge === this.#challenge) return answer;
    this.#challenge = challenge;
    return patiently(() => this.#send(body, headers, anonymous));
  }

  async #send(body, headers, anonymous) {
    this.requests++;
    const { url } = this;
    const shown = anonymous
      ? {}
      : { ...this.headers, ...(await this.authorization?.({ url, body, headers, challenge: this.#challenge })) };
    const from = performance.now();
    const before = Date.now();
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, ...shown },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await answer.text();
    const ms = performance.now() - from;
    this.lastClock = { theirs: answer.headers.get('date'), before, after: Date.now() };
    return {
      status: answer.status,
      headers: answer.headers,
      body: text,
      ms,
      /** Throws Error when it is not a document that an encryptor could use. */
      document: () => readSpekeAnswer(text, this.recipient),
    };
  }
}
