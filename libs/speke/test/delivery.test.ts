import { Encryptor, newRecipient, readSpekeAnswer, type Recipient } from '@latchkey/testing';
import { contract, document, KIDS, list, recipient, rule, video } from './documents';
import { answer, codes, keyText, parse, refusal } from './exchange';

// RSA keys take their time where the machine is busy.
jest.setTimeout(60_000);

let one: Recipient;
let other: Recipient;

beforeAll(async () => {
  one = await newRecipient();
  other = await newRecipient({ modulusLength: 3072 });
});

const encrypted = (deliveryDataList: string) => document({ deliveryDataList });
const delivery = (...certificates: string[]) =>
  list(
    'DeliveryDataList',
    certificates.map((certificate, at) => recipient(certificate, `r${at}`)),
  );

// promise 12
describe('a request with a DeliveryDataList gets its keys encrypted, for every recipient', () => {
  test.each(['one', 'other'] as const)('who opens the answer with code of its own: %s', async (who) => {
    const xml = answer(parse(encrypted(delivery(one.certificate, other.certificate))));
    expect(xml).not.toContain('PlainValue');
    const { keys } = await readSpekeAnswer(xml, who === 'one' ? one : other);
    expect(keys.map(({ encrypted: sealed, key }) => [sealed, key.toString('base64')])).toEqual(
      KIDS.slice(0, 2).map((kid) => [true, keyText(kid)]),
    );
  });

  test('in AWS’s form: what stands in DocumentKey, MACMethod and ContentKey', () => {
    const xml = answer(parse(encrypted(delivery(one.certificate))));
    const outline = xml.replace(/>[A-Za-z0-9+/=]{16,}</g, '>…<').replace(/\n\s*/g, '');
    expect(outline).toContain(
      '<cpix:DocumentKey Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"><cpix:Data><pskc:Secret><pskc:EncryptedValue>' +
        '<enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><enc:CipherData><enc:CipherValue>…</enc:CipherValue></enc:CipherData>' +
        '</pskc:EncryptedValue><pskc:ValueMAC>…</pskc:ValueMAC></pskc:Secret></cpix:Data></cpix:DocumentKey>' +
        '<cpix:MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha512"><cpix:Key><pskc:EncryptedValue>' +
        '<enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><enc:CipherData><enc:CipherValue>…</enc:CipherValue></enc:CipherData>' +
        '</pskc:EncryptedValue><pskc:ValueMAC>…</pskc:ValueMAC></cpix:Key></cpix:MACMethod></cpix:DeliveryData>',
    );
    expect(outline).toContain(
      '<cpix:Data><pskc:Secret><pskc:EncryptedValue><enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/>' +
        '<enc:CipherData><enc:CipherValue>…</enc:CipherValue></enc:CipherData></pskc:EncryptedValue><pskc:ValueMAC>…</pskc:ValueMAC></pskc:Secret></cpix:Data></cpix:ContentKey>',
    );
    expect(xml).toContain(
      'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:enc="http://www.w3.org/2001/04/xmlenc#"',
    );
    expect(xml).toContain(`<ds:X509Certificate>${one.certificate}</ds:X509Certificate>`);
  });

  test('in SPEKE 1 too', async () => {
    const encryptor = await Encryptor.create();
    const body = `<CPIX xmlns="urn:dashif:org:cpix" id="film">${delivery(encryptor.certificate).replaceAll('cpix:', '')}
      <ContentKeyList><ContentKey kid="${KIDS[0]}"/></ContentKeyList>
      <DRMSystemList><DRMSystem kid="${KIDS[0]}" systemId="edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"><PSSH/></DRMSystem></DRMSystemList></CPIX>`;
    const xml = answer(parse(body, '1.0'));
    expect(xml).toContain('EncryptedValue');
    expect(xml).not.toContain('PlainValue');
  });

  test('wherever the list stands, and around what the encryptor wrote into it', async () => {
    const described = recipient(one.certificate).replace(
      '</cpix:DeliveryData>',
      '<cpix:DocumentKey/><cpix:MACMethod Algorithm="x"/><cpix:Description>d</cpix:Description></cpix:DeliveryData>',
    );
    const xml = answer(parse(document({ more: list('DeliveryDataList', [described]) })));
    expect((await readSpekeAnswer(xml, one)).keys.every((key) => key.encrypted)).toBe(true);
    expect(xml.match(/<cpix:DocumentKey/g)).toHaveLength(1);
    expect(xml.indexOf('<cpix:MACMethod')).toBeLessThan(xml.indexOf('<cpix:Description>d<'));
  });
});

