import { join } from 'node:path';
import { keyIdBytes, protectionSchemeCode, type KeyId, type ProtectionScheme } from '@latchkey/cenc';
import { loadSync } from 'protobufjs';

/** What we say in a Widevine pssh box. The scheme always: a CDM takes its absence for cenc. */
export interface WidevinePsshData {
  readonly keyIds: readonly KeyId[];
  readonly scheme: ProtectionScheme;
  readonly provider?: string | undefined;
  readonly contentId?: string | undefined;
  readonly policy?: string | undefined;
  readonly cryptoPeriodIndex?: number | undefined;
}

// Beside src and dist alike.
const MESSAGE = loadSync(join(__dirname, '../proto/widevine-pssh-data.proto')).lookupType(
  'latchkey.widevine.WidevinePsshData',
);

export function encodeWidevinePsshData(data: WidevinePsshData): Uint8Array {
  return MESSAGE.encode({
    keyIds: data.keyIds.map(keyIdBytes),
    provider: data.provider,
    contentId: data.contentId === undefined ? undefined : Buffer.from(data.contentId),
    policy: data.policy,
    cryptoPeriodIndex: data.cryptoPeriodIndex,
    protectionScheme: protectionSchemeCode(data.scheme),
  }).finish();
}
