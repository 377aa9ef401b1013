import { EXPLICIT_IV_BYTES, isKeyId, type KeyId } from '@latchkey/cenc';
import { attribute, membersOf, type XmlElement } from '@latchkey/cpix';
import type { Faults } from './faults';
import type { SpekeProfile } from './profile';
import { parseScheme, type KeyScheme } from './protection-scheme';
import { printable } from './rejection';

/** A ContentKey as it was asked for. */
export interface ContentKeyElement {
  readonly keyId: KeyId;
  readonly scheme: KeyScheme['scheme'] | undefined;
  readonly hlsMethod: KeyScheme['hlsMethod'];
  /** Canonical base64; the document keeps the encryptor's spelling. */
  readonly explicitIv: string | undefined;
}

export interface ContentKeys {
  /** In document order. */
  readonly byId: ReadonlyMap<KeyId, ContentKeyElement>;
  /** Whether the list has that kid, however wrong: what refers to it is then no fault of its own. */
  names(kid: string): boolean;
}

/** One message on the bus and one store transaction. */
export const MAX_KEYS = 64;

export function readContentKeys(list: XmlElement, profile: SpekeProfile, faults: Faults): ContentKeys {
  const byId = new Map<KeyId, ContentKeyElement>();
  const elements = membersOf(list, 'ContentKey');
  if (elements.length === 0) faults.add('MISSING_CONTENT_KEY_LIST', list);
  if (elements.length > MAX_KEYS) faults.add('TOO_MANY_KEYS', list, { detail: `${elements.length} are asked for` });
  else for (const element of elements) readContentKey(element, profile, byId, faults);
  if (profile.generation === 2) checkOneScheme(elements, list, faults);
  const names = (kid: string) => elements.length === 0 || elements.some((one) => kidOf(one) === kid.toLowerCase());
  return { byId, names };
}

function kidOf(element: XmlElement): string | undefined {
  return attribute(element, 'kid')?.toLowerCase();
}

function readContentKey(
  element: XmlElement,
  profile: SpekeProfile,
  keys: Map<KeyId, ContentKeyElement>,
  faults: Faults,
): void {
  const kid = attribute(element, 'kid') ?? '';
  const scheme = readScheme(element, kid, profile, faults);
  const explicitIv = readExplicitIv(element, faults);
  if (hasKeyValue(element)) faults.add('KEY_IN_REQUEST', element);
  const keyId = kid.toLowerCase();
  if (kid === '') faults.add('MISSING_KID', element);
  else if (!isKeyId(keyId)) faults.add('INVALID_KID', element, { attribute: 'kid', detail: printable(kid) });
  else if (keys.has(keyId)) faults.add('DUPLICATE_KID', element, { attribute: 'kid', detail: kid });
  else keys.set(keyId, { keyId, scheme: scheme?.scheme, hlsMethod: scheme?.hlsMethod, explicitIv });
}

function readScheme(element: XmlElement, kid: string, profile: SpekeProfile, faults: Faults): KeyScheme | undefined {
  const text = attribute(element, 'commonEncryptionScheme') ?? '';
  const scheme = parseScheme(text, profile);
  // SPEKE 1 does not signal it: what is there all the same is taken if it is one.
  if (scheme || profile.generation === 1) return scheme;
  if (text === '') faults.add('MISSING_SCHEME', element, { values: { kid: kid || 'that is missing' } });
  else faults.add('UNKNOWN_SCHEME', element, { attribute: 'commonEncryptionScheme', detail: printable(text) });
  return undefined;
}

/** One document, one scheme, by its spelling: what encryptor and players compare are the texts. */
function checkOneScheme(elements: readonly XmlElement[], list: XmlElement, faults: Faults): void {
  const schemes = new Set<string>();
  for (const element of elements) schemes.add(attribute(element, 'commonEncryptionScheme') ?? '');
  schemes.delete('');
  if (schemes.size > 1)
    faults.add('MIXED_SCHEMES', list, { detail: [...schemes].slice(0, 4).map(printable).join(', ') });
}

/** Read leniently: the docs' own sample has bits set that no byte uses. */
function readExplicitIv(element: XmlElement, faults: Faults): string | undefined {
  const text = attribute(element, 'explicitIV');
  if (text === undefined) return undefined;
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (bytes.length === EXPLICIT_IV_BYTES) return bytes.toString('base64');
  faults.add('INVALID_EXPLICIT_IV', element, { attribute: 'explicitIV' });
  return undefined;
}

const BASE64 = /^\s*[A-Za-z0-9+/]+={0,2}\s*$/;

/** Empty Data, Secret or PlainValue are placeholders like any other. */
function hasKeyValue(contentKey: XmlElement): boolean {
  return membersOf(contentKey, 'Data').some(hasText);
}

function hasText(element: XmlElement): boolean {
  return element.children.some((child) => (typeof child === 'string' ? child.trim() !== '' : hasText(child)));
}
