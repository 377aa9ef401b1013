import { randomBytes, randomUUID } from 'node:crypto';
import { SPEKE_1_SYSTEMS, SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { Complaint } from './findings.mjs';

export const CPIX_VERSIONS = { '2.0': '2.3', 2.1: '2.4' };

/** All keys of one examination lie under one content ID, which says whose they are. */
export function ownContentId(now = new Date()) {
  return `latchkey-doctor-${now.toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`;
}

/** The plainest document that every version of SPEKE has an answer for: one key, Widevine or, in SPEKE 1, any. */
export function plainWish(contentId, version, systems) {
  const { systemId } = systems[0];
  return version === '1.0'
    ? { version, contentId, keys: [{ keyId: randomUUID() }], systems: [speke1(systemId)] }
    : { version, contentId, keys: [{ keyId: randomUUID(), scheme: schemeOf(systemId) }], systems: [speke2(systemId)] };
}

export function speke1(systemId) {
  const known = Object.values(SPEKE_1_SYSTEMS).find((system) => system.systemId === systemId);
  return known ?? SPEKE_1_SYSTEMS.hlsAes128;
}

export function speke2(systemId) {
  return Object.values(SPEKE_2_SYSTEMS).find((system) => system.systemId === systemId);
}

/** The one scheme that MediaPackage sends for FairPlay and Clear Key; Widevine and PlayReady take both. */
export function schemeOf(systemId, preferred = 'cbcs') {
  return systemId === SPEKE_2_SYSTEMS.clearKeyAes128.systemId ? 'cbc1' : preferred;
}

/** The answer read, or a complaint in the server's own words. */
export async function answered(reply) {
  if (reply.status !== 200) throw new Complaint(`${reply.status} ${firstLine(reply.body)}`);
  return reply.document();
}

export function firstLine(text) {
  return text.split(/\r?\n/, 1)[0].slice(0, 200);
}
