import type { Bus } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import { eventSource, newEvent, rotationLate, rotationMissed, rotationRecovered } from '@latchkey/messages';
import { instruments, type ServiceContext } from '@latchkey/runtime';
import type { RotationEventContract, RotationStatement } from './rotation-watch';

/** Puts what the watch states on the bus. Throws Fault UNAVAILABLE. */
export function rotationPublisher(bus: Bus, context: ServiceContext) {
  return async (contract: RotationEventContract, statement: RotationStatement): Promise<void> => {
    // The three contracts differ in their type alone.
    await bus.publish(contract as never, rotationEvent(contract, statement, context) as never);
    const { tenant, contentId } = statement.content;
    const state = STATES[contract.type];
    instruments.rotations.add(1, { tenant, state });
    context.logger[state === 'missed' ? 'warn' : 'info']({ tenant, contentId, state }, 'rotation');
  };
}

const STATES = {
  [rotationMissed.type]: 'missed',
  [rotationLate.type]: 'late',
  [rotationRecovered.type]: 'recovered',
} as const;

function rotationEvent(
  contract: RotationEventContract,
  { id, time, content, cadenceMs, dueAt }: RotationStatement,
  service: ServiceContext,
) {
  return newEvent(contract, {
    source: eventSource(service),
    id,
    time,
    subject: `${content.tenant}/${content.contentId}`,
    data: {
      tenant: content.tenant,
      contentId: content.contentId,
      lastKeyIds: content.lastKeyIds as KeyId[],
      ...(content.lastPeriodIndex !== undefined && { lastPeriodIndex: content.lastPeriodIndex }),
      cadenceMs,
      dueAt: dueAt.toISOString(),
    },
  });
}
