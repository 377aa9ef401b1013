// What DRM systems put into their boxes, read without the server's code.
import { createCipheriv } from 'node:crypto';
import { keyIdGuidBytes } from '@latchkey/cenc';
import { readXmlTree, elementsNamed } from '@latchkey/testing';
import { insist } from './findings.mjs';

/** WidevinePsshData, as far as it matters: field 2 (key IDs, hex) and field 9 (protection scheme). */
export function readWidevineData(bytes) {
  const keyIds = [];
  let scheme;
  for (let at = 0; at < bytes.length;) {
    const [tag, afterTag] = varint(bytes, at);
    const [value, afterValue] = varint(bytes, afterTag);
    const [field, wire] = [tag >> 3, tag & 7];
    insist(wire === 0 || wire === 2, 'its data are no WidevinePsshData');
    at = wire === 2 ? afterValue + value : afterValue;
    insist(at <= bytes.length, 'its data end early');
    if (field === 2) keyIds.push(bytes.subarray(afterValue, at).toString('hex'));
    if (field === 9) scheme = Buffer.from(value.toString(16).padStart(8, '0'), 'hex').toString('latin1');
  }
  return { keyIds, scheme };
}

function varint(bytes, from) {
  let value = 0;
  let at = from;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++];
    insist(byte !== undefined && factor < 2 ** 42, 'its data are no WidevinePsshData');
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [value, at];
  }
}

/**
 * A PlayReady Object with one header record (PlayReady Header Specification, 2).
 * @returns {Promise<{ version: string, keys: { keyId: string, algorithm: string | undefined, checksum: string | undefined }[], laUrl: string | undefined }>}
 */
export async function readPlayReadyObject(bytes) {
  insist(
    bytes.length > 10 && bytes.readUInt32LE(0) === bytes.length,
    'the PlayReady Object has another length than it says',
  );
  insist(bytes.readUInt16LE(4) === 1 && bytes.readUInt16LE(6) === 1, 'the PlayReady Object is not one header record');
  insist(bytes.readUInt16LE(8) === bytes.length - 10, 'the PlayReady header has another length than its record says');
  const header = await readXmlTree(bytes.subarray(10).toString('utf16le'));
  insist(header.name === 'WRMHEADER', `the PlayReady header is a ${header.name}`);
  const text = (name) => elementsNamed(header, name)[0]?.text;
  return {
    version: header.attributes.get('version') ?? '',
    laUrl: text('LA_URL'),
    keys: elementsNamed(header, 'KID').map((kid) => ({
      keyId: kid.attributes.get('VALUE') ?? kid.text,
      algorithm: kid.attributes.get('ALGID') ?? text('ALGID'),
      checksum: kid.attributes.get('CHECKSUM') ?? text('CHECKSUM'),
    })),
  };
}

/** PlayReady Header Specification, 5: the first 8 bytes of AES-128-ECB over the key ID in GUID order. */
export function playReadyChecksum(keyId, key) {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return cipher.update(keyIdGuidBytes(keyId)).subarray(0, 8).toString('base64');
}
