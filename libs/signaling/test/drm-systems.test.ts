import { parseSystemId, SYSTEM_IDS } from '@latchkey/cenc';
import { DRM_SYSTEMS, drmSystemName, whyNotSignaled } from '../src/index';

const IRDETO = parseSystemId('80a6be7e-1448-4c37-9e70-d5aebe04c8d2');

describe('the registry of DRM systems', () => {
  it('names every system that Latchkey signals, and says that it does', () => {
    for (const systemId of Object.values(SYSTEM_IDS)) {
      expect(DRM_SYSTEMS.get(systemId)).toEqual({ name: expect.any(String), signaledBy: 'latchkey' });
    }
  });

  it('names systems that are their vendor’s alone', () => {
    expect(DRM_SYSTEMS.get(IRDETO)).toEqual({ name: 'Irdeto', signaledBy: 'vendor' });
    expect(drmSystemName(IRDETO)).toBe('Irdeto');
    expect(new Set([...DRM_SYSTEMS.values()].map(({ name }) => name)).size).toBe(DRM_SYSTEMS.size);
  });

  it.each([
    [IRDETO, /Irdeto .* vendor's own.*keyIdBoxesFor/],
    [SYSTEM_IDS.widevine, /No service answers for Widevine/],
    [parseSystemId('00000000-0000-0000-0000-000000000000'), /is not known/],
  ])('says why a system has no signaling, and what can be done: %s', (systemId, why) => {
    expect(whyNotSignaled(systemId)).toMatch(why);
    expect(whyNotSignaled(systemId)).toContain(systemId);
  });
});
