import { MemoryHub } from '@latchkey/bus';
import { defaultTenant, tenantSchema, type TenantDirectory } from '@latchkey/tenants';
import { DeliveryRules } from '../src/delivery-rules';
import { startKeyDelivery } from '../src/index';
import { quietContext } from './key-answerer';

const directory = (tenants = [defaultTenant()]) =>
  ({ list: () => tenants, onChange: () => undefined }) as unknown as TenantDirectory;

describe('a tenant that does not say who may have its keys', () => {
  it('is open on loopback, and a warning says so', () => {
    const [warning] = new DeliveryRules(directory(), true).warnings();
    expect(warning).toMatch(/^tenant default: delivery is open; whoever knows .* delivery\.entitlement/);
  });

  it('keeps key-delivery from listening beyond loopback, with words on what to do', async () => {
    const context = quietContext('key-delivery', { DELIVERY_HOST: '0.0.0.0', DELIVERY_PORT: '0' });
    const connection = new MemoryHub().connect(context);
    await expect(startKeyDelivery(context, connection)).rejects.toThrow(
      /DELIVERY_HOST: 0\.0\.0\.0 .* DELIVERY_ALLOW_OPEN=true/s,
    );
    await connection.close();
  });

  it('is closed beyond loopback when a reload brings it', () => {
    const rules = new DeliveryRules(directory(), false);
    expect(() => rules.of('default')?.entitlement.judge({} as never)).toThrow(
      expect.objectContaining({ reason: 'token-missing' }),
    );
    expect(rules.warnings()[0]).toMatch(/^tenant default: nobody gets a key/);
  });

  it('is open everywhere when it says so itself', () => {
    const tenant = tenantSchema.parse({ id: 'default', delivery: { entitlement: { mode: 'open' } } });
    expect(new DeliveryRules(directory([tenant]), false).warnings()[0]).toMatch(/delivery is open/);
  });
});

describe('a tenant whose players get keys of DRM systems without DRM', () => {
  const signed = { mode: 'signed-url', secrets: [{ kid: 'k1', secret: 'A'.repeat(43) }] };

  it('is warned about', () => {
    const tenant = tenantSchema.parse({ id: 'default', delivery: { deliverDrmOnlyKeys: true, entitlement: signed } });
    expect(new DeliveryRules(directory([tenant]), false).warnings()).toEqual([
      expect.stringMatching(/^tenant default: delivery\.deliverDrmOnlyKeys gives players, in the clear, keys/),
    ]);
  });

  it.each([undefined, { mode: 'open' }])('is refused with the entitlement %j', (entitlement) => {
    const parsed = tenantSchema.safeParse({ id: 'default', delivery: { deliverDrmOnlyKeys: true, entitlement } });
    expect(JSON.stringify(parsed.error?.issues)).toMatch(/for nobody without an entitlement/);
  });

  it('is nobody who does not say so', () => {
    expect(defaultTenant().delivery.deliverDrmOnlyKeys).toBe(false);
  });
});

describe('the tenants file', () => {
  const pem = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----';
  const jwt = { mode: 'jwt', issuer: 'i', audience: 'a' };
  const secret = 'A'.repeat(43);

  it.each<[string, object, RegExp]>([
    ['no algorithm', { ...jwt, algorithms: [], secrets: [{ secret }] }, /algorithms/],
    ['alg none', { ...jwt, algorithms: ['none'] }, /algorithms/],
    ['HS256 without secrets', { ...jwt, algorithms: ['HS256'] }, /at least one secret/],
    ['a short secret', { ...jwt, algorithms: ['HS256'], secrets: [{ secret: 'A'.repeat(42) }] }, /at least 32 bytes/],
    [
      'secrets that nothing uses',
      { ...jwt, algorithms: ['ES256'], secrets: [{ secret }], jwksUrl: 'https://x/y' },
      /HS256 is not accepted/,
    ],
    ['ES256 without keys', { ...jwt, algorithms: ['ES256'] }, /publicKeys or a jwksUrl/],
    [
      'public keys that nothing uses',
      { ...jwt, algorithms: ['HS256'], secrets: [{ secret }], jwksUrl: 'https://x/y' },
      /neither RS256 nor ES256/,
    ],
    ['a JWKS URL without TLS', { ...jwt, algorithms: ['ES256'], jwksUrl: 'http://login.example.com/jwks' }, /https/],
    ['a key that is none', { ...jwt, algorithms: ['ES256'], publicKeys: [{ pem }] }, /not a public key/],
    [
      'a private key',
      { ...jwt, algorithms: ['ES256'], publicKeys: [{ pem: pem.replaceAll('PUBLIC', 'PRIVATE') }] },
      /private key/,
    ],
    ['no issuer', { mode: 'jwt', audience: 'a', algorithms: ['HS256'], secrets: [{ secret }] }, /issuer/],
    ['no audience', { mode: 'jwt', issuer: 'i', algorithms: ['HS256'], secrets: [{ secret }] }, /audience/],
    ['an unknown field', { mode: 'open', tokens: true }, /tokens/],
  ])('is refused with %s', (_, entitlement, message) => {
    const parsed = tenantSchema.safeParse({ id: 'default', delivery: { entitlement } });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toMatch(message);
  });

  it.each(['https://player.example.com/', 'player.example.com', 'https://*.example.com', 'https://a.example/path'])(
    'is refused with the origin %s',
    (origin) => {
      expect(tenantSchema.safeParse({ id: 'default', delivery: { cors: { origins: [origin] } } }).success).toBe(false);
    },
  );
});
