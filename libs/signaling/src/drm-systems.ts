import { SYSTEM_IDS, SYSTEM_NAMES, type SystemId } from '@latchkey/cenc';

/** One content protection system, as refusals, the console and the documentation name it. */
export interface DrmSystem {
  readonly name: string;
  /**
   * Who says it. `latchkey`: one of our signaling services. `vendor`: its payload is not public, so only a service of the
   * vendor's own, or a box that lists key IDs and nothing else, can speak for it.
   */
  readonly signaledBy: 'latchkey' | 'vendor';
}

const OURS: ReadonlySet<string> = new Set(Object.values(SYSTEM_IDS));

export const DRM_SYSTEMS: ReadonlyMap<SystemId, DrmSystem> = new Map(
  [...SYSTEM_NAMES].map(([id, name]) => [id, { name, signaledBy: OURS.has(id) ? 'latchkey' : 'vendor' }]),
);

/** Its name, or the ID itself when nobody registered it. */
export function drmSystemName(systemId: SystemId): string {
  return DRM_SYSTEMS.get(systemId)?.name ?? systemId;
}

/** What to tell whoever asked for a system that no service answers for: why, and what can be done. */
export function whyNotSignaled(systemId: SystemId): string {
  const system = DRM_SYSTEMS.get(systemId);
  if (!system) return `DRM system ${systemId} is not known`;
  if (system.signaledBy === 'latchkey') return `No service answers for ${system.name} (${systemId}) here`;
  return (
    `The signaling of ${system.name} (${systemId}) is the vendor's own: run a service that answers for it and list the ` +
    'system under vendorSystems, or list it under keyIdBoxesFor to get a box with its key IDs'
  );
}
