import { busEnvironment, natsEnvironment } from '@latchkey/bus';
import { variables as keyDelivery } from '@latchkey/key-delivery';
import { variables as keyService } from '@latchkey/key-service';
import { variables as monitor } from '@latchkey/monitor';
import { processEnvironment, telemetryEnvironment } from '@latchkey/runtime';
import { variables as signalingClearkey } from '@latchkey/signaling-clearkey';
import { variables as signalingFairplay } from '@latchkey/signaling-fairplay';
import { variables as signalingPlayready } from '@latchkey/signaling-playready';
import { variables as signalingWidevine } from '@latchkey/signaling-widevine';
import { variables as spekeGateway } from '@latchkey/speke-gateway';
import { tenantsFileSchema } from '@latchkey/tenants';
import { z } from 'zod';
import { variables as standalone } from '../src/config';

interface JsonSchema {
  readonly [word: string]: unknown;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
}

/** What processes of which name read of the environment. */
const PROCESSES = [
  ['speke-gateway', spekeGateway],
  ['key-service', keyService],
  ['key-delivery', keyDelivery],
  ['monitor', monitor],
  ['signaling-clearkey', signalingClearkey],
  ['signaling-widevine, signaling-playready, signaling-fairplay', signalingWidevine],
  ['standalone, beside what its services read', standalone],
] as const;
/** All three read the same. */
export const ALIKE = [signalingWidevine, signalingPlayready, signalingFairplay];

const EVERY_PROCESS = [processEnvironment, telemetryEnvironment];
const ON_NATS = [natsEnvironment, busEnvironment];

/** docs/configuration.md: every variable and every setting, from the schemas that read them. */
export function configurationPage(): string {
  return [
    INTRODUCTION,
    '## Every process\n',
    ...variableTable([LOG_LEVEL, ...EVERY_PROCESS.flatMap(variablesOf)]),
    '## Every process on NATS\n',
    ...variableTable(ON_NATS.flatMap(variablesOf)),
    ...PROCESSES.flatMap(([name, schema]) => [`## ${name}\n`, ...variableTable(variablesOf(schema))]),
    TENANTS_FILE,
    ...tenantSections(),
  ].join('\n');
}

/** docs/tenants.schema.json: for editors, as `# yaml-language-server: $schema=…`. */
export function tenantsJsonSchema(): string {
  return `${JSON.stringify(jsonSchema(tenantsFileSchema), undefined, 2)}\n`;
}

const INTRODUCTION = `# Configuration

<!-- Made of the schemas that read it by \`npm run docs:configuration\`. -->

Processes read the environment once, when they start; what is wrong is said by name, without its value, and the process exits 78. An
empty variable is an absent one. \`npm start\` reads the variables of all services. AWS's own (\`AWS_REGION\`, credentials, \`AWS_ENDPOINT_URL…\`)
are the SDK's.
`;

const TENANTS_FILE = `## The tenants file

What it says of one tenant a row of \`TENANTS_TABLE\` says too: [tenants](tenants.md).

YAML or JSON, read again when it changes; a file that has become wrong is reported, and the last good one stays in force. A
setting that does not exist is an error. [tenants.schema.json](tenants.schema.json) tells it to editors: \`# yaml-language-server: $schema=…\` in the first line.

\`[]\` is each entry of a list, \`*\` each name of a map. **Bold** must be there.
`;

interface Row {
  readonly name: string;
  readonly meaning: string;
  readonly value: string;
  readonly required: boolean;
}

const LOG_LEVEL: Row = {
  name: 'LOG_LEVEL',
  meaning: 'trace, debug, info, warn, error, fatal or silent; no level shows secrets',
  value: '`info`; npm start: `warn`',
  required: false,
};

function variablesOf(schema: z.ZodObject): Row[] {
  const { properties = {}, required = [] } = jsonSchema(schema);
  return Object.entries(properties).map(([name, each]) => rowOf(name, each, required.includes(name)));
}

