import { EnvironmentError, flag, port, readEnvironment } from '@latchkey/runtime';
import { z } from 'zod';

const schema = z.object({
  SPEKE_PORT: port.default(8080),
  KMS_KEY_ID: z.string().min(20).optional().describe('the KMS key that wraps content keys'),
  DELIVERY_BASE_URL: z.string().describe('what key URLs begin with'),
  MODE: z.enum(['strict', 'lenient']).default('strict'),
  OPEN: flag.default(false),
});

test('reads what it knows, and takes the empty for absent', () => {
  const environment = { SPEKE_PORT: '', DELIVERY_BASE_URL: 'https://keys.example', OPEN: '1', HOME: '/root' };
  expect(readEnvironment(schema, environment)).toEqual({
    SPEKE_PORT: 8080,
    DELIVERY_BASE_URL: 'https://keys.example',
    MODE: 'strict',
    OPEN: true,
  });
});

test('names every variable that is wrong with what to do, and never its value', () => {
  const environment = { SPEKE_PORT: 'http', KMS_KEY_ID: 'c2VjcmV0', MODE: 'c2VjcmV0', OPEN: 'c2VjcmV0' };
  const read = () => readEnvironment(schema, environment);
  expect(read).toThrow(EnvironmentError);
  expect(read).toThrow(
    [
      'The environment is not right:',
      '  SPEKE_PORT must be a number',
      '  KMS_KEY_ID must be at least 20: the KMS key that wraps content keys',
      '  DELIVERY_BASE_URL must be set: what key URLs begin with',
      '  MODE must be one of strict, lenient',
      '  OPEN must be one of 0, 1, true, false',
    ].join('\n'),
  );
  expect(read).not.toThrow('c2VjcmV0');
});

test.each(['-1', '65536', '80.5'])('refuses the port %s', (text) => {
  expect(() => readEnvironment(z.object({ PORT: port }), { PORT: text })).toThrow(/^[^]*PORT /);
});
