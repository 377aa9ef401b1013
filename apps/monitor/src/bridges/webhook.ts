import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { LedgerEvent } from '../ledger/ledger-record';
import type { Sender } from './bridge';

const TIMEOUT_MS = 10_000;

/**
 * Posts each event as a CloudEvent (structured mode), signed as Standard Webhooks has it: HMAC-SHA256 over
 * `<webhook-id>.<webhook-timestamp>.<body>`. The id is the event's, so that a receiver can tell a repetition.
 */
export class WebhookSender implements Sender {
  readonly batch = 1;
  readonly gatherMs = 0;

  constructor(
    private readonly url: string,
    private readonly secret: KeyObject,
    private readonly now: () => number = Date.now,
  ) {}

  async send(events: readonly LedgerEvent[]): Promise<(string | undefined)[]> {
    return Promise.all(events.map((event) => this.post(event)));
  }

  private async post(event: LedgerEvent): Promise<string | undefined> {
    const body = JSON.stringify(event);
    const timestamp = String(Math.floor(this.now() / 1_000));
    const answer = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/cloudevents+json',
        'user-agent': 'Latchkey-Webhook',
        'webhook-id': event.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signWebhook(this.secret, event.id, timestamp, body),
      },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : `it answered ${answer.status}`;
  }
}

/** As Standard Webhooks writes secrets, `whsec_` and base64; any other text is its own bytes. */
export function webhookSecret(text: string): KeyObject {
  const bytes = text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : Buffer.from(text);
  return createSecretKey(bytes);
}

export function signWebhook(secret: KeyObject, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
