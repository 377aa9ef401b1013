import type { ProtectionScheme, SystemId } from '@latchkey/cenc';
import type { DocumentLimits } from '@latchkey/cpix';

/** What a tenant allows; the names are those of its policy section. */
export interface RequestPolicy {
  readonly requireContentKeyEncryption?: boolean | undefined;
  readonly expiredCertificates?: 'refuse' | 'warn' | undefined;
  /** The only systems that may be asked for; one that Latchkey does not signal itself becomes known by this. */
  readonly drmSystems?: readonly SystemId[] | undefined;
  /** Protection schemes by system ID, in place of MediaPackage's table. */
  readonly schemes?: Readonly<Record<SystemId, readonly ProtectionScheme[]>> | undefined;
  readonly refuseSharedUhdKey?: boolean | undefined;
}

export interface ParseOptions {
  readonly limits?: Partial<DocumentLimits> | undefined;
  readonly policy?: RequestPolicy | undefined;
  /** Systems that other services answer for. */
  readonly foreignSystems?: readonly SystemId[] | undefined;
  /** Epoch milliseconds, for certificates' dates. */
  readonly now?: number | undefined;
}
