import type { JsMsg, Msg } from 'nats';
import { fromNats } from './nats-headers';
import type { BusHeaders, BusMessage } from './transport';

/** A message that came, read as far as somebody asks for it. */
export class Received implements BusMessage {
  constructor(private readonly message: Msg | JsMsg) {}

  get subject(): string {
    return this.message.subject;
  }

  get body(): string {
    return this.message.string();
  }

  get headers(): BusHeaders {
    return fromNats(this.message.headers);
  }
}
