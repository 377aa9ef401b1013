import { Alert, Badge, Button, Group, Modal, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState, type FormEvent } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import type { schedule } from '../../../src/console/schedule';
import { withQuery } from '../api';
import { Answer, Failure, KeyLink, Panel, Time } from '../parts';
import { useApi, useSession } from '../session';

type Schedule = ReturnType<typeof schedule> & { readonly tenant: string; readonly contentId: string };

export function ContentPage() {
  const search = new URLSearchParams(useSearch());
  const [contentId, tenant] = [search.get('id') ?? '', search.get('tenant') ?? undefined];
  return (
    <Stack>
      <SearchForm key={contentId} contentId={contentId} tenant={tenant ?? ''} />
      {contentId !== '' && <ScheduleOf contentId={contentId} tenant={tenant} />}
    </Stack>
  );
}

function SearchForm({ contentId, tenant }: { readonly contentId: string; readonly tenant: string }) {
  const [, go] = useLocation();
  const [id, setId] = useState(contentId);
  const [of, setOf] = useState(tenant);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    go(withQuery('/contents', { id, tenant: of }));
  };
  return (
    <form onSubmit={submit} role="search">
      <Group align="end">
        <TextInput label="Content ID" value={id} onChange={(event) => setId(event.currentTarget.value)} />
        <TextInput
          label="Tenant"
          placeholder="default"
          value={of}
          onChange={(event) => setOf(event.currentTarget.value)}
        />
        <Button type="submit">Show</Button>
      </Group>
    </form>
  );
}

function ScheduleOf({ contentId, tenant }: { readonly contentId: string; readonly tenant: string | undefined }) {
  const { has } = useSession();
  const [cursor, setCursor] = useState<string>();
  const path = `/v1/contents/${encodeURIComponent(contentId)}/schedule`;
  const query = useApi<Schedule>(withQuery(path, { tenant, cursor, limit: '200' }), 10_000);
  return (
    <Answer query={query}>
      {(found) => (
        <Panel title={`Keys of ${contentId}`}>
          <Group mb="sm">
            <Button
              component={Link}
              href={withQuery('/exchanges', { content: contentId })}
              size="compact-sm"
              variant="default"
            >
              Its exchanges
            </Button>
            {has('operator') && <RevokeButton found={found} onDone={() => void query.refetch()} />}
            {has('operator') && <ShredButton found={found} onDone={() => void query.refetch()} />}
          </Group>
          <Keys found={found} />
          {found.cursor && (
            <Button variant="default" onClick={() => setCursor(found.cursor)}>
              Next page
            </Button>
          )}
        </Panel>
      )}
    </Answer>
  );
}

const STATE_COLORS = { valid: 'teal', revoked: 'grape', expired: 'gray' } as const;

function Keys({ found }: { readonly found: Schedule }) {
  if (found.keys.length === 0) return <Text role="status">No key of this content was ever asked for.</Text>;
  return (
    <Table.ScrollContainer minWidth={800}>
      <Table verticalSpacing={4}>
        <Table.Caption>Which key ID is valid when, as far as encryptors have asked</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Period</Table.Th>
            <Table.Th>From</Table.Th>
            <Table.Th>To</Table.Th>
            <Table.Th>Key ID</Table.Th>
            <Table.Th>Track</Table.Th>
            <Table.Th>Scheme</Table.Th>
            <Table.Th>Made</Table.Th>
            <Table.Th>Expires</Table.Th>
            <Table.Th>State</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {found.keys.map((key) => (
            <Table.Tr key={key.keyId}>
              <Table.Td>{key.periodIndex}</Table.Td>
              <Table.Td>{key.validFrom}</Table.Td>
              <Table.Td>{key.validTo}</Table.Td>
              <Table.Td>
                <KeyLink keyId={key.keyId} />
              </Table.Td>
              <Table.Td>{key.trackType}</Table.Td>
              <Table.Td>{key.scheme}</Table.Td>
              <Table.Td>
                <Time at={key.askedAt} /> ({key.origin})
              </Table.Td>
              <Table.Td>{key.expiresAt ? <Time at={key.expiresAt} /> : 'kept'}</Table.Td>
              <Table.Td>
                <Badge color={STATE_COLORS[key.state]} variant="light">
                  {key.state}
                </Badge>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface ActionProps {
  readonly found: Schedule;
  readonly onDone: () => void;
}

function RevokeButton({ found, onDone }: ActionProps) {
  const [opened, { open, close }] = useDisclosure();
  const [reason, setReason] = useState('');
  const { act, failed, busy } = useAction(found, 'revoke');
  const revoke = async () => {
    if (!(await act({ ...(reason && { reason }) }))) return;
    close();
    onDone();
  };
  return (
    <>
      <Button size="compact-sm" color="red" variant="light" onClick={open}>
        Revoke all its keys…
      </Button>
      <Modal opened={opened} onClose={close} title={`Revoke all keys of ${found.contentId}`}>
        <Stack>
          <Text>They are never issued or given to players again. What plays now stops when its player asks next.</Text>
          <TextInput
            label="Reason, for the record"
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            data-autofocus
          />
          {failed && <Failure error={failed} />}
          <Button color="red" loading={busy} onClick={() => void revoke()}>
            Revoke
          </Button>
        </Stack>
      </Modal>
    </>
  );
}

function ShredButton({ found, onDone }: ActionProps) {
  const [opened, { open, close }] = useDisclosure();
  const [preview, setPreview] = useState<{ keyIds: string[]; truncated: boolean }>();
  const [confirm, setConfirm] = useState('');
  const { act, failed, busy } = useAction(found, 'shred');
  const begin = async () => {
    open();
    const answer = await act({ preview: true });
    if (answer) setPreview((await answer.json()) as { keyIds: string[]; truncated: boolean });
  };
  const shred = async () => {
    if (!(await act({ preview: false, confirm }))) return;
    close();
    onDone();
  };
  return (
    <>
      <Button size="compact-sm" color="red" variant="light" onClick={() => void begin()}>
        Shred…
      </Button>
      <Modal opened={opened} onClose={close} title={`Shred the keys of ${found.contentId}`} size="lg">
        <Stack>
          <Alert color="red" title="This cannot be undone">
            {preview
              ? `${preview.keyIds.length}${preview.truncated ? ' and more' : ''} keys become unreadable for ever: nothing encrypted with them can be played again.`
              : 'Counting…'}
          </Alert>
          <div style={{ maxHeight: 180, overflow: 'auto' }}>
            {preview?.keyIds.map((keyId) => (
              <div key={keyId} className="mono">
                {keyId}
              </div>
            ))}
          </div>
          <TextInput
            label={`Write ${found.contentId} to confirm`}
            value={confirm}
            onChange={(event) => setConfirm(event.currentTarget.value)}
          />
          {failed && <Failure error={failed} />}
          <Button color="red" loading={busy} disabled={confirm !== found.contentId} onClick={() => void shred()}>
            Shred for ever
          </Button>
        </Stack>
      </Modal>
    </>
  );
}

function useAction({ tenant, contentId }: Schedule, action: 'revoke' | 'shred') {
  const { ask } = useSession();
  const [failed, setFailed] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const act = async (body: object): Promise<Response | undefined> => {
    setBusy(true);
    setFailed(undefined);
    try {
      const path = withQuery(`/v1/contents/${encodeURIComponent(contentId)}/${action}`, { tenant });
      return await ask(path, { method: 'POST', body });
    } catch (error) {
      setFailed(error as Error);
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { act, failed, busy };
}
