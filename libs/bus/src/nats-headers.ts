import { headers as natsHeaders, type MsgHdrs } from 'nats';
import type { BusHeaders } from './transport';

/** Undefined for none: a message without headers is cheaper to write, to route and to read than one with an empty set of them. */
export function toNats(headers: BusHeaders): MsgHdrs | undefined {
  let result: MsgHdrs | undefined;
  for (const name in headers) (result ??= natsHeaders()).append(name, headers[name] as string);
  return result;
}

export function fromNats(headers: MsgHdrs | undefined): BusHeaders {
  if (!headers) return NONE;
  const result: Record<string, string> = {};
  for (const [name, values] of headers) result[name] = values[0] as string;
  return result;
}

const NONE: BusHeaders = Object.freeze({});
