import { Badge, Button, Code, Group, Stack, Table, Text, TextInput, Timeline } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { EventSummary } from '../../../src/live/event-summary';
import type { ExchangeReport } from '../../../src/lookup/exchange-report';
import { withQuery } from '../api';
import type { Live } from '../live';
import { Answer, ContentLink, Copyable, Facts, KeyLink, KindBadge, Panel, systemName, Time } from '../parts';
import { EventsTable } from '../events-table';
import { useApi } from '../session';
import { TraceLink } from './keys-page';

export function ExchangesPage({ live }: { readonly live: Live }) {
  const search = new URLSearchParams(useSearch());
  const [id, contentId] = [search.get('id'), search.get('content')];
  if (id) return <Exchange exchangeId={id} />;
  const recent = live.latest.filter(({ kind }) => kind.startsWith('exchange.'));
  return (
    <Stack>
      <SearchForm contentId={contentId ?? ''} />
      {contentId ? <OfContent contentId={contentId} /> : <EventsTable events={recent} />}
    </Stack>
  );
}

function SearchForm({ contentId }: { readonly contentId: string }) {
  const [, go] = useLocation();
  const [text, setText] = useState(contentId);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    go(withQuery('/exchanges', { content: text.trim() }));
  };
  return (
    <form onSubmit={submit} role="search">
      <Group align="end">
        <TextInput
          label="Content ID"
          placeholder="all"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" variant="default">
          Show
        </Button>
      </Group>
    </form>
  );
}

function OfContent({ contentId }: { readonly contentId: string }) {
  const query = useApi<{ events: EventSummary[] }>(withQuery('/v1/exchanges', { contentId, limit: '200' }), 10_000);
  return <Answer query={query}>{({ events }) => <EventsTable events={events} />}</Answer>;
}

const OUTCOME_COLORS = { completed: 'teal', rejected: 'yellow', failed: 'red' } as const;

function Exchange({ exchangeId }: { readonly exchangeId: string }) {
  const query = useApi<ExchangeReport>(`/v1/exchanges/${encodeURIComponent(exchangeId)}`);
  return (
    <Answer query={query}>
      {(report) => (
        <Stack>
          <Panel title="Exchange">
            <Group mb="sm">
              {report.outcome && <Badge color={OUTCOME_COLORS[report.outcome]}>{report.outcome}</Badge>}
              <Copyable value={report.exchangeId} />
            </Group>
            <Facts rows={factsOf(report)} />
          </Panel>
          <Panel title="Its hops">
            <Hops report={report} />
          </Panel>
          <Panel title="What was stated about it">
            <Statements report={report} />
          </Panel>
        </Stack>
      )}
    </Answer>
  );
}

function factsOf(report: ExchangeReport) {
  const { requester, contentId } = report;
  return [
    ['Content', contentId !== undefined && <ContentLink tenant={report.tenant} contentId={contentId} />],
    ['Tenant', report.tenant],
    ['Status', report.status],
    ['Code', report.code],
    ['What is wrong', report.meaning?.cause],
    ['What helps', report.meaning?.fix],
    ['Took', report.durationMs !== undefined && `${report.durationMs.toFixed(1)} ms`],
    ['Encryptor', requester.encryptorId],
    ['User agent', requester.userAgent],
    ['Address', requester.address],
    ['Trace', report.traceId && <TraceLink traceId={report.traceId} />],
  ] as const;
}

interface PlacedHop {
  readonly name: string;
  readonly ms: number;
  readonly startMs: number;
}

/** Where no start was stated: keys are asked for first, then every DRM system at once. */
function placeHops({ hops }: ExchangeReport): PlacedHop[] {
  const first = hops.filter(({ name }) => !name.startsWith('signaling')).reduce((sum, { ms }) => sum + ms, 0);
  return hops.map((hop) => ({
    ...hop,
    startMs: hop.startMs ?? (hop.name.startsWith('signaling') ? first : 0),
  }));
}

function Hops({ report }: { readonly report: ExchangeReport }) {
  const hops = placeHops(report);
  if (hops.length === 0) return <Text c="dimmed">It was answered at the door: no other service was asked.</Text>;
  const whole = Math.max(report.durationMs ?? 0, ...hops.map(({ startMs, ms }) => startMs + ms));
  const rows: PlacedHop[] = [{ name: 'the whole exchange', startMs: 0, ms: report.durationMs ?? whole }, ...hops];
  return (
    <Table verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w="20rem">Hop</Table.Th>
          <Table.Th>0 to {whole.toFixed(1)} ms</Table.Th>
          <Table.Th ta="right" w="6rem">
            Took
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((hop, at) => (
          <Table.Tr key={`${hop.name} ${at}`} data-hop={hop.name}>
            <Table.Th scope="row" fw={400}>
              {hopName(hop.name)}
            </Table.Th>
            <Table.Td>
              <div className="hop-track" aria-hidden="true">
                <div
                  className="hop-bar"
                  style={{ left: `${(hop.startMs / whole) * 100}%`, width: `${(hop.ms / whole) * 100}%` }}
                />
              </div>
            </Table.Td>
            <Table.Td ta="right">{hop.ms.toFixed(1)} ms</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** `signaling.v1.edef8ba9-…` → with the system's name. */
function hopName(name: string): string {
  const systemId = /^signaling\.v1\.(.+)$/.exec(name)?.[1];
  return systemId ? `signaling: ${systemName(systemId)}` : name;
}

function Statements({ report }: { readonly report: ExchangeReport }) {
  return (
    <Timeline active={report.events.length} bulletSize={14} lineWidth={2}>
      {report.events.map((event) => (
        <Timeline.Item key={event.id} title={<KindBadge kind={event.kind} />}>
          <Text size="sm" c="dimmed">
            <Time at={event.time} /> by <span className="mono">{event.source}</span>
          </Text>
          <Keys data={event.data} />
          <details>
            <summary>All of it</summary>
            <Code block>{JSON.stringify(event.data, null, 2)}</Code>
          </details>
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

function Keys({ data }: { readonly data: Readonly<Record<string, unknown>> }) {
  const keys = (data['keys'] ?? []) as { keyId: string; intendedTrackType?: string; period?: { index?: number } }[];
  return (
    <>
      {keys.map(({ keyId, intendedTrackType, period }) => (
        <Text size="sm" key={keyId}>
          <KeyLink keyId={keyId} /> {intendedTrackType} {period?.index !== undefined && `period ${period.index}`}
        </Text>
      ))}
    </>
  );
}
