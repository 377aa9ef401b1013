import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { instruments, startTelemetry } from '@latchkey/runtime';
import { parse } from 'yaml';
import { describeWith } from './describe-with';

const DEPLOY = join(__dirname, '..', '..', '..', 'deploy');
const read = (...path: string[]) => readFileSync(join(DEPLOY, ...path), 'utf8');
const table = Object.values(instruments);

/** What Prometheus is given: the names, and each one's labels, of one sample of every instrument. */
async function exposed(): Promise<Map<string, Set<string>>> {
  const telemetry = await startTelemetry('monitor', 'test', { METRICS: 'prometheus', HEALTH_PORT: '0' });
  for (const instrument of table) {
    const labels = Object.fromEntries(Object.keys(instrument.labels).map((name) => [name, 'some']));
    const record = (('add' in instrument ? instrument.add : instrument.record) as Function).bind(instrument);
    record(1, labels);
  }
  const text = (await telemetry.exposition?.()) ?? '';
  await telemetry.close();
  const found = new Map<string, Set<string>>();
  for (const [, name = '', labels = ''] of text.matchAll(/^(latchkey_\w+)\{(.*)\} \S+$/gm)) {
    found.set(name, new Set([...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)));
  }
  return found;
}

/** Every metric of a PromQL text with the labels that it is picked by. */
function pickedIn(text: string): { name: string; labels: string[] }[] {
  return [...text.matchAll(/\b(latchkey_\w+)(\{[^}]*\})?/g)].map(([, name = '', selector = '']) => ({
    name,
    labels: [...selector.matchAll(/(\w+)\s*(?:=~|!=|!~|=)\s*"/g)].map(([, label = '']) => label),
  }));
}

/** `by (…)` after an aggregation, with the metrics of the same expression. */
function groupings(expression: string): string[] {
  return [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/,\s*/));
}

describe('dashboards and alarms', () => {
  it.each([
    ['Prometheus rules', () => ruleExpressions()],
    ['Grafana dashboard', () => grafanaExpressions()],
  ])('%s name only metrics and labels that there are', async (_, expressions) => {
    const metrics = await exposed();
    const found = expressions();
    expect(found.length).toBeGreaterThan(15);
    for (const expression of found) {
      const picked = pickedIn(expression);
      for (const { name, labels } of picked) {
        expect([expression, metrics.has(name)]).toEqual([expression, true]);
        for (const label of labels)
          expect([expression, label, metrics.get(name)?.has(label)]).toEqual([expression, label, true]);
      }
      const known = new Set(picked.flatMap(({ name }) => [...(metrics.get(name) ?? [])]));
      if (picked.length > 0)
        for (const label of groupings(expression)) expect([expression, known.has(label)]).toEqual([expression, true]);
    }
  });

  it('CloudWatch dashboard and alarms name only metrics and dimensions that there are', () => {
    const dashboard = read('cloudwatch', 'dashboard.json').replaceAll('\\"', '"');
    const alarms = read('cloudwatch', 'alarms.json').replaceAll('\\"', '"');
    const searched = [...dashboard.matchAll(/\{Latchkey,([\w,]+)\} MetricName="([\w.]+)"/g)];
    const selected = [...alarms.matchAll(/\("(latchkey[\w.]+)"\) FROM SCHEMA\("Latchkey", ([\w, ]+)\)/g)];
    const uses = [
      ...searched.map(([, dimensions = '', name = '']) => ({ name, dimensions: dimensions.split(',') })),
      ...selected.map(([, name = '', dimensions = '']) => ({ name, dimensions: dimensions.split(', ') })),
    ];
    expect(searched.length).toBeGreaterThan(15);
    expect(selected.length).toBeGreaterThan(12);
    for (const { name, dimensions } of uses) {
      const instrument = table.find((one) => one.name === name);
      expect([name, dimensions.sort()]).toEqual([name, ['service', ...Object.keys(instrument?.labels ?? {})].sort()]);
    }
    const named = [...alarms.matchAll(/"metricName": "([\w.]+)"/g)].map(([, name]) => name);
    for (const name of named) expect(table.map((one) => one.name)).toContain(name);
  });

  it('CloudWatch alarms cover missed rotations, errors, slowness, KMS throttles and a stopped audit', () => {
    const names = (JSON.parse(read('cloudwatch', 'alarms.json')) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['RotationMissed', 'ErrorRate', 'ExchangesSlow', 'KmsFailing', 'AuditStopped']),
    );
  });

  it('Grafana panels have ids of their own and do not overlap', () => {
    const { panels } = JSON.parse(read('grafana', 'dashboards', 'latchkey.json')) as { panels: Panel[] };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

const promtool =
  spawnSync('promtool', ['--version']).status === 0 ? undefined : 'promtool is not here (apt-get install prometheus)';
describeWith(promtool)('Prometheus rules', () => {
  it.each([
    ['are right', ['check', 'rules', 'rules.yml']],
    ['raise what they should when they should', ['test', 'rules', 'rules.test.yml']],
  ])('%s', (_, args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, {
      cwd: join(DEPLOY, 'prometheus'),
      encoding: 'utf8',
    });
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  });
});

interface Panel {
  readonly id: number;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

function ruleExpressions(): string[] {
  const { groups } = parse(read('prometheus', 'rules.yml')) as { groups: { rules: { expr: string }[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

function grafanaExpressions(): string[] {
  const { panels, annotations } = JSON.parse(read('grafana', 'dashboards', 'latchkey.json')) as {
    panels: Panel[];
    annotations: { list: { expr: string }[] };
  };
  return [...panels.flatMap(({ targets = [] }) => targets), ...annotations.list].map(({ expr }) => expr);
}
