import {
  ValueType,
  type Attributes,
  type Counter,
  type Gauge,
  type Histogram,
  type MetricOptions,
} from '@opentelemetry/api';

/** What a label may say: one of a few words, or a name that an operator has configured. Never a content ID, key ID or path. */
type Allowed = readonly string[] | typeof CONFIGURED;
type LabelsOf<Names extends Record<string, Allowed>> = {
  readonly [Name in keyof Names]: Names[Name] extends readonly (infer Word)[] ? Word : string;
};

export interface Described {
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly unit: string;
  readonly description: string;
  readonly labels: Record<string, Allowed>;
}

/** Bounded by configuration or contracts: a tenant, an encryptor, a subject. */
export const CONFIGURED = 'configured';
const TENANT = { tenant: CONFIGURED } as const;
const VERSION = ['1.0', '2.0', '2.1', 'none'] as const;
const OUTCOME = ['completed', 'rejected', 'failed'] as const;
const RESULT = ['ok', 'refused', 'failed'] as const;

/** Seconds, from a cache hit to a time limit. */
const DURATIONS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** An instrument that costs next to nothing until telemetry is on: then it is one of the meter's. */
abstract class Instrument<Names extends Record<string, Allowed>, Kind> implements Described {
  abstract readonly kind: Described['kind'];
  protected bound: Kind | undefined;

  constructor(
    readonly name: string,
    readonly unit: string,
    readonly description: string,
    readonly labels: Names,
  ) {}

  abstract bind(meter: Instrumenting | undefined): void;

  /** Whether what is recorded is kept: what only labels need not be made otherwise. */
  get on(): boolean {
    return this.bound !== undefined;
  }
}

/** Of OpenTelemetry's Meter, what instruments are made with. */
export interface Instrumenting {
  createCounter(name: string, options?: MetricOptions): Pick<Counter, 'add'>;
  createHistogram(name: string, options?: MetricOptions): Pick<Histogram, 'record'>;
  createGauge(name: string, options?: MetricOptions): Pick<Gauge, 'record'>;
}

export class CounterInstrument<Names extends Record<string, Allowed>> extends Instrument<Names, Pick<Counter, 'add'>> {
  readonly kind = 'counter';

  add(value: number, labels: LabelsOf<Names>): void {
    this.bound?.add(value, labels as Attributes);
  }

  bind(meter: Instrumenting | undefined): void {
    const { unit, description } = this;
    this.bound = meter?.createCounter(this.name, { unit, description, valueType: ValueType.INT });
  }
}

export class HistogramInstrument<Names extends Record<string, Allowed>> extends Instrument<
  Names,
  Pick<Histogram, 'record'>
> {
  readonly kind = 'histogram';

  /** In seconds. */
  record(value: number, labels: LabelsOf<Names>): void {
    this.bound?.record(value, labels as Attributes);
  }

  /** From a `performance.now()` until now. */
  recordSince(start: number, labels: LabelsOf<Names>): void {
    this.bound?.record((performance.now() - start) / 1_000, labels as Attributes);
  }

  bind(meter: Instrumenting | undefined): void {
    const { unit, description } = this;
    const advice = { explicitBucketBoundaries: DURATIONS };
    this.bound = meter?.createHistogram(this.name, { unit, description, valueType: ValueType.DOUBLE, advice });
  }
}

export class GaugeInstrument<Names extends Record<string, Allowed>> extends Instrument<Names, Pick<Gauge, 'record'>> {
  readonly kind = 'gauge';

  record(value: number, labels: LabelsOf<Names>): void {
    this.bound?.record(value, labels as Attributes);
  }

  bind(meter: Instrumenting | undefined): void {
    const { unit, description } = this;
    this.bound = meter?.createGauge(this.name, { unit, description });
  }
}

const counter = <const Names extends Record<string, Allowed>>(
  name: string,
  unit: string,
  description: string,
  labels: Names,
) => new CounterInstrument(`latchkey.${name}`, unit, description, labels);
const durations = <const Names extends Record<string, Allowed>>(name: string, description: string, labels: Names) =>
  new HistogramInstrument(`latchkey.${name}`, 's', description, labels);
const gauge = <const Names extends Record<string, Allowed>>(
  name: string,
  unit: string,
  description: string,
  labels: Names,
) => new GaugeInstrument(`latchkey.${name}`, unit, description, labels);

/**
 * Every metric of the project. Its labels are part of its type: another label, or another word where the words are listed, does
 * not compile. docs/metrics.md is made of this table.
 */
