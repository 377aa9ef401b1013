/** What a data key is for. It is given to the master key with every call and must be the same for decrypting. */
export interface EncryptionContext {
  readonly tenant: string;
  readonly purpose: 'content-key' | 'secret' | 'audit';
}

export interface GeneratedDataKey {
  /** 32 bytes; whoever gets them zeroes them. */
  readonly plaintext: Buffer;
  readonly encrypted: Buffer;
}

/**
 * The key that never leaves its place, a KMS key or a file on one machine: it makes and decrypts data keys.
 * Throws Fault UNAVAILABLE when it cannot be used now, TAMPERED when what is to be decrypted was not made by it for that context.
 */
export interface MasterKey {
  readonly name: 'kms' | 'local';
  generateDataKey(context: EncryptionContext, deadlineMs: number): Promise<GeneratedDataKey>;
  decrypt(encrypted: Buffer, context: EncryptionContext, deadlineMs: number): Promise<Buffer>;
  /** The same data key under the master key that is current now. */
  reencrypt(encrypted: Buffer, context: EncryptionContext): Promise<Buffer>;
  check(): Promise<boolean>;
  close(): void;
}

/** One text for one context, whatever the order of its fields. */
export function contextText(context: EncryptionContext): string {
  return JSON.stringify([context.purpose, context.tenant]);
}
