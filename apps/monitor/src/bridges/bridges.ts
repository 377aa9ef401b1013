import type { Logger } from '@latchkey/runtime';
import type { Witness } from '../event-intake';
import type { LedgerEvent } from '../ledger/ledger-record';
import type { KeptRecords } from '../store/kept-records';
import { Bridge } from './bridge';
import type { BridgeRules } from './bridges-file';
import type { Delivery } from './delivery';
import { webhookSecret, WebhookSender } from './webhook';

/** How a bridge stands, for the console. */
export interface BridgeState {
  readonly id: string;
  readonly waiting: number;
  readonly dead: number;
  readonly lastError: string | undefined;
}

/** All ways out. */
export class Bridges implements Witness {
  constructor(private readonly bridges: readonly Bridge[]) {}

  get present(): boolean {
    return this.bridges.length > 0;
  }

  async first(event: LedgerEvent): Promise<void> {
    await Promise.all(this.bridges.map((bridge) => bridge.take(event)));
  }

  get(id: string): Bridge | undefined {
    return this.bridges.find((bridge) => bridge.id === id);
  }

  states(): BridgeState[] {
    return this.bridges.map((bridge) => {
      const [waiting, dead] = [bridge.waiting(), bridge.deadLetters()];
      const failed = [...waiting, ...dead].find(({ lastError }) => lastError !== undefined);
      return { id: bridge.id, waiting: waiting.length, dead: dead.length, lastError: failed?.lastError };
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.bridges.map((bridge) => bridge.close()));
  }
}

/** Opens the bridges of the file, with what each had under way. */
export async function openBridges(
  { webhooks, eventBridge }: BridgeRules,
  store: KeptRecords<Delivery>,
  logger: Logger,
): Promise<Bridges> {
  const bridges = [
    ...webhooks.map(({ id, url, secret, ...selection }) => {
      const sender = new WebhookSender(url, webhookSecret(secret));
      return new Bridge(id, selection, sender, store, logger);
    }),
    ...eventBridge.map(({ id, bus, ...selection }) => {
      // The AWS SDK is loaded only if it is used.
      const { EventBridgeSender } = require('./event-bridge') as typeof import('./event-bridge');
      return new Bridge(id, selection, new EventBridgeSender(bus), store, logger);
    }),
  ];
  const byId = new Map(bridges.map((bridge) => [bridge.id, bridge]));
  for await (const delivery of store.load()) byId.get(delivery.bridge)?.resume(delivery);
  return new Bridges(bridges);
}
