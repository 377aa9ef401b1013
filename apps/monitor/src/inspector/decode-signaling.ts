import { parsePsshBox, SYSTEM_IDS, keyIdFromBytes, type PsshBox } from '@latchkey/cenc';
import { drmSystemName } from '@latchkey/signaling';
import { Reader } from 'protobufjs/minimal';

/** What is in a piece of signaling, as names and values to be read by people. */
export type Decoded = readonly { readonly name: string; readonly value: string }[];

/** Throws when the text is not base64 of what it should be. */
export type Decoder = (base64: string) => Decoded;

/** A box of ISO/IEC 23001-7, and in it what its system wrote. */
export function decodePssh(base64: string): Decoded {
  const box = parsePsshBox(bytesOf(base64));
  const keyIds = box.version === 1 ? box.keyIds.map((value) => ({ name: 'key ID in the box', value })) : [];
  return [
    { name: 'box', value: `pssh, version ${box.version}, ${drmSystemName(box.systemId) ?? 'unknown system'}` },
    { name: 'system ID', value: box.systemId },
    ...keyIds,
    ...decodeData(box),
  ];
}

function decodeData({ systemId, data }: PsshBox): Decoded {
  if (data.length === 0) return [];
  if (systemId === SYSTEM_IDS.widevine) return decodeWidevine(data);
  if (systemId === SYSTEM_IDS.playready) return decodePlayReadyObject(Buffer.from(data).toString('base64'));
  return [{ name: 'data', value: `${data.length} bytes` }];
}

/** WidevinePsshData, by its field numbers. */
const WIDEVINE_FIELDS: Readonly<Record<number, { name: string; read: (bytes: Uint8Array) => string }>> = {
  2: { name: 'key ID', read: (bytes) => (bytes.length === 16 ? keyIdFromBytes(bytes) : hex(bytes)) },
  3: { name: 'provider', read: utf8 },
  4: { name: 'content ID', read: printableOrHex },
  5: { name: 'track type', read: utf8 },
  6: { name: 'policy', read: utf8 },
};
const WIDEVINE_NUMBERS: Readonly<Record<number, { name: string; show: (value: number) => string }>> = {
  1: { name: 'algorithm', show: (value) => (value === 1 ? 'AESCTR' : String(value)) },
  7: { name: 'crypto period index', show: String },
  9: { name: 'protection scheme', show: fourCharacters },
};

function decodeWidevine(data: Uint8Array): Decoded {
  const reader = Reader.create(data);
  const found: { name: string; value: string }[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const [field, wire] = [tag >>> 3, tag & 7];
    if (wire === 2) {
      const bytes = reader.bytes();
      const row = WIDEVINE_FIELDS[field];
      found.push(row ? { name: row.name, value: row.read(bytes) } : { name: `field ${field}`, value: hex(bytes) });
    } else if (wire === 0) {
      const value = reader.uint32();
      const row = WIDEVINE_NUMBERS[field];
      found.push({ name: row?.name ?? `field ${field}`, value: row ? row.show(value) : String(value) });
    } else reader.skipType(wire);
  }
  return found;
}

/** PlayReady Object: length, count, then records of type, length and value, little-endian. Type 1 is the WRMHEADER. */
export function decodePlayReadyObject(base64: string): Decoded {
  const bytes = bytesOf(base64);
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== bytes.length) throw new Error('its length field is not its length');
  const found: { name: string; value: string }[] = [];
  let at = 6;
  for (let left = bytes.readUInt16LE(4); left > 0; left--) {
    const [type, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    const value = bytes.subarray(at + 4, at + 4 + length);
    if (value.length !== length) throw new Error('a record ends early');
    found.push(...(type === 1 ? decodeHeader(value) : [{ name: `record ${type}`, value: `${length} bytes` }]));
    at += 4 + length;
  }
  return found;
}

function decodeHeader(value: Buffer): Decoded {
  const header = value.toString('utf16le');
  const inHeader = [...header.matchAll(/<KID\b[^>]*\bVALUE="([^"]+)"|<KID>([^<]+)<\/KID>/g)];
  const keyIds = inHeader.map(([, attribute, element]) => ({
    name: 'key ID',
    value: keyIdFromGuid(Buffer.from(attribute ?? element ?? '', 'base64')),
  }));
  return [...keyIds, { name: 'WRMHEADER', value: header }];
}

/** PlayReady writes key IDs in GUID order: the first three fields little-endian. */
function keyIdFromGuid(guid: Buffer): string {
  if (guid.length !== 16) return hex(guid);
  const bytes = Buffer.from(guid);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return keyIdFromBytes(bytes);
}

/** Base64 of XML or of playlist lines; boxes and PlayReady Objects in it are decoded as well. */
export function decodeText(base64: string): Decoded {
  const text = bytesOf(base64).toString('utf8');
  return [{ name: 'text', value: text }, ...nested(text)];
}

function nested(text: string): Decoded {
  const box = /<(?:[\w-]+:)?pssh\b[^>]*>\s*([A-Za-z0-9+/=\s]+?)\s*<\//.exec(text)?.[1];
  const object = /<(?:[\w-]+:)?pro\b[^>]*>\s*([A-Za-z0-9+/=\s]+?)\s*<\//.exec(text)?.[1];
  const uri = /data:text\/plain;[^,"]*base64,([A-Za-z0-9+/=]+)/.exec(text)?.[1];
  return [
    ...(box === undefined ? [] : decodePssh(box)),
    ...(object === undefined ? [] : decodePlayReadyObject(object)),
    ...(uri === undefined ? [] : decodeUri(uri)),
  ];
}

/** HLS carries a box (Widevine) or a PlayReady Object in its URI. */
function decodeUri(base64: string): Decoded {
  return isBox(bytesOf(base64)) ? decodePssh(base64) : decodePlayReadyObject(base64);
}

function isBox(bytes: Buffer): boolean {
  return bytes.toString('latin1', 4, 8) === 'pssh';
}

/** Strict: what a packager would refuse is named. */
function bytesOf(base64: string): Buffer {
  const text = base64.replace(/\s+/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    throw new Error('it is not base64');
  return Buffer.from(text, 'base64');
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function printableOrHex(bytes: Uint8Array): string {
  const text = utf8(bytes);
  return /^[\x20-\x7e]+$/.test(text) ? text : hex(bytes);
}

function fourCharacters(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return printableOrHex(bytes);
}