/** One row for each name: HEALTH_PORT is read in two places. */
function variableTable(rows: readonly Row[]): string[] {
  const once = [...new Map(rows.toReversed().map((row) => [row.name, row])).values()].toReversed();
  return table(once);
}

function tenantSections(): string[] {
  const tenant = jsonSchema(tenantsFileSchema).properties?.['tenants']?.items;
  const sections = Object.entries(tenant?.properties ?? {});
  return sections.flatMap(([name, schema]) => [
    `### ${name}\n`,
    `${sentence(schema.description ?? name)}\n`,
    ...table(rowsUnder(schema, '')),
  ]);
}

/** The settings below one, by path. The arms of a choice stand one after the other, each led by what chooses it. */
function rowsUnder(schema: JsonSchema, path: string): Row[] {
  if (schema.oneOf) return schema.oneOf.flatMap((arm) => armRows(arm, path));
  if (schema.type === 'array') return below(schema.items ?? {}, `${path}[]`);
  const map = schema['additionalProperties'];
  if (typeof map === 'object') return below(map as JsonSchema, join(path, '*'));
  return Object.entries(schema.properties ?? {}).flatMap(([name, each]) => [
    ...(isGroup(each) ? [] : [rowOf(join(path, name), each, schema.required?.includes(name) === true)]),
    ...rowsUnder(each, join(path, name)),
  ]);
}

function armRows(arm: JsonSchema, path: string): Row[] {
  const [choice = '', chosen] =
    Object.entries(arm.properties ?? {}).find(([, { const: only }]) => only !== undefined) ?? [];
  const { [choice]: _, ...others } = arm.properties ?? {};
  const lead = `${join(path, choice)}: ${String(chosen?.['const'])}`;
  return [
    { name: lead, meaning: arm.description?.replace(/\.$/, '') ?? '', value: '', required: false },
    ...rowsUnder({ ...arm, properties: others }, path),
  ];
}

function below(schema: JsonSchema, path: string): Row[] {
  return schema.properties || schema.oneOf || schema.type === 'array' ? rowsUnder(schema, path) : [];
}

/** It has nothing to say but its parts. */
function isGroup({ type, properties, oneOf, description }: JsonSchema): boolean {
  return (
    (type === 'object' && properties !== undefined && description === undefined) ||
    (oneOf !== undefined && !description)
  );
}

function rowOf(name: string, schema: JsonSchema, required: boolean): Row {
  return {
    name,
    meaning: [schema.description?.replace(/\.$/, ''), kindOf(schema)].filter(Boolean).join('; '),
    value: defaultOf(schema),
    required,
  };
}

/** What values are allowed, where that is short. */
function kindOf(schema: JsonSchema): string {
  const { minimum, maximum } = schema;
  const values = (schema['enum'] ?? schema.items?.['enum']) as unknown[] | undefined;
  if (values)
    return values.join(' ') === 'true false 1 0' ? '' : values.map((value) => `\`${String(value)}\``).join(' ');
  const bounded = typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER && maximum !== 65_535;
  if (bounded) return `${count((minimum as number | undefined) ?? schema['exclusiveMinimum'])} to ${count(maximum)}`;
  return '';
}

function defaultOf({ default: value }: JsonSchema): string {
  if (value === undefined || value === '' || JSON.stringify(value) === '{}' || JSON.stringify(value) === '[]')
    return '';
  const text = typeof value === 'object' ? (value as unknown[]).join(', ') : String(value);
  return `\`${text}\``;
}

function count(value: unknown): string {
  return typeof value === 'number' && value >= 10_000 && value !== 65_535 ? value.toLocaleString('en') : String(value);
}

function table(rows: readonly Row[]): string[] {
  const cells = rows.map(({ name, meaning, value, required }) =>
    [required ? `**\`${name}\`**` : `\`${name}\``, meaning, value].map((cell) => cell.replaceAll('|', '\\|')),
  );
  return [...aligned([['setting', 'what', 'default'], ...cells]), ''];
}

/** As Prettier would write it. */
function aligned([head = [], ...rows]: string[][]): string[] {
  const widths = head.map((_, at) => Math.max(3, ...[head, ...rows].map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}
