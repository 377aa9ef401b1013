import { Alert, Button, Code, Group, List, Stack, Table, Text, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import type { LedgerEntry } from '../../../src/ledger/ledger-record';
import type { Verification } from '../../../src/ledger/verify-ledger';
import { withQuery } from '../api';
import { Answer, Failure, KindBadge, Time } from '../parts';
import { useApi, useSession } from '../session';

type LedgerRow = LedgerEntry & { readonly chain: string; readonly index: number; readonly hash: string };
const NO_QUERY = { tenant: '', contentId: '', keyId: '', from: '', to: '' };

/** For auditors. */
export function LedgerPage() {
  const [form, setForm] = useState(NO_QUERY);
  const [asked, setAsked] = useState(NO_QUERY);
  const [cursor, setCursor] = useState<string>();
  const query = useApi<{ records: LedgerRow[]; cursor?: string }>(
    withQuery('/v1/ledger', { ...asked, cursor, limit: '50' }),
  );
  const field = (name: keyof typeof NO_QUERY, label: string, placeholder: string) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={form[name]}
      onChange={(event) => setForm({ ...form, [name]: event.currentTarget.value })}
    />
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setCursor(undefined);
    setAsked(form);
  };
  return (
    <Stack>
      <form onSubmit={submit} role="search">
        <Group align="end">
          {field('contentId', 'Content ID', 'all')}
          {field('keyId', 'Key ID', 'all')}
          {field('tenant', 'Tenant', 'all')}
          {field('from', 'From', '2026-01-31T00:00:00Z')}
          {field('to', 'To', '2026-02-01T00:00:00Z')}
          <Button type="submit">Show</Button>
        </Group>
      </form>
      <Group>
        <ExportButton format="csv" query={asked} />
        <ExportButton format="ndjson" query={asked} />
        <VerifyButton />
      </Group>
      <Answer query={query}>
        {({ records, cursor: next }) => (
          <>
            <Records records={records} />
            {next && (
              <Button variant="default" onClick={() => setCursor(next)}>
                Older
              </Button>
            )}
          </>
        )}
      </Answer>
    </Stack>
  );
}

function Records({ records }: { readonly records: readonly LedgerRow[] }) {
  return (
    <Table.ScrollContainer minWidth={800}>
      <Table verticalSpacing={4} striped>
        <Table.Caption>The most recent first</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Chain</Table.Th>
            <Table.Th>Record</Table.Th>
            <Table.Th>Time</Table.Th>
            <Table.Th>What</Table.Th>
            <Table.Th>Content</Table.Th>
            <Table.Th>Hash</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {records.map(({ chain, index, hash, event }) => (
            <Table.Tr key={`${chain} ${index}`}>
              <Table.Td>{chain}</Table.Td>
              <Table.Td>{index}</Table.Td>
              <Table.Td>
                <Time at={event.time} />
              </Table.Td>
              <Table.Td>
                <KindBadge kind={event.type.replace(/^io\.latchkey\.|\.v\d+$/g, '')} />
                <details>
                  <summary>All of it</summary>
                  <Code block>{JSON.stringify(event, null, 2)}</Code>
                </details>
              </Table.Td>
              <Table.Td>{event.data.contentId}</Table.Td>
              <Table.Td className="mono">{hash.slice(0, 12)}…</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function ExportButton({ format, query }: { readonly format: 'csv' | 'ndjson'; readonly query: typeof NO_QUERY }) {
  const { ask } = useSession();
  const [failed, setFailed] = useState<Error>();
  const download = async () => {
    try {
      const { tenant, from, to } = query;
      const answer = await ask(withQuery('/v1/ledger/export', { format, tenant, from, to }));
      const url = URL.createObjectURL(await answer.blob());
      const link = Object.assign(document.createElement('a'), { href: url, download: `ledger.${format}` });
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      setFailed(error as Error);
    }
  };
  return (
    <>
      <Button variant="default" onClick={() => void download()}>
        Export {format.toUpperCase()}
      </Button>
      {failed && <Failure error={failed} />}
    </>
  );
}

function VerifyButton() {
  const { ask } = useSession();
  const [found, setFound] = useState<Verification>();
  const [failed, setFailed] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const verify = async () => {
    setBusy(true);
    try {
      setFound((await (await ask('/v1/ledger/verify')).json()) as Verification);
    } catch (error) {
      setFailed(error as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" loading={busy} onClick={() => void verify()}>
        Verify the chains
      </Button>
      {failed && <Failure error={failed} />}
      {found && <Verdict found={found} />}
    </>
  );
}

function Verdict({ found: { chains, broken, gaps } }: { readonly found: Verification }) {
  const whole = broken.length + gaps.length === 0;
  const records = chains.reduce((sum, chain) => sum + chain.records, 0);
  return (
    <Alert
      w="100%"
      color={whole ? 'teal' : 'red'}
      role="status"
      title={whole ? 'The ledger is whole' : 'The ledger is NOT whole'}
    >
      <Text size="sm">
        {records} records in {chains.length} chains
      </Text>
      <List size="sm">
        {broken.map(({ chain, index, why }) => (
          <List.Item key={`${chain} ${index}`}>
            Chain {chain}, record {index}: {why}
          </List.Item>
        ))}
        {gaps.map(({ writer, from, to, why }) => (
          <List.Item key={`${writer} ${from}`}>
            Writer {writer}, numbers {from} to {to}: {why}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
