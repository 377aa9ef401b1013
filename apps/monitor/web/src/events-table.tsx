import { Table, Text } from '@mantine/core';
import type { EventSummary } from '../../src/live/event-summary';
import { ContentLink, ExchangeLink, KeyLink, KindBadge, Time } from './parts';

export function EventsTable({ events }: { readonly events: readonly EventSummary[] }) {
  if (events.length === 0) return <Text c="dimmed">Nothing yet.</Text>;
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table striped verticalSpacing={4}>
        <Table.Caption>The most recent first</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Time</Table.Th>
            <Table.Th>What</Table.Th>
            <Table.Th>Content</Table.Th>
            <Table.Th>Encryptor</Table.Th>
            <Table.Th>Key IDs</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Exchange</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <EventRow key={event.id} event={event} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function EventRow({ event }: { readonly event: EventSummary }) {
  const more = event.keyCount - 1;
  return (
    <Table.Tr>
      <Table.Td>
        <Time at={event.time} />
      </Table.Td>
      <Table.Td>
        <KindBadge kind={event.kind} />
      </Table.Td>
      <Table.Td>
        {event.contentId !== undefined && <ContentLink tenant={event.tenant} contentId={event.contentId} />}
      </Table.Td>
      <Table.Td>{event.encryptorId}</Table.Td>
      <Table.Td>
        {event.keyIds[0] !== undefined && <KeyLink keyId={event.keyIds[0]} />}
        {more > 0 && ` and ${more} more`}
      </Table.Td>
      <Table.Td>{event.status ?? event.code}</Table.Td>
      <Table.Td>{event.exchangeId !== undefined && <ExchangeLink exchangeId={event.exchangeId} />}</Table.Td>
    </Table.Tr>
  );
}
