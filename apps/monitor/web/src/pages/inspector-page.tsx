import { Alert, Badge, Button, Code, Group, List, Select, Stack, Table, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { Inspection, InspectedFault, InspectedItem } from '../../../src/inspector/inspect-document';
import { Copyable, Facts, Failure, Panel } from '../parts';
import { useSession } from '../session';

export function InspectorPage() {
  const { ask } = useSession();
  const [document, setDocument] = useState('');
  const [version, setVersion] = useState<string | null>(null);
  const [inspection, setInspection] = useState<Inspection>();
  const [failed, setFailed] = useState<Error>();
  const inspect = async () => {
    try {
      setFailed(undefined);
      const answer = await ask('/v1/inspect', { method: 'POST', body: { document, ...(version && { version }) } });
      const found = (await answer.json()) as Inspection;
      setInspection(found);
      // Clear keys that were pasted need not stay on the screen.
      setDocument(found.source);
    } catch (error) {
      setFailed(error as Error);
    }
  };
  return (
    <Stack>
      <Textarea
        label="CPIX document"
        description="A request or an answer. It is read by this server, kept nowhere, and its keys are masked."
        autosize
        minRows={6}
        maxRows={16}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8rem' } }}
        value={document}
        onChange={(event) => setDocument(event.currentTarget.value)}
      />
      <Group>
        <Select
          aria-label="SPEKE version"
          placeholder="Version: as it looks"
          clearable
          data={['1.0', '2.0', '2.1']}
          value={version}
          onChange={setVersion}
        />
        <Button onClick={() => void inspect()} disabled={document.trim() === ''}>
          Inspect
        </Button>
      </Group>
      {failed && <Failure error={failed} />}
      {inspection && <Found inspection={inspection} />}
    </Stack>
  );
}

function Found({ inspection }: { readonly inspection: Inspection }) {
  return (
    <Stack aria-live="polite">
      <Panel title="What is wrong with it">
        <Faults faults={inspection.faults} />
      </Panel>

      <Panel title="What it is">
        <Facts
          rows={[
            ['Kind', inspection.kind],
            ['SPEKE', inspection.version],
            ['Content ID', inspection.contentId],
            [
              'Periods',
              inspection.periods
                .map((period) =>
                  Object.entries(period)
                    .map(([name, value]) => `${name} ${value}`)
                    .join(', '),
                )
                .join('; '),
            ],
            [
              'Recipients',
              inspection.recipients
                .map(({ subject, bits, validTo }) => `${subject} (RSA ${bits ?? '?'}, until ${validTo.slice(0, 10)})`)
                .join('; '),
            ],
          ]}
        />
      </Panel>
      <Panel title="Content keys">
        <Keys inspection={inspection} />
      </Panel>

      {inspection.systems.map(({ systemId, name, keyId, items }, at) => (
        <Panel key={`${systemId} ${keyId} ${at}`} title={`${name ?? 'Unknown system'} for ${keyId ?? 'no key ID'}`}>
          <Text size="sm" c="dimmed" className="mono">
            {systemId}
          </Text>
          {items.map((item) => (
            <Item key={`${item.name} ${item.line}`} item={item} />
          ))}
        </Panel>
      ))}
      <Panel title="Source, keys masked">
        <Source inspection={inspection} />
      </Panel>
    </Stack>
  );
}

function Faults({ faults }: { readonly faults: readonly InspectedFault[] }) {
  if (faults.length === 0) return <Alert color="teal">Nothing, read by SPEKE's rules.</Alert>;
  return (
    <List spacing="sm" type="ordered">
      {faults.map((fault, at) => (
        <List.Item key={`${fault.code} ${at}`}>
          <b>{fault.text}</b>{' '}
          <Badge color="red" variant="light" tt="none">
            {fault.code}
          </Badge>
          {fault.detail && <Text size="sm">{fault.detail}</Text>}
          {fault.path && (
            <Text size="sm" className="mono">
              {fault.path}
              {fault.line !== undefined && ` · line ${fault.line}, column ${fault.column}`}
            </Text>
          )}
          {fault.fix && (
            <Text size="sm" c="dimmed">
              {fault.fix}
            </Text>
          )}
        </List.Item>
      ))}
    </List>
  );
}

function Keys({ inspection: { keys } }: { readonly inspection: Inspection }) {
  return (
    <Table verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Key ID</Table.Th>
          <Table.Th>Scheme</Table.Th>
          <Table.Th>IV</Table.Th>
          <Table.Th>Key</Table.Th>
          <Table.Th>Track</Table.Th>
          <Table.Th>Period</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {keys.map((key, at) => (
          <Table.Tr key={`${key.keyId} ${at}`}>
            <Table.Td>
              <Copyable value={key.keyId} />
            </Table.Td>
            <Table.Td>{key.scheme}</Table.Td>
            <Table.Td>{key.explicitIv ? 'yes' : 'no'}</Table.Td>
            <Table.Td>{key.key}</Table.Td>
            <Table.Td>{key.trackType}</Table.Td>
            <Table.Td>{key.periods.join(', ')}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Item({ item }: { readonly item: InspectedItem }) {
  return (
    <div>
      <Text mt="xs" fw={600} size="sm">
        {item.name}{' '}
        <Text span c="dimmed" size="xs">
          line {item.line}
        </Text>
      </Text>
      {item.fault && <Alert color="red">{item.fault}</Alert>}
      {item.decoded.length === 0 && !item.fault && (
        <Text size="sm" c="dimmed">
          asked for, empty
        </Text>
      )}
      <Facts
        rows={item.decoded.map(({ name, value }) => [
          name,
          value.length > 80 ? (
            <Code block key={value}>
              {value}
            </Code>
          ) : (
            <span key={value} className="mono">
              {value}
            </span>
          ),
        ])}
      />
    </div>
  );
}

function Source({ inspection: { source, faults } }: { readonly inspection: Inspection }) {
  const atFault = new Set(faults.map(({ line }) => line));
  return (
    <pre className="source" tabIndex={0} aria-label="Source with line numbers">
      {source.split('\n').map((text, at) => (
        // Lines have no other name than their number.
        <div key={at} className={atFault.has(at + 1) ? 'at-fault' : undefined}>
          {String(at + 1).padStart(4)} {text}
        </div>
      ))}
    </pre>
  );
}
