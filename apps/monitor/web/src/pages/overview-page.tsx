import { AreaChart, BarChart, DonutChart, LineChart } from '@mantine/charts';
import { Alert, Card, Group, Loader, Progress, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { OverviewNumbers } from '../../../src/overview/overview';
import type { Live } from '../live';
import { EventsTable } from '../events-table';
import { Panel } from '../parts';

export function OverviewPage({ live }: { readonly live: Live }) {
  const { overview, rotation } = live;
  if (!overview) return <Loader aria-label="Loading" />;
  const missed = rotation?.rows.filter(({ state }) => state === 'missed').length ?? 0;
  const { lastHour } = overview;
  return (
    <Stack>
      {lastHour.tampered > 0 && (
        <Alert color="red" role="alert" title="A stored key does not unwrap">
          {lastHour.tampered} in the last hour: a row was altered, moved or rolled back. No key was given for it.
        </Alert>
      )}
      <SimpleGrid cols={{ base: 2, md: 5 }}>
        <Figure name="Exchanges a minute" value={perMinute(overview, ['completed', 'rejected', 'failed'])} />
        <Figure name="Keys a minute" value={perMinute(overview, ['keysIssued', 'keysReissued'])} />
        <Figure name="p50 / p99 in ms, last hour" value={`${lastHour.p50 ?? '–'} / ${lastHour.p99 ?? '–'}`} />
        <Figure name="Rotations missed" value={missed} alarm={missed > 0} />
        <Budget overview={overview} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Panel title="Exchanges by outcome, a minute">
          <Minutes overview={overview}>
            {(data) => <BarChart h={220} data={data} dataKey="time" type="stacked" series={OUTCOMES} {...CHART} />}
          </Minutes>
        </Panel>
        <Panel title="Keys, a minute">
          <Minutes overview={overview}>
            {(data) => (
              <AreaChart
                h={220}
                data={data}
                dataKey="time"
                series={KEYS}
                curveType="step"
                withDots={false}
                {...CHART}
              />
            )}
          </Minutes>
        </Panel>
        <Panel title="Time of an exchange, milliseconds">
          <Minutes overview={overview}>
            {(data) => (
              <LineChart
                h={220}
                data={data}
                dataKey="time"
                series={LATENCIES}
                connectNulls
                dotProps={{ r: 2 }}
                {...CHART}
              />
            )}
          </Minutes>
        </Panel>
        <Panel title="The last hour">
          <LastHour overview={overview} />
        </Panel>
      </SimpleGrid>
      <Panel title="Latest">
        <EventsTable events={live.latest.slice(0, 15)} />
      </Panel>
    </Stack>
  );
}

const CHART = { withLegend: true, tickLine: 'none', gridAxis: 'x', strokeWidth: 2 } as const;
const OUTCOMES = [
  { name: 'completed', label: 'Completed', color: 'teal.6' },
  { name: 'rejected', label: 'Rejected', color: 'yellow.6' },
  { name: 'failed', label: 'Failed', color: 'red.6' },
];
const KEYS = [
  { name: 'keysIssued', label: 'New', color: 'indigo.6' },
  { name: 'keysReissued', label: 'Known', color: 'cyan.6' },
  { name: 'delivered', label: 'Delivered to players', color: 'grape.6' },
];
const LATENCIES = [
  { name: 'p50', label: 'p50', color: 'indigo.6' },
  { name: 'p99', label: 'p99', color: 'orange.6' },
];

type MinuteRow = Record<string, string | number | undefined>;

function Minutes({
  overview,
  children,
}: {
  readonly overview: OverviewNumbers;
  readonly children: (data: MinuteRow[]) => ReactNode;
}) {
  const data = overview.minutes.map(({ minute, ...figures }) => ({
    time: new Date(minute).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
    ...figures,
  }));
  return <div aria-hidden="true">{children(data)}</div>;
}

/** Of the last sixty seconds, about: this minute so far, and of the one before as much as is missing. */
function perMinute(
  { now, minutes }: OverviewNumbers,
  names: readonly ('completed' | 'rejected' | 'failed' | 'keysIssued' | 'keysReissued')[],
): number {
  const elapsed = (Date.parse(now) % 60_000) / 60_000;
  const count = (at: number) => names.reduce((sum, name) => sum + (minutes.at(at)?.[name] ?? 0), 0);
  return Math.round(count(-1) + count(-2) * (1 - elapsed));
}

function Figure({
  name,
  value,
  alarm = false,
}: {
  readonly name: string;
  readonly value: ReactNode;
  readonly alarm?: boolean;
}) {
  return (
    <Card withBorder padding="sm" bg={alarm ? 'var(--mantine-color-red-light)' : undefined}>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fz={24} fw={700} c={alarm ? 'red' : undefined}>
        {value}
      </Text>
    </Card>
  );
}

function Budget({ overview: { errorBudget } }: { readonly overview: OverviewNumbers }) {
  const left = Math.max(0, Math.round(errorBudget.left * 100));
  const color = left > 50 ? 'teal' : left > 10 ? 'yellow' : 'red';
  return (
    <Card withBorder padding="sm">
      <Text size="sm" c="dimmed">
        Error budget left, 24 h
      </Text>
      <Text fz={24} fw={700} c={left === 0 ? 'red' : undefined}>
        {left} %
      </Text>
      <Progress value={left} color={color} mt={4} aria-label={`${left} % of the error budget is left`} />
      <Text size="xs" c="dimmed" mt={4}>
        {errorBudget.failed} of {errorBudget.exchanges} failed; {((1 - errorBudget.target) * 100).toPrecision(2)} % may
      </Text>
    </Card>
  );
}

function LastHour({ overview: { lastHour, codes } }: { readonly overview: OverviewNumbers }) {
  const mix = OUTCOMES.map(({ name, label, color }) => ({
    name: label,
    value: lastHour[name as 'completed' | 'rejected' | 'failed'],
    color,
  }));
  const total = mix.reduce((sum, { value }) => sum + value, 0);
  return (
    <Group align="flex-start" wrap="wrap">
      <div aria-hidden="true">
        <DonutChart
          data={total > 0 ? mix : [{ name: 'none', value: 1, color: 'gray.4' }]}
          size={120}
          thickness={20}
          withTooltip={total > 0}
          chartLabel={total}
        />
      </div>
      <Table w="auto" verticalSpacing={3}>
        <Table.Caption>Outcomes and faults</Table.Caption>
        <Table.Tbody>
          {mix.map(({ name, value }) => (
            <Row key={name} name={name} value={value} />
          ))}
          <Row name="New keys" value={lastHour.keysIssued} />
          <Row name="Known keys" value={lastHour.keysReissued} />
          <Row name="Delivered to players" value={lastHour.delivered} />
          <Row name="Denied to players" value={lastHour.denied} />
        </Table.Tbody>
      </Table>
      {codes.length > 0 && (
        <Table w="auto" verticalSpacing={3}>
          <Table.Caption>What was wrong</Table.Caption>
          <Table.Tbody>
            {codes.map(({ code, count }) => (
              <Row key={code} name={<span className="mono">{code}</span>} value={count} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Group>
  );
}

function Row({ name, value }: { readonly name: ReactNode; readonly value: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {name}
      </Table.Th>
      <Table.Td ta="right">{value}</Table.Td>
    </Table.Tr>
  );
}
