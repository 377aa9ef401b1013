import { keyIdGuidBytes, type KeyId } from '@latchkey/cenc';
import { escapeXmlText } from '@latchkey/signaling';
import type { XmlElements } from '@latchkey/tenants';

/** A key as a header names it. The checksum is 8 bytes in base64, and has a meaning for AESCTR only. */
export interface HeaderKey {
  readonly keyId: KeyId;
  readonly checksum?: string | undefined;
}

export interface WrmHeader {
  readonly algorithm: 'AESCTR' | 'AESCBC';
  readonly keys: readonly HeaderKey[];
  readonly laUrl?: string | undefined;
  readonly luiUrl?: string | undefined;
  /** Base64 of 16 bytes. */
  readonly dsId?: string | undefined;
  readonly customAttributes?: XmlElements | undefined;
}

/**
 * The XML of a PlayReady header in the oldest version that can say it, since clients refuse versions newer than
 * themselves: 4.0 for one AESCTR key (every client), 4.2 for several (3.0 and later), 4.3 for AESCBC (4.0 and later).
 * PlayReady Header Specification, 3; canonical XML, because clients compare and hash the bytes.
 */
export function wrmHeader(header: WrmHeader): string {
  const version = header.algorithm === 'AESCBC' ? '4.3.0.0' : header.keys.length === 1 ? '4.0.0.0' : '4.2.0.0';
  const keys = version === '4.0.0.0' ? oneKey(header.keys[0] as HeaderKey) : keyList(header);
  return (
    `<WRMHEADER xmlns="http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader" version="${version}"><DATA>` +
    keys +
    element('LA_URL', header.laUrl) +
    element('LUI_URL', header.luiUrl) +
    element('DS_ID', header.dsId) +
    element('CUSTOMATTRIBUTES', header.customAttributes) +
    '</DATA></WRMHEADER>'
  );
}

function oneKey(key: HeaderKey): string {
  return (
    '<PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO>' +
    element('KID', guid(key.keyId)) +
    element('CHECKSUM', key.checksum)
  );
}

function keyList({ algorithm, keys }: WrmHeader): string {
  const listed = keys.map((key) => {
    // With AESCBC a checksum is forbidden.
    const checksum = algorithm === 'AESCTR' && key.checksum ? ` CHECKSUM="${key.checksum}"` : '';
    return `<KID ALGID="${algorithm}"${checksum} VALUE="${guid(key.keyId)}"></KID>`;
  });
  return `<PROTECTINFO><KIDS>${listed.join('')}</KIDS></PROTECTINFO>`;
}

function guid(keyId: KeyId): string {
  return keyIdGuidBytes(keyId).toString('base64');
}

function element(name: string, content: string | XmlElements | undefined): string {
  if (content === undefined) return '';
  return `<${name}>${typeof content === 'string' ? escapeXmlText(content) : elements(content)}</${name}>`;
}

function elements(content: XmlElements): string {
  return Object.entries(content)
    .map(([name, child]) => element(name, child))
    .join('');
}
