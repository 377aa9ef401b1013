import { Badge, Button, Checkbox, Group, Loader, Progress, Stack, Table, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { BoardRow } from '../../../src/rotation/board-row';
import { withQuery } from '../api';
import type { Live } from '../live';
import { ContentLink, duration, ExchangeLink, KeyLink, Time, useNow } from '../parts';
import { useSession } from '../session';

export function RotationPage({ live }: { readonly live: Live }) {
  const now = useNow();
  const [filter, setFilter] = useState('');
  const [onlyMissed, setOnlyMissed] = useState(false);
  const { has } = useSession();
  if (!live.rotation) return <Loader aria-label="Loading" />;
  const rows = live.rotation.rows.filter(
    ({ contentId, state }) => contentId.includes(filter) && (!onlyMissed || state === 'missed'),
  );
  const count = (of: BoardRow['state']) => live.rotation?.rows.filter(({ state }) => state === of).length ?? 0;
  const [missed, learning] = [count('missed'), count('learning')];
  return (
    <Stack>
      <Group align="end">
        <TextInput
          label="Content"
          placeholder="part of its ID"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
        <Checkbox
          label="Only missed"
          checked={onlyMissed}
          onChange={(event) => setOnlyMissed(event.currentTarget.checked)}
          pb={8}
        />
        <Text pb={6}>
          {live.rotation.total - learning} rotating, <b>{missed}</b> missed
          {learning > 0 && `; ${learning} heard of too seldom to know`}
        </Text>
      </Group>
      <Table.ScrollContainer minWidth={900}>
        <Table highlightOnHover verticalSpacing={5}>
          <Table.Caption>
            The most overdue first. A rotation is missed when one and a half cadences have passed.
          </Table.Caption>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>State</Table.Th>
              <Table.Th>Content</Table.Th>
              <Table.Th>Encryptor</Table.Th>
              <Table.Th>Period</Table.Th>
              <Table.Th>Last key ID</Table.Th>
              <Table.Th>Last asked</Table.Th>
              <Table.Th>Cadence</Table.Th>
              <Table.Th>Next</Table.Th>
              {has('operator') && <Table.Th>Watch</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <ContentRow key={`${row.tenant}/${row.contentId}`} row={row} now={now} dismissable={has('operator')} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {rows.length === 0 && <Text c="dimmed">No content rotates its keys, as far as has been heard.</Text>}
    </Stack>
  );
}

function ContentRow({
  row,
  now,
  dismissable,
}: {
  readonly row: BoardRow;
  readonly now: number;
  readonly dismissable: boolean;
}) {
  const keyId = row.lastKeyIds[0];
  return (
    <Table.Tr className={row.state === 'missed' ? 'missed' : undefined} data-state={row.state}>
      <Table.Td>
        <StateBadge state={row.state} />
      </Table.Td>
      <Table.Td>
        <ContentLink tenant={row.tenant} contentId={row.contentId} />
      </Table.Td>
      <Table.Td>{row.encryptorId}</Table.Td>
      <Table.Td>{row.lastPeriodIndex}</Table.Td>
      <Table.Td>
        {keyId !== undefined && <KeyLink keyId={keyId} />}
        {row.lastKeyIds.length > 1 && ` and ${row.lastKeyIds.length - 1} more`}
      </Table.Td>
      <Table.Td>
        {row.lastExchangeId === undefined ? (
          <Time at={row.lastAt} />
        ) : (
          <ExchangeLink exchangeId={row.lastExchangeId}>
            <Time at={row.lastAt} />
          </ExchangeLink>
        )}
      </Table.Td>
      <Table.Td>{row.cadenceMs !== undefined && duration(row.cadenceMs)}</Table.Td>
      <Table.Td>
        <Countdown row={row} now={now} />
      </Table.Td>
      {dismissable && (
        <Table.Td>
          <DismissButton row={row} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}

const STATE_COLORS = { missed: 'red', due: 'yellow', 'on time': 'teal', learning: 'gray' } as const;

function StateBadge({ state }: { readonly state: BoardRow['state'] }) {
  return (
    <Badge color={STATE_COLORS[state]} variant={state === 'missed' ? 'filled' : 'light'} miw="max-content">
      {state}
    </Badge>
  );
}

function Countdown({ row, now }: { readonly row: BoardRow; readonly now: number }) {
  if (row.dueAt === undefined || row.cadenceMs === undefined)
    return (
      <Text size="sm" c="dimmed">
        after two more
      </Text>
    );
  const left = Date.parse(row.dueAt) - now;
  const share = Math.min(100, Math.max(0, 100 - (left / row.cadenceMs) * 100));
  return (
    <div style={{ minWidth: 130 }}>
      <Text size="sm" c={row.state === 'missed' ? 'red' : undefined} fw={left < 0 ? 700 : 400}>
        {left >= 0 ? `in ${duration(left)}` : `overdue by ${duration(left)}`}
      </Text>
      <Progress size="xs" value={share} color={STATE_COLORS[row.state]} aria-hidden="true" />
    </div>
  );
}

/** For what has ended on purpose. It comes back by itself when it is asked for again. */
function DismissButton({ row }: { readonly row: BoardRow }) {
  const { ask } = useSession();
  const path = withQuery(`/v1/contents/${encodeURIComponent(row.contentId)}/rotation`, { tenant: row.tenant });
  return (
    <Button
      size="compact-xs"
      variant="default"
      onClick={() => void ask(path, { method: 'DELETE' })}
      aria-label={`Stop watching ${row.contentId}`}
    >
      Stop
    </Button>
  );
}
