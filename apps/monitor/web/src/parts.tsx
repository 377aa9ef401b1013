import {
  Alert,
  Anchor,
  Badge,
  Card,
  Code,
  CopyButton,
  Group,
  Loader,
  Text,
  Title,
  Tooltip,
  UnstyledButton,
} from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { withQuery } from './api';

export function KeyLink({ keyId }: { readonly keyId: string }) {
  return (
    <Anchor component={Link} href={withQuery('/keys', { kid: keyId })} className="mono">
      {keyId}
    </Anchor>
  );
}

export function ExchangeLink({ exchangeId, children }: { readonly exchangeId: string; readonly children?: ReactNode }) {
  return (
    <Anchor component={Link} href={withQuery('/exchanges', { id: exchangeId })} size="sm">
      {children ?? <span className="mono">{exchangeId.slice(0, 8)}…</span>}
    </Anchor>
  );
}

export function ContentLink({
  tenant,
  contentId,
}: {
  readonly tenant: string | undefined;
  readonly contentId: string;
}) {
  return (
    <Anchor
      component={Link}
      href={withQuery('/contents', { tenant, id: contentId })}
      size="sm"
      style={{ overflowWrap: 'anywhere' }}
    >
      {contentId}
    </Anchor>
  );
}

/** A long value that one wants to take along. */
export function Copyable({ value }: { readonly value: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : 'Copy'}>
          <UnstyledButton onClick={copy} aria-label={`Copy ${value}`}>
            <Code className="mono">{value}</Code>
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}

const OUTCOME_COLORS: Readonly<Record<string, string>> = {
  completed: 'teal',
  rejected: 'yellow',
  failed: 'red',
  missed: 'red',
  tampered: 'red',
  refused: 'yellow',
  denied: 'yellow',
  late: 'orange',
  recovered: 'teal',
  issued: 'indigo',
  reissued: 'blue',
  revoked: 'grape',
};

/** `exchange.completed` in the colour of its outcome. */
export function KindBadge({ kind }: { readonly kind: string }) {
  const color = OUTCOME_COLORS[kind.split('.').at(-1) ?? ''] ?? 'gray';
  return (
    <Badge color={color} variant="light" tt="none" miw="max-content">
      {kind}
    </Badge>
  );
}

export function Panel({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Card withBorder padding="md" component="section" aria-label={title}>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {children}
    </Card>
  );
}

/** Loading, failed, or the thing itself. */
export function Answer<T>({
  query,
  children,
}: {
  readonly query: { readonly data: T | undefined; readonly error: Error | null; readonly isLoading: boolean };
  readonly children: (data: T) => ReactNode;
}) {
  if (query.error) return <Failure error={query.error} />;
  if (query.isLoading) return <Loader aria-label="Loading" />;
  return query.data === undefined ? null : children(query.data);
}

export function Failure({ error }: { readonly error: Error }) {
  return (
    <Alert color="red" role="alert" title="That did not work">
      {error.message}
    </Alert>
  );
}

export function Facts({ rows }: { readonly rows: readonly (readonly [string, ReactNode])[] }) {
  const given = rows.filter(([, value]) => value !== undefined && value !== false && value !== '' && value !== null);
  return (
    <dl style={{ display: 'grid', gridTemplateColumns: 'max-content 1fr', gap: '0.35rem 1rem', margin: 0 }}>
      {given.map(([name, value]) => (
        <Group key={name} style={{ display: 'contents' }}>
          <Text component="dt" size="sm" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: 'anywhere' }}>
            {value}
          </Text>
        </Group>
      ))}
    </dl>
  );
}

/** The time now, again every second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function Time({ at }: { readonly at: string | undefined }) {
  if (at === undefined) return null;
  const date = new Date(at);
  return (
    <Tooltip label={date.toISOString()}>
      <time dateTime={at}>{isToday(date) ? date.toLocaleTimeString() : date.toLocaleString()}</time>
    </Tooltip>
  );
}

function isToday(date: Date): boolean {
  return date.toDateString() === new Date().toDateString();
}

/** `1 h 05 min`, `2 min 10 s`, `9 s`. */
export function duration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

const SYSTEM_NAMES: Readonly<Record<string, string>> = {
  'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed': 'Widevine',
  '9a04f079-9840-4286-ab92-e65be0885f95': 'PlayReady',
  '94ce86fb-07ff-4f43-adb8-93d2fa968ca2': 'FairPlay',
  '1077efec-c0b2-4d02-ace3-3c1e52e2fb4b': 'Common pssh',
  'e2719d58-a985-b3c9-781a-b030af78d30e': 'ClearKey (DASH-IF)',
  '3ea8778f-7742-4bf9-b18b-e834b2acbd47': 'HLS AES-128',
  'be58615b-19c4-4684-88b3-c8c57e99e957': 'HLS SAMPLE-AES',
  '81376844-f976-481e-a84e-cc25d39b0b33': 'HLS AES-128 (SPEKE 1)',
};

export function systemName(systemId: string): string {
  return SYSTEM_NAMES[systemId] ?? systemId;
}
