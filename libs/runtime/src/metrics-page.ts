import { CONFIGURED, instruments, type Described } from './instruments';

/** docs/metrics.md, made of the table of instruments. */
export function metricsPage(): string {
  const rows = [HEAD, HEAD.map(() => '---'), ...Object.values(instruments).map((instrument) => row(instrument))];
  return [...PREFACE, ...aligned(rows), ''].join('\n');
}

const PREFACE = [
  '<!-- Made of libs/runtime/src/instruments.ts: `UPDATE_DOCS=1 npx nx test @latchkey/runtime --skip-nx-cache` writes it anew. -->',
  '',
  '# Metrics',
  '',
  'METRICS says how they go out: `otlp` to the collector at OTEL_EXPORTER_OTLP_ENDPOINT, `prometheus` on `/metrics` of',
  'HEALTH_PORT (never on a port that faces the outside), `emf` as CloudWatch embedded metric format on standard output.',
  'Prometheus writes `_` for `.` and adds `_total` to counters. A label says one of the words listed here, or a name that is',
  'bounded by configuration: never a content ID, a key ID or a path. HTTP adds `http.server.request.duration`, Node.js its',
  '`nodejs.*` and `v8js.*` (not with `emf`: CloudWatch is paid by the metric).',
  '',
];

const HEAD = ['metric', 'kind', 'unit', 'labels', 'what it says'];

function row({ name, kind, unit, labels, description }: Described): string[] {
  const words = Object.entries(labels).map(([label, allowed]) =>
    allowed === CONFIGURED ? `\`${label}\`` : `\`${label}\`: ${(allowed as readonly string[]).join(', ')}`,
  );
  return [`\`${name}\``, kind, unit, words.join('; '), description];
}

/** As the formatter of the repository wants tables. */
function aligned(rows: string[][]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => (cells[column] as string).length)));
  return rows.map((cells) => {
    const fill = cells[0] === '---' ? '-' : ' ';
    return `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number, fill)).join(' | ')} |`;
  });
}