export const instruments = {
  exchanges: counter('exchanges', '{exchange}', 'SPEKE exchanges, by what became of them.', {
    ...TENANT,
    encryptor: CONFIGURED,
    version: VERSION,
    outcome: OUTCOME,
  }),
  exchangeSystems: counter('exchange.systems', '{system}', 'DRM systems that exchanges asked signaling of.', {
    ...TENANT,
    system: CONFIGURED,
    version: VERSION,
    outcome: OUTCOME,
  }),
  exchangeDuration: durations('exchange.duration', 'A whole SPEKE exchange, at the gateway.', {
    version: VERSION,
    outcome: OUTCOME,
  }),
  signalingCache: counter('signaling.cache', '{lookup}', "Signaling looked up in the gateway's memory.", {
    system: CONFIGURED,
    result: ['hit', 'miss'],
  }),
  hopDuration: durations('hop.duration', 'One hop of an exchange, as the gateway sees it.', {
    hop: CONFIGURED,
    outcome: RESULT,
  }),

  httpDuration: durations('http.request.duration', 'One HTTP request, whatever the door.', {
    route: CONFIGURED,
    method: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'other'],
    status: ['1xx', '2xx', '3xx', '4xx', '5xx'],
  }),

  keysIssued: counter('keys.issued', '{key}', 'Content keys made.', TENANT),
  keysReissued: counter('keys.reissued', '{key}', 'Content keys given again.', TENANT),
  keysReleased: counter('keys.released', '{key}', 'Content keys given to key-delivery.', TENANT),
  keysDelivered: counter('keys.delivered', '{key}', 'Content keys given to players.', {
    ...TENANT,
    format: ['aes-128', 'clearkey'],
  }),
  keysDenied: counter('keys.denied', '{request}', 'Requests for keys that were refused.', {
    ...TENANT,
    door: ['encryptor', 'player'],
    reason: CONFIGURED,
  }),
  keysImported: counter('keys.imported', '{key}', 'Content keys brought in.', TENANT),
  keysRevoked: counter('keys.revoked', '{key}', 'Content keys revoked.', TENANT),
  keysTampered: counter('keys.tampered', '{key}', 'Stored keys that did not unwrap. An alarm.', TENANT),

  kmsCalls: counter('kms.calls', '{call}', 'Calls to KMS.', { operation: CONFIGURED, outcome: RESULT }),
  kmsDuration: durations('kms.duration', 'One call to KMS.', { operation: CONFIGURED, outcome: RESULT }),
  dataKeyCache: counter('data_key.cache', '{lookup}', 'Data keys looked up in memory.', { result: ['hit', 'miss'] }),
  storeDuration: durations('store.duration', 'One call to a store.', {
    store: ['keys', 'ledger'],
    operation: CONFIGURED,
    outcome: RESULT,
  }),
  storeThrottles: counter('store.throttles', '{call}', 'Calls that a store refused for their number.', {
    store: ['keys', 'ledger'],
  }),
  auditFailures: counter('audit.failures', '{record}', 'Audit records that could not be written. An alarm.', {}),
  breakerState: gauge('breaker.state', '1', 'Circuit breakers: 0 closed, 1 half open, 2 open.', { part: CONFIGURED }),

  busDuration: durations('bus.request.duration', 'One request over the bus.', {
    subject: CONFIGURED,
    side: ['asker', 'answerer'],
    outcome: CONFIGURED,
  }),
  busShed: counter('bus.shed', '{request}', 'Requests refused because the service had too much to do.', {}),
  busReconnects: counter('bus.reconnects', '{reconnect}', 'Times that a connection to NATS came back.', {}),
  eventLag: gauge(
    'events.lag',
    '{message}',
    'Messages that still wait for a durable consumer of events; under load a message is up to 16 events.',
    { consumer: CONFIGURED },
  ),
  eventRedeliveries: counter('events.redeliveries', '{event}', 'Events that had to be delivered again.', {
    consumer: CONFIGURED,
  }),
  eventsUnusable: counter(
    'events.unusable',
    '{event}',
    'Events left out because their contract does not allow them.',
    {},
  ),

  rotations: counter('rotations', '{rotation}', 'Key rotations that were not on time, and those that came back.', {
    ...TENANT,
    state: ['missed', 'late', 'recovered'],
  }),
  rotationsOverdue: gauge('rotations.overdue', '{content}', 'Contents whose next key is missed now.', TENANT),
  ledgerGaps: gauge(
    'ledger.gaps',
    '{record}',
    'Audit records that their writers have numbered and the ledger does not have.',
    {},
  ),
  tenantsRefused: gauge(
    'tenants.refused',
    '{tenant}',
    'Tenants whose configuration is not right, so that it is not in force; 1 for a whole file. An alarm.',
    {},
  ),
  tenantsAge: gauge('tenants.age', 's', 'Seconds since the table of tenants could last be read; 0 while it can.', {}),
  certificateDaysLeft: gauge('certificate.days_left', 'd', 'Days until a certificate expires.', {
    ...TENANT,
    encryptor: CONFIGURED,
  }),
};

/** Called by startTelemetry; without a meter, instruments record nothing. */
export function bindInstruments(meter: Instrumenting | undefined): void {
  for (const instrument of Object.values(instruments)) instrument.bind(meter);
}

/** One value that an instrument was given in another thread. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly labels: Attributes;
}

/** For a thread whose process has its metrics in another one: what its instruments measure is told there. */
export function relayInstruments(tell: (measurement: Measurement) => void): void {
  const telling = (name: string) => (value: number, labels: Attributes) => tell({ name, value, labels });
  bindInstruments({
    createCounter: (name) => ({ add: telling(name) }) as Pick<Counter, 'add'>,
    createHistogram: (name) => ({ record: telling(name) }) as Pick<Histogram, 'record'>,
    createGauge: (name) => ({ record: telling(name) }) as Pick<Gauge, 'record'>,
  });
}

/** The other end of it. */
export function takeMeasurement({ name, value, labels }: Measurement): void {
  const instrument = BY_NAME.get(name);
  if (instrument instanceof CounterInstrument) instrument.add(value, labels as never);
  else instrument?.record(value, labels as never);
}

const BY_NAME = new Map(Object.values(instruments).map((instrument) => [instrument.name, instrument]));
