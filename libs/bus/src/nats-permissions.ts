import { SERVICES, type ServiceRole } from '@latchkey/messages';
import { EVENT_STREAM } from './event-stream';

/**
 * deploy/nats/permissions.conf: one nkey user for each service, with the subjects that its role in libs/messages names and no
 * others. Its public key comes from the environment of nats-server.
 */
export function natsPermissions(services: Readonly<Record<string, ServiceRole>> = SERVICES): string {
  const durables = Object.values(services).flatMap(durablesOf);
  const users = Object.entries(services).map(([name, role]) => user(name, role, durables));
  return [
    '# Made of libs/messages/src/services.ts: `UPDATE_DOCS=1 npx nx test @latchkey/bus --skip-nx-cache` writes it anew.',
    'authorization {',
    '  users = [',
    ...users,
    '  ]',
    '}',
    '',
  ].join('\n');
}

/** The variable that holds a service's public nkey. */
export function nkeyVariable(service: string): string {
  return `NATS_NKEY_${service.toUpperCase().replaceAll('-', '_')}`;
}

function user(name: string, role: ServiceRole, durables: readonly string[]): string {
  const others = durables.filter((durable) => !durablesOf(role).includes(durable));
  return [
    `    { # ${name}`,
    `      nkey: $${nkeyVariable(name)}`,
    '      permissions: {',
    `        publish: ${rules(mayPublish(role), role.hears.length > 0 ? others.flatMap(consumerOf) : [])}`,
    `        subscribe: ${rules(maySubscribe(name, role))}`,
    // One answer to each request that came, while its asker may still wait.
    ...(role.answers.length > 0 ? ['        allow_responses: { max: 1, expires: "10s" }'] : []),
    '      }',
    '    }',
  ].join('\n');
}

function mayPublish(role: ServiceRole): string[] {
  const events = role.publishes.length > 0 || role.hears.length > 0;
  return [
    ...role.asks.map(({ subject }) => subject),
    ...role.publishes.map(({ subject }) => subject),
    ...(events ? ['INFO', 'CREATE'].map((what) => `$JS.API.STREAM.${what}.${EVENT_STREAM}`) : []),
    ...role.hears.flatMap(hearing),
  ];
}

/** A consumer is made for the subject it may hear; the subject is part of the one under which JetStream makes it. */
function hearing({ subject, durable = '*' }: ServiceRole['hears'][number]): string[] {
  return [
    `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.${durable}.${subject}`,
    ...consumerOf(durable),
    `$JS.API.CONSUMER.INFO.${EVENT_STREAM}.${durable}`,
  ];
}

/** What a consumer's events can be taken by. */
function consumerOf(name: string): string[] {
  return [`$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.${name}`, `$JS.ACK.${EVENT_STREAM}.${name}.>`];
}

function maySubscribe(name: string, role: ServiceRole): string[] {
  // As a member of the service's queue group only: nobody listens beside.
  return [`_INBOX.${name}.>`, ...role.answers.map(({ subject }) => `${subject} ${name}`)];
}

function rules(allow: readonly string[], deny: readonly string[] = []): string {
  const list = (subjects: readonly string[]) =>
    subjects.length > 0
      ? `[\n${[...new Set(subjects)].map((each) => `          "${each}"`).join('\n')}\n        ]`
      : '[]';
  // An empty list would allow everything.
  if (allow.length === 0) return `{ deny: [">"] }`;
  return deny.length > 0 ? `{ allow: ${list(allow)}, deny: ${list(deny)} }` : `{ allow: ${list(allow)} }`;
}

function durablesOf({ hears }: ServiceRole): string[] {
  return hears.flatMap(({ durable }) => durable ?? []);
}
