import { readCertificate } from '../src';
import { newCertificateRequest, newRecipient } from '@latchkey/testing';

// RSA keys take their time where the machine is busy.
jest.setTimeout(60_000);

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const code = (base64: string, options = {}) => {
  try {
    readCertificate(base64, options);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

test('a certificate of an RSA key of 2048 bits or more is read', async () => {
  for (const modulusLength of [2048, 3072]) {
    const { certificate } = await newRecipient({ modulusLength });
    const { publicKey, outOfDate } = readCertificate(certificate);
    expect([publicKey.asymmetricKeyDetails?.modulusLength, outOfDate]).toEqual([modulusLength, undefined]);
  }
});

test('white space in it does not matter', async () => {
  const { certificate } = await newRecipient();
  expect(code(`\n  ${certificate.replace(/.{64}/g, '$&\r\n\t')}\n`)).toBeUndefined();
});

test.each([
  ['weak', 'CERTIFICATE_WEAK', () => newRecipient({ modulusLength: 1024 })],
  ['just too weak', 'CERTIFICATE_WEAK', () => newRecipient({ modulusLength: 2040 })],
  ['of an elliptic curve', 'CERTIFICATE_NOT_RSA', () => newRecipient(EC)],
  ['for signing only', 'CERTIFICATE_NOT_RSA', newPssRecipient],
  ['expired', 'CERTIFICATE_EXPIRED', () => newRecipient({}, { from: -3, to: -1 })],
  ['not yet valid', 'CERTIFICATE_NOT_YET_VALID', () => newRecipient({}, { from: 1, to: 3 })],
])('one that is %s is refused as %s', async (_, expected, make) => {
  const { certificate } = await make();
  expect(code(certificate)).toBe(expected);
  expect(code(certificate)).toBe(expected); // read before or not
});

test('one outside its dates may serve by policy', async () => {
  const { certificate } = await newRecipient({}, { from: -3, to: -1 });
  expect(readCertificate(certificate, { expired: 'warn' }).outOfDate).toBe('expired');
  expect(readCertificate(certificate, { now: Date.now() - 2 * 86_400_000 }).outOfDate).toBeUndefined();
});

test('a certificate request is told from a certificate', async () => {
  expect(code(await newCertificateRequest())).toBe('CERTIFICATE_IS_REQUEST');
});

test('anything else is unreadable', async () => {
  const { certificate } = await newRecipient();
  const der = Buffer.from(certificate, 'base64');
  const cut = der.subarray(0, der.length / 2).toString('base64');
  const longer = Buffer.concat([der, Buffer.from('more')]).toString('base64');
  const pem = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----`;
  for (const text of ['', ' ', 'garbage', '!!', 'AAAA', cut, longer, pem])
    expect([text, code(text)]).toEqual([text, 'CERTIFICATE_UNREADABLE']);
});

/** id-RSASSA-PSS in the key itself: such a key must not encrypt. */
async function newPssRecipient() {
  return { certificate: RSA_PSS };
}

// openssl req -x509 -newkey rsa-pss -pkeyopt rsa_keygen_bits:2048 -days 36500 -nodes -subj /CN=pss
const RSA_PSS = [
  'MIIDZzCCAhqgAwIBAgIUMH3YxSVMpVR9vj642pwCmrlGct4wQgYJKoZIhvcNAQEKMDWgDzANBglghkgBZQMEAgEFAKEcMBoGCSqG',
  'SIb3DQEBCDANBglghkgBZQMEAgEFAKIEAgIA3jAOMQwwCgYDVQQDDANwc3MwIBcNMjYxMTIxMjMzNjM1WhgPMjEyNjEwMjgyMzM2',
  'MzVaMA4xDDAKBgNVBAMMA3BzczCCASAwCwYJKoZIhvcNAQEKA4IBDwAwggEKAoIBAQDMNyjLOJZbYEjvTC3d6xkxoUkoXQv2LZIt',
  'AJ2zs0zbZUsMp2Yav0EGBztloylF4w/TBSvCjyHzA+InJo34QwRC3zF37mfcu5x+EIVb9Adfj3Ek20RB+5p4zMFalZn9y4kaa5CD',
  'lg/DKuiepPMYBz6zToqehctBr/QlJ8n/oGC5kDvE/UyiS7cdteOD5YGgbm4nKRL7KOKlgauWc5IXrSd9a9SVsupLuqL966H0BMVm',
  'aXPmoTQ57Sjh3pQ1uu4R1Clxfd8VU3OkftuSg+HB60MW8wu4AV0f5KnR9CSA+21tFJXRlJHLsOFZ1H4qkyHnng9+KCQ5rt5oJ7FO',
  'm8qQWUObAgMBAAGjUzBRMB0GA1UdDgQWBBS+LVufxEaAzJ2xWf+Nhu/Qg9LTczAfBgNVHSMEGDAWgBS+LVufxEaAzJ2xWf+Nhu/Q',
  'g9LTczAPBgNVHRMBAf8EBTADAQH/MEIGCSqGSIb3DQEBCjA1oA8wDQYJYIZIAWUDBAIBBQChHDAaBgkqhkiG9w0BAQgwDQYJYIZI',
  'AWUDBAIBBQCiBAICAN4DggEBADtEPU9sNyGLEM6BkJiCQlUhe+a1Gnjt9b3r+Sh0bxdBBscQ8o9cH6OFr4mymGgYlCZivLzAklxN',
  'FJ5Sj3VL7sGzv1Q26HA79MjwmJmRafIv4AhWpmZE16SV7kpwcfFkykZbpmVq91zdq02nzZsUZ40Q2es9xZdsYB2ObJ2v8VlcIFcY',
  'BsXL5IKTwzGPfGRzTcZQrdjHXTZwqG2AvjFf1vVr7raUbz3Xocpk5I4F71qkuZh/46uFCeUmcx0ZQfuxT7VR+XJ9rf44BkRxxyln',
  'E8u+yocWou7zVlkY0tkiLJ7J6elAWW75qEckf9jcLQpBvZhV2c17LhwpA+QO7thk/Ek=',
].join('');
