import type { z } from 'zod';
import type { EventContract } from './contract';
import { EVENTS } from './events';
import { jsonSchemaOf } from './json-schema';
import { SERVICES, type ServiceRole } from './services';

/** docs/events.md, made of the event schemas. */
export function eventsPage(): string {
  return [...PREFACE, ...Object.values(EVENTS).flatMap(section)].join('\n');
}

const PREFACE = [
  '<!-- Made of libs/messages/src/events.ts: `UPDATE_DOCS=1 npx nx test @latchkey/messages --skip-nx-cache` writes it anew. -->',
  '',
  '# Events',
  '',
  'CloudEvents 1.0 in JSON, on the JetStream stream `LATCHKEY_EVENTS` and the subject named here. Every event has',
  '`specversion`, `id` (whoever sees it twice has seen one event), `source` (`/latchkey/<service>/<instance>`), `type`, `time`,',
  '`subject` (`<tenant>/<content ID>`), `traceparent` (of the exchange) and `data`, whose fields the tables list. No field is made',
  'from key material. Events are delivered at least once; a version in the subject changes when a field changes its meaning or',
  'goes away, not when one is added.',
  '',
  'A message is one event, or several that a service stated at once: then it is a JSON array (CloudEvents JSON batch format), one',
  'event a line, of at most 16.',
  '',
];

interface Field {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly items?: Field;
  readonly properties?: Record<string, Field>;
  readonly required?: readonly string[];
}

function section(contract: EventContract & { type: string; data: z.ZodType }): string[] {
  const schema = jsonSchemaOf(contract.data) as Field;
  const rows = [['field', 'type', 'always', 'what it is'], ['---', '---', '---', '---'], ...fieldsOf(schema, '')];
  return [
    `## ${contract.subject}`,
    '',
    `Type \`${contract.type}\`, stated by ${statedBy(contract.subject)}.`,
    '',
    ...aligned(rows),
    '',
  ];
}

function fieldsOf({ properties = {}, required = [] }: Field, prefix: string): string[][] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const inner = field.properties ? field : field.items;
    const path = `${prefix}${name}${field.items ? '[]' : ''}`;
    const row = [`\`${path}\``, typeOf(field), required.includes(name) ? 'yes' : '', meaningOf(field)];
    return [row, ...(inner?.properties ? fieldsOf(inner, `${path}.`) : [])];
  });
}

function typeOf(field: Field): string {
  const one = field.items ?? field;
  const words = one.enum?.map((word) => `\`${String(word)}\``).join(' ');
  const name = words ?? (one.format === 'date-time' ? 'date-time' : String(one.type ?? 'any'));
  return field.items ? `list of ${name}` : name;
}

function meaningOf(field: Field): string {
  return field.description ?? field.items?.description ?? '';
}

function statedBy(subject: string): string {
  const services = Object.entries(SERVICES as Record<string, ServiceRole>)
    .filter(([, role]) => role.publishes.some((contract) => contract.subject === subject))
    .map(([name]) => name);
  return services.join(', ');
}

/** As the formatter of the repository wants tables. */
function aligned(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows.map((cells) => {
    const fill = cells[0] === '---' ? '-' : ' ';
    return `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, fill)).join(' | ')} |`;
  });
}
