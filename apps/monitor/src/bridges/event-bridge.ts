import {
  EventBridgeClient,
  PutEventsCommand,
  type EventBridgeClientConfig,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import type { LedgerEvent } from '../ledger/ledger-record';
import type { Sender } from './bridge';

/** As rules match it; the CloudEvent itself is the detail. */
const SOURCE = 'io.latchkey';
/** PutEvents takes 256 KB in one call, the names around the detail counted in. */
const MOST_BYTES = 250_000;
const LIMITS: EventBridgeClientConfig = {
  maxAttempts: 2,
  requestHandler: { requestTimeout: 5_000, connectionTimeout: 2_000, throwOnRequestTimeout: true },
};

/** Puts events on an EventBridge bus, ten in one call. */
export class EventBridgeSender implements Sender {
  readonly batch = 10;
  readonly gatherMs = 200;

  constructor(
    private readonly busName: string,
    private readonly client = new EventBridgeClient(LIMITS),
  ) {}

  async send(events: readonly LedgerEvent[]): Promise<(string | undefined)[]> {
    const outcomes: (string | undefined)[] = [];
    for (const entries of withinSize(events.map((event) => this.entry(event))))
      outcomes.push(...(await this.put(entries)));
    return outcomes;
  }

  private async put(Entries: PutEventsRequestEntry[]): Promise<(string | undefined)[]> {
    const { Entries: results = [] } = await this.client.send(new PutEventsCommand({ Entries }));
    return Entries.map((_, at) => results[at]?.ErrorCode);
  }

  private entry(event: LedgerEvent): PutEventsRequestEntry {
    const time = new Date(event.time);
    return {
      EventBusName: this.busName,
      Source: SOURCE,
      DetailType: event.type,
      Detail: JSON.stringify(event),
      ...(Number.isNaN(time.getTime()) ? {} : { Time: time }),
    };
  }
}

function withinSize(entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const groups: PutEventsRequestEntry[][] = [];
  let [group, bytes]: [PutEventsRequestEntry[], number] = [[], 0];
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.Detail ?? '') + 200;
    if (group.length > 0 && bytes + size > MOST_BYTES) {
      groups.push(group);
      [group, bytes] = [[], 0];
    }
    group.push(entry);
    bytes += size;
  }
  return group.length > 0 ? [...groups, group] : groups;
}
