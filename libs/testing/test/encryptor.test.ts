import {
  constants,
  createCipheriv,
  createHmac,
  publicEncrypt,
  randomBytes,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { Encryptor, readSpekeAnswer, readXmlTree, spekeDocument, SPEKE_2_SYSTEMS } from '../src/index';

const KID = '6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3';

/** An answer in AWS's form, composed here step by step. `alter` spoils one of the bytes that are signed. */
function encryptedAnswer(certificate: string, key: Buffer, alter?: 'cipherValue' | 'valueMac'): string {
  const { publicKey } = new X509Certificate(Buffer.from(certificate, 'base64'));
  const documentKey = randomBytes(32);
  const macKey = randomBytes(64);
  const mac = (bytes: Buffer) => createHmac('sha512', macKey).update(bytes).digest('base64');
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', documentKey, iv);
  const cipherValue = Buffer.concat([iv, cipher.update(key), cipher.final()]);
  const valueMac = alter === 'valueMac' ? mac(Buffer.from('other')) : mac(cipherValue);
  if (alter === 'cipherValue') cipherValue[20] = (cipherValue[20] ?? 0) ^ 1;
  const value = (algorithm: string, bytes: Buffer) =>
    `<pskc:EncryptedValue><enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#${algorithm}"/>` +
    `<enc:CipherData><enc:CipherValue>${bytes.toString('base64')}</enc:CipherValue></enc:CipherData></pskc:EncryptedValue>`;
  const wrapped = (bytes: Buffer) => {
    const sealed = rsa(publicKey, bytes);
    return `${value('rsa-oaep-mgf1p', sealed)}<pskc:ValueMAC>${mac(sealed)}</pskc:ValueMAC>`;
  };
  return `<cpix:CPIX contentId="movie" xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc"
      xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">
    <cpix:DeliveryDataList><cpix:DeliveryData>
      <cpix:DeliveryKey><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></cpix:DeliveryKey>
      <cpix:DocumentKey Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"><cpix:Data><pskc:Secret>${wrapped(documentKey)}</pskc:Secret></cpix:Data></cpix:DocumentKey>
      <cpix:MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha512"><cpix:Key>${wrapped(macKey)}</cpix:Key></cpix:MACMethod>
    </cpix:DeliveryData></cpix:DeliveryDataList>
    <cpix:ContentKeyList><cpix:ContentKey kid="${KID}"><cpix:Data><pskc:Secret>
      ${value('aes256-cbc', cipherValue)}<pskc:ValueMAC>${valueMac}</pskc:ValueMAC>
    </pskc:Secret></cpix:Data></cpix:ContentKey></cpix:ContentKeyList>
  </cpix:CPIX>`;
}

function rsa(key: KeyObject, bytes: Buffer): Buffer {
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, bytes);
}

describe('the encryptor', () => {
  let encryptor: Encryptor;
  let privateKey: KeyObject;
  beforeAll(async () => {
    encryptor = await Encryptor.create();
    privateKey = (encryptor as unknown as { privateKey: KeyObject }).privateKey;
  });
  const read = (xml: string) => readSpekeAnswer(xml, { privateKey, certificate: encryptor.certificate });

  it('decrypts a key that was encrypted for its certificate', async () => {
    const key = randomBytes(16);
    const answer = await read(encryptedAnswer(encryptor.certificate, key));
    expect(answer.keys).toEqual([expect.objectContaining({ keyId: KID, key, encrypted: true })]);
  });

  it.each(['cipherValue', 'valueMac'] as const)('notices a %s that was altered', async (what) => {
    const xml = encryptedAnswer(encryptor.certificate, randomBytes(16), what);
    await expect(read(xml)).rejects.toThrow('a ValueMAC is wrong');
  });

  it('cannot read what was encrypted for another', async () => {
    const other = await Encryptor.create();
    await expect(read(encryptedAnswer(other.certificate, randomBytes(16)))).rejects.toThrow('not for this encryptor');
  });

  it('has a certificate as media services do: RSA 2048, SHA-512', () => {
    const certificate = new X509Certificate(Buffer.from(encryptor.certificate, 'base64'));
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2_048);
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
  });

  it('writes text of any kind into its documents', async () => {
    const contentId = `a&b<"c">'ü`;
    const systems = [SPEKE_2_SYSTEMS.widevine];
    const root = await readXmlTree(spekeDocument({ version: '2.0', contentId, keys: [{ keyId: KID }], systems }));
    expect(root.attributes.get('contentId')).toBe(contentId);
  });
});
