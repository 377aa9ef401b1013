import { CencError } from './error';
import { isUuid } from './uuid';

declare const brand: unique symbol;

/** A DRM system ID, as in `pssh` boxes and CPIX DRMSystem@systemId: lower-case UUID text. */
export type SystemId = string & { readonly [brand]: 'SystemId' };

/** In either case; past this line lower case. Throws CencError INVALID_SYSTEM_ID. */
export function parseSystemId(text: string): SystemId {
  const canonical = text.toLowerCase();
  if (!isSystemId(canonical)) throw new CencError('INVALID_SYSTEM_ID', `not a UUID: ${JSON.stringify(text)}`);
  return canonical;
}

export function isSystemId(value: unknown): value is SystemId {
  return isUuid(value);
}

/** The systems that Latchkey signals itself. IDs: DASH-IF registry of content protection systems, AWS SPEKE documentation. */
export const SYSTEM_IDS = {
  widevine: parseSystemId('edef8ba9-79d6-4ace-a3c8-27dcd51d21ed'),
  playready: parseSystemId('9a04f079-9840-4286-ab92-e65be0885f95'),
  fairplay: parseSystemId('94ce86fb-07ff-4f43-adb8-93d2fa968ca2'),
  /** W3C common pssh. */
  common: parseSystemId('1077efec-c0b2-4d02-ace3-3c1e52e2fb4b'),
  /** DASH-IF ClearKey. */
  clearKey: parseSystemId('e2719d58-a985-b3c9-781a-b030af78d30e'),
  /** HLS AES-128 in SPEKE 2. */
  clearKeyAes128: parseSystemId('3ea8778f-7742-4bf9-b18b-e834b2acbd47'),
  /** HLS SAMPLE-AES in SPEKE 2. */
  clearKeySampleAes: parseSystemId('be58615b-19c4-4684-88b3-c8c57e99e957'),
  /** HLS AES-128 in SPEKE 1: "implementation specific", not registered. */
  hlsAes128: parseSystemId('81376844-f976-481e-a84e-cc25d39b0b33'),
} as const;

/**
 * Systems whose players get the key itself, over HTTP: for these keys are delivered in the clear. The common pssh only lists key
 * IDs, whoever licenses them, so it is none of them.
 */
export const CLEAR_KEY_SYSTEMS: ReadonlySet<SystemId> = new Set([
  SYSTEM_IDS.clearKey,
  SYSTEM_IDS.clearKeyAes128,
  SYSTEM_IDS.clearKeySampleAes,
  SYSTEM_IDS.hlsAes128,
]);
