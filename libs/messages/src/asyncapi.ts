import { SYSTEM_IDS } from '@latchkey/cenc';
import type { EventContract, RequestContract } from './contract';
import { EVENTS } from './events';
import { FAULTS } from './fault';
import { jsonSchemaOf } from './json-schema';
import * as keys from './keys';
import { SERVICES, type ServiceRole } from './services';
import { signalingFor } from './signaling';

type Json = Record<string, unknown>;

/** What crosses the bus, as an AsyncAPI 3.0 document: for who adds a DRM system, or listens, in any language. */
export function asyncApi(version: string): Json {
  const requests = [...REQUESTS, SIGNALING];
  const events = Object.values(EVENTS);
  return {
    asyncapi: '3.0.0',
    info: { title: 'Latchkey bus', version, description: ABOUT, license: { name: 'Apache-2.0' } },
    defaultContentType: 'application/json',
    servers: { nats: { host: 'nats:4222', protocol: 'nats', description: 'NATS with JetStream' } },
    channels: Object.fromEntries([...requests.flatMap(requestChannels), ...events.map(eventChannel)]),
    operations: Object.fromEntries([...requests.map(requestOperation), ...events.map(eventOperation)]),
    components: {
      messages: Object.fromEntries([...requests.flatMap(requestMessages), ...events.flatMap(eventMessages)]),
    },
  };
}

const ABOUT = [
  'Plain JSON bodies without an envelope. A request is shared by a queue group under the name of the service that answers',
  'it; its answer goes to the reply subject. A fault has an empty body and the headers Nats-Service-Error-Code and',
  'Nats-Service-Error. Events are kept by the JetStream stream LATCHKEY_EVENTS; those that a service states at once may be one',
  'message, a batch.',
].join(' ');

/** Every subject of one DRM system is alike. */
const SIGNALING = { ...signalingFor(SYSTEM_IDS.widevine), subject: 'signaling.v1.{systemId}' };
const REQUESTS = Object.values(keys as Record<string, unknown>).filter(isRequest);

function isRequest(exported: unknown): exported is RequestContract {
  return typeof exported === 'object' && exported !== null && 'subject' in exported && 'reply' in exported;
}

function requestChannels({ subject }: RequestContract): [string, Json][] {
  const name = nameOf(subject);
  return [
    [
      name,
      {
        address: subject,
        ...(subject === SIGNALING.subject && { parameters: { systemId: SYSTEM_PARAMETER } }),
        messages: { request: reference('components/messages', `${name}.request`) },
      },
    ],
    [
      `${name}.reply`,
      {
        address: null,
        description: 'The reply subject of the request.',
        messages: {
          reply: reference('components/messages', `${name}.reply`),
          fault: reference('components/messages', 'fault'),
        },
      },
    ],
  ];
}

const SYSTEM_PARAMETER = {
  description: 'The system ID that the service answers for, lower case.',
  examples: Object.values(SYSTEM_IDS),
};

function requestOperation({ subject, timeoutMs }: RequestContract): [string, Json] {
  const name = nameOf(subject);
  const answered = rolesWith((role) => role.answers, subject);
  return [
    name,
    {
      action: 'receive',
      summary: `Answered by ${answered.join(', ')}; asked by ${rolesWith((role) => role.asks, subject).join(', ')}.`,
      description: `An asker waits at most ${timeoutMs} ms.`,
      channel: reference('channels', name),
      reply: {
        address: { location: '$message.header#/reply' },
        channel: reference('channels', `${name}.reply`),
      },
    },
  ];
}

function requestMessages({ subject, request, reply }: RequestContract): [string, Json][] {
  const name = nameOf(subject);
  return [
    [`${name}.request`, { headers: REQUEST_HEADERS, payload: jsonSchemaOf(request) }],
    [`${name}.reply`, { payload: jsonSchemaOf(reply) }],
    ['fault', FAULT_MESSAGE],
  ];
}

const REQUEST_HEADERS = {
  type: 'object',
  properties: {
    'Latchkey-Deadline-Ms': {
      type: 'string',
      description: 'milliseconds that the asker still waits; absent: as long as its contract says',
    },
    traceparent: { type: 'string', description: 'W3C trace context' },
  },
};
const FAULT_MESSAGE = {
  summary: 'Anything that is not one of these codes arrives as INTERNAL, without its detail.',
  headers: {
    type: 'object',
    required: ['Nats-Service-Error-Code'],
    properties: {
      'Nats-Service-Error-Code': { type: 'string', enum: Object.keys(FAULTS) },
      'Nats-Service-Error': { type: 'string', description: 'one line' },
    },
  },
  payload: { type: 'string', maxLength: 0 },
};

function eventChannel({ subject }: EventContract): [string, Json] {
  const name = nameOf(subject);
  const messages = {
    event: reference('components/messages', name),
    batch: reference('components/messages', `${name}.batch`),
  };
  return [name, { address: subject, messages }];
}

function eventOperation({ subject }: EventContract): [string, Json] {
  const name = nameOf(subject);
  const stated = rolesWith((role) => role.publishes, subject);
  return [name, { action: 'send', summary: `Stated by ${stated.join(', ')}.`, channel: reference('channels', name) }];
}

function eventMessages({ subject, payload }: EventContract): [string, Json][] {
  const name = nameOf(subject);
  return [
    [name, { headers: messageId('the id of the event'), payload: jsonSchemaOf(payload) }],
    [
      `${name}.batch`,
      {
        summary: 'CloudEvents JSON batch format, one event a line.',
        headers: messageId('a digest of the ids of the events'),
        payload: { type: 'array', items: reference('components/messages', `${name}/payload`) },
      },
    ],
  ];
}

function messageId(description: string): Json {
  return { type: 'object', properties: { 'Nats-Msg-Id': { type: 'string', description } } };
}

function rolesWith(of: (role: ServiceRole) => readonly { subject: string }[], subject: string): string[] {
  return Object.entries(SERVICES as Record<string, ServiceRole>)
    .filter(([, role]) => of(role).some((contract) => covers(contract.subject, subject)))
    .map(([service]) => service);
}

/** `signaling.v1.*`, and each system's own, stand for the one with the parameter. */
function covers(named: string, subject: string): boolean {
  return subject === SIGNALING.subject ? named.startsWith('signaling.v1.') : named === subject;
}

function nameOf(subject: string): string {
  return subject.replace('.{systemId}', '');
}

function reference(where: string, name: string): Json {
  return { $ref: `#/${where}/${name}` };
}
