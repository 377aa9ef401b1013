import { z } from 'zod';
import { defaultTenant, tenantSchema } from '../src/index';

const PLAYREADY = '9a04f079-9840-4286-ab92-e65be0885f95';
const [WIDEVINE, FAIRPLAY] = ['edef8ba9-79d6-4ace-a3c8-27dcd51d21ed', '94ce86fb-07ff-4f43-adb8-93d2fa968ca2'];
const CLEAR_KEY = 'e2719d58-a985-b3c9-781a-b030af78d30e';
const IRDETO = '80a6be7e-1448-4c37-9e70-d5aebe04c8d2';

const tenant = {
  id: 'test',
  keys: { source: 'playready-test-seed' },
  policy: { drmSystems: [PLAYREADY, CLEAR_KEY] },
  signaling: { playready: { testServer: true } },
};
const fixed = {
  mode: 'fixed',
  keys: [{ trackType: '*', keyId: '10000000-1000-1000-1000-100000000001', key: 'OiobaN0r2bLusl6ExHdmaA==' }],
};

describe('a tenant whose keys anybody can make', () => {
  it('says all that makes it one', () => {
    expect(tenantSchema.parse(tenant).keys.source).toBe('playready-test-seed');
  });

  it('is none by default', () => {
    expect(defaultTenant().keys.source).toBe('random');
  });

  it.each([
    ['no test server', { signaling: {} }, /the PlayReady test server licenses: set it to true/],
    [
      'a licence server of its own',
      { signaling: { playready: { laUrl: 'https://licence.example.com/' } } },
      /the PlayReady test server licenses: set it to true/,
    ],
    ['fixed keys', { policy: { ...tenant.policy, keyIdOverride: fixed } }, /two sources of keys/],
    ['every DRM system', { policy: {} }, /only PlayReady and clear-key systems/],
    ['Widevine', { policy: { drmSystems: [PLAYREADY, WIDEVINE] } }, /only PlayReady and clear-key systems/],
    ['FairPlay', { policy: { drmSystems: [FAIRPLAY] } }, /only PlayReady and clear-key systems/],
    ['another system', { policy: { drmSystems: [PLAYREADY, IRDETO] } }, /only PlayReady and clear-key systems/],
  ])('is refused with %s', (_, change, why) => {
    const result = tenantSchema.safeParse({ ...tenant, ...change });
    expect(z.prettifyError(result.error as z.ZodError)).toMatch(why);
  });
});
