import { Anchor, Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { KeyReport } from '../../../src/lookup/key-report';
import { withQuery } from '../api';
import { Answer, ContentLink, Copyable, ExchangeLink, Facts, Panel, systemName, Time } from '../parts';
import { EventsTable } from '../events-table';
import { useApi, useSession } from '../session';

export function KeysPage() {
  const asked = new URLSearchParams(useSearch()).get('kid') ?? '';
  return (
    <Stack>
      <SearchForm key={asked} asked={asked} />
      {asked !== '' && <Reports keyId={asked} />}
    </Stack>
  );
}

function SearchForm({ asked }: { readonly asked: string }) {
  const [, go] = useLocation();
  const [text, setText] = useState(asked);
  const [wrong, setWrong] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const keyId = keyIdIn(text);
    setWrong(keyId ? undefined : 'No key ID is in this: it is 32 hexadecimal digits, or base64 of 16 bytes.');
    if (keyId) go(withQuery('/keys', { kid: keyId }));
  };
  return (
    <form onSubmit={submit} role="search">
      <Group align="start">
        <TextInput
          flex={1}
          label="Key ID"
          description="From a manifest, in any spelling: UUID, 32 hex digits, 0x…, base64, or a whole line with one in it."
          placeholder="cenc:default_KID=…"
          className="mono"
          value={text}
          error={wrong}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" mt={46}>
          Look up
        </Button>
      </Group>
    </form>
  );
}

/** A key ID as manifests write them: UUID, hex, 0x…, base64; the last of several in a line, as URIs end in them. */
export function keyIdIn(text: string): string | undefined {
  const uuid = text.match(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi)?.at(-1);
  if (uuid) return uuid.toLowerCase();
  const digits = text.match(/(?<![0-9a-f])(?:0x)?[0-9a-f]{32}(?![0-9a-f])/gi)?.at(-1);
  if (digits) return dashed(digits.replace(/^0x/i, '').toLowerCase());
  const base64 = /^[A-Za-z0-9+/_-]{22}(==)?$/.exec(text.trim())?.[0];
  return base64 && dashed(hexOf(base64));
}

function dashed(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function hexOf(base64: string): string {
  const bytes = atob(base64.replace(/-/g, '+').replace(/_/g, '/').slice(0, 22));
  return [...bytes].map((char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}

function Reports({ keyId }: { readonly keyId: string }) {
  const query = useApi<{ contents: KeyReport[] }>(`/v1/keys/${encodeURIComponent(keyId)}`, 10_000);
  return (
    <Answer query={query}>
      {({ contents }) =>
        contents.length === 0 ? (
          <Text role="status">The ledger has nothing of this key ID.</Text>
        ) : (
          <>
            {contents.map((report) => (
              <Report key={`${report.tenant}/${report.contentId}`} report={report} />
            ))}
          </>
        )
      }
    </Answer>
  );
}

function Report({ report }: { readonly report: KeyReport }) {
  const period = report.period as { index?: number; start?: string; end?: string } | undefined;
  return (
    <Stack>
      <Panel title={`In ${report.contentId}`}>
        <Group mb="sm">
          <StateBadge report={report} />
          <Copyable value={report.keyId} />
        </Group>
        <Facts
          rows={[
            ['Content', <ContentLink key="c" tenant={report.tenant} contentId={report.contentId} />],
            ['Tenant', report.tenant],
            [
              'Period',
              period && [period.index, period.start, period.end].filter((part) => part !== undefined).join(' · '),
            ],
            ['Tracks', report.trackTypes.join(', ')],
            ['Scheme', report.scheme as string],
            ['DRM systems', report.systems.map(systemName).join(', ')],
            ['Asked by', report.requesters.join(', ')],
            ['SPEKE', report.spekeVersions.join(', ')],
            [report.imported ? 'Imported' : 'First issued', <Time key="t" at={report.issuedAt} />],
            ['Asked for', `${report.timesAsked} times`],
            ['In the clear for players', deliverable(report)],
            ['Delivered to players', `${report.delivered} times`],
            ['Denied to players', report.denied > 0 ? `${report.denied} times` : undefined],
            ['Expires', report.expiresAt && <Time at={report.expiresAt} />],
            ['Revoked', report.revokedAt && <Time at={report.revokedAt} />],
            ['Last exchange', report.lastExchangeId && <ExchangeLink exchangeId={report.lastExchangeId} />],
            ['Trace', report.traceId && <TraceLink traceId={report.traceId} />],
          ]}
        />
      </Panel>
      <Panel title="What happened to it">
        <EventsTable events={report.events} />
        {report.truncated && <Text c="dimmed">Older events are in the ledger.</Text>}
      </Panel>
    </Stack>
  );
}

function deliverable({ deliverableSince, truncated }: KeyReport) {
  if (deliverableSince) return <Time at={deliverableSince} />;
  return truncated ? undefined : 'never: it was issued for DRM systems alone';
}

function StateBadge({ report }: { readonly report: KeyReport }) {
  if (report.revokedAt) return <Badge color="grape">revoked</Badge>;
  const expired = report.expiresAt !== undefined && Date.parse(report.expiresAt) < Date.now();
  return expired ? <Badge color="gray">expired</Badge> : <Badge color="teal">valid</Badge>;
}

export function TraceLink({ traceId }: { readonly traceId: string }) {
  const template = useSession().answer?.links?.traceUrl;
  if (!template) return <Copyable value={traceId} />;
  return (
    <Anchor href={template.replaceAll('{traceId}', traceId)} target="_blank" rel="noreferrer" className="mono">
      {traceId}
    </Anchor>
  );
}