// promise 12
describe('clear keys are never sent instead', () => {
  const other509 =
    '<ds:X509Data xmlns:ds="http://www.w3.org/2000/09/xmldsig"><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>';
  const deliveryKey = (content: string) =>
    list('DeliveryDataList', [
      `<cpix:DeliveryData><cpix:DeliveryKey>${content}</cpix:DeliveryKey></cpix:DeliveryData>`,
    ]);
  test.each([
    ['an empty list', '<cpix:DeliveryDataList/>', ['MISSING_RECIPIENT']],
    ['no DeliveryKey', list('DeliveryDataList', ['<cpix:DeliveryData/>']), ['MISSING_CERTIFICATE']],
    [
      'a key name',
      deliveryKey('<ds:KeyName xmlns:ds="http://www.w3.org/2000/09/xmldsig#">k</ds:KeyName>'),
      ['MISSING_CERTIFICATE'],
    ],
    ['another namespace', deliveryKey(other509), ['MISSING_CERTIFICATE']],
    ['an empty certificate', list('DeliveryDataList', [recipient('')]), ['CERTIFICATE_UNREADABLE']],
    ['a list in another namespace', '<DeliveryDataList xmlns="urn:x"/>', ['MISPLACED_DELIVERY_DATA']],
    ['a list in a foreign element', '<x:y xmlns:x="urn:x"><cpix:DeliveryDataList/></x:y>', ['MISPLACED_DELIVERY_DATA']],
  ])('%s', (_, deliveryDataList, expected) => {
    expect(codes(encrypted(deliveryDataList))).toEqual(expected);
  });

  test('one recipient who cannot be served refuses the request', async () => {
    const weak = await newRecipient({ modulusLength: 1024 });
    const rejection = refusal(encrypted(delivery(one.certificate, weak.certificate)));
    expect(rejection.faults).toMatchObject([
      {
        code: 'CERTIFICATE_WEAK',
        place: { path: '/CPIX/DeliveryDataList/DeliveryData[2]/DeliveryKey/X509Data/X509Certificate' },
      },
    ]);
  });

  test('an expired certificate is refused, or by policy a warning', async () => {
    const { certificate } = await newRecipient({}, { from: -3, to: -1 });
    expect(codes(encrypted(delivery(certificate)))).toEqual(['CERTIFICATE_EXPIRED']);
    const request = parse(encrypted(delivery(certificate)), '2.0', { policy: { expiredCertificates: 'warn' } });
    expect(request.warnings.map(({ code }) => code)).toEqual(['CERTIFICATE_EXPIRED']);
    expect(request.recipients).toEqual([certificate]);
  });

  test('more than 32 recipients are refused', () => {
    expect(codes(encrypted(delivery(...Array.from({ length: 33 }, () => one.certificate))))).toEqual([
      'TOO_MANY_RECIPIENTS',
    ]);
  });

  test('a tenant can require encryption', () => {
    const policy = { requireContentKeyEncryption: true };
    expect(codes(contract([rule(KIDS[0] as string, 'V', video())]), '2.0', { policy })).toEqual([
      'CONTENT_KEY_ENCRYPTION_REQUIRED',
    ]);
    expect(parse(encrypted(delivery(one.certificate)), '2.0', { policy }).recipients).toHaveLength(1);
  });
});
