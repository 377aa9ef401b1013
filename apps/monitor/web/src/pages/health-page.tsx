import { Badge, Button, Stack, Table, Text } from '@mantine/core';
import type { BridgeState } from '../../../src/bridges/bridges';
import type { Instance } from '../../../src/health/instances';
import type { PartHealth } from '../../../src/health/parts';
import { Answer, Panel, Time } from '../parts';
import { useApi, useSession } from '../session';

interface Health {
  readonly parts: readonly PartHealth[];
  readonly instances: readonly Instance[];
  readonly bridges: readonly BridgeState[];
}

export function HealthPage() {
  const query = useApi<Health>('/v1/health', 5_000);
  return (
    <Answer query={query}>
      {({ parts, instances, bridges }) => (
        <Stack>
          <Panel title="Parts">
            <Parts parts={parts} />
          </Panel>
          {bridges.length > 0 && (
            <Panel title="Ways out">
              <Bridges bridges={bridges} onSent={() => void query.refetch()} />
            </Panel>
          )}
          <Panel title="Processes heard of in the last 24 hours">
            <Instances instances={instances} />
          </Panel>
        </Stack>
      )}
    </Answer>
  );
}

const STATE_COLORS = { works: 'teal', fails: 'red', absent: 'gray' } as const;

function Parts({ parts }: { readonly parts: readonly PartHealth[] }) {
  return (
    <Table verticalSpacing={4} w="auto">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Part</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th ta="right">Answered in</Table.Th>
          <Table.Th>Detail</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {parts.map(({ name, state, ms, detail }) => (
          <Table.Tr key={name} data-part={name} data-state={state}>
            <Table.Th scope="row" fw={400}>
              {name}
            </Table.Th>
            <Table.Td>
              <Badge color={STATE_COLORS[state]} variant={state === 'fails' ? 'filled' : 'light'}>
                {state}
              </Badge>
            </Table.Td>
            <Table.Td ta="right">{ms !== undefined && `${ms.toFixed(1)} ms`}</Table.Td>
            <Table.Td>{detail}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Instances({ instances }: { readonly instances: readonly Instance[] }) {
  if (instances.length === 0) return <Text c="dimmed">None since this monitor began.</Text>;
  return (
    <Table verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Process</Table.Th>
          <Table.Th>Last event</Table.Th>
          <Table.Th>Configuration</Table.Th>
          <Table.Th>Warnings</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {instances.map(({ source, lastEventAt, configurationDigest, warnings }) => (
          <Table.Tr key={source}>
            <Table.Th scope="row" fw={400} className="mono">
              {source}
            </Table.Th>
            <Table.Td>
              <Time at={lastEventAt} />
            </Table.Td>
            <Table.Td className="mono">{configurationDigest?.slice(0, 12)}</Table.Td>
            <Table.Td>{warnings?.join('; ')}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Bridges({ bridges, onSent }: { readonly bridges: readonly BridgeState[]; readonly onSent: () => void }) {
  const { has, ask } = useSession();
  const sendAgain = async (id: string) => {
    await ask(`/v1/bridges/${id}/dead-letters`, { method: 'POST' });
    onSent();
  };
  return (
    <Table verticalSpacing={4} w="auto">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Bridge</Table.Th>
          <Table.Th ta="right">Waiting</Table.Th>
          <Table.Th ta="right">Dead letters</Table.Th>
          <Table.Th>Last error</Table.Th>
          <Table.Th />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {bridges.map(({ id, waiting, dead, lastError }) => (
          <Table.Tr key={id}>
            <Table.Th scope="row" fw={400}>
              {id}
            </Table.Th>
            <Table.Td ta="right">{waiting}</Table.Td>
            <Table.Td ta="right">{dead}</Table.Td>
            <Table.Td>{lastError}</Table.Td>
            <Table.Td>
              {has('operator') && dead > 0 && (
                <Button size="compact-xs" variant="default" onClick={() => void sendAgain(id)}>
                  Send again
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
