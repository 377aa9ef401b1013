import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '@latchkey/messages';
import { contextText, type EncryptionContext, type GeneratedDataKey, type MasterKey } from './master-key';

const KEY_BYTES = 32;
const VERSION = 1;
const FINGERPRINT_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + FINGERPRINT_BYTES + NONCE_BYTES;

/** What is wrong with the key file, and what to do. */
export class MasterKeyFileError extends Error {
  override readonly name = 'MasterKeyFileError';
}

/**
 * A master key in a file of 32 random bytes that only its owner may read: for one machine. The file is made if there is
 * none and `mayCreate`; throws MasterKeyFileError if it is missing, readable by others or not a key.
 * A data key is encrypted as version[1], fingerprint of the file's key[8], nonce[12], ciphertext[32], tag[16].
 */
export function openLocalMasterKey(path: string, mayCreate: boolean): MasterKey {
  const bytes = readKeyFile(path, mayCreate);
  const fingerprint = createHash('sha256')
    .update('latchkey master key')
    .update(bytes)
    .digest()
    .subarray(0, FINGERPRINT_BYTES);
  const key = createSecretKey(bytes);
  bytes.fill(0);

  const encrypt = (plaintext: Buffer, context: EncryptionContext) => seal(key, fingerprint, plaintext, context);
  const decrypt = (encrypted: Buffer, context: EncryptionContext) => open(key, fingerprint, encrypted, context);
  return {
    name: 'local',
    generateDataKey: async (context): Promise<GeneratedDataKey> => {
      const plaintext = randomBytes(KEY_BYTES);
      return { plaintext, encrypted: encrypt(plaintext, context) };
    },
    decrypt: async (encrypted, context) => decrypt(encrypted, context),
    reencrypt: async (encrypted, context) => {
      const plaintext = decrypt(encrypted, context);
      try {
        return encrypt(plaintext, context);
      } finally {
        plaintext.fill(0);
      }
    },
    check: async () => true,
    close: () => undefined,
  };
}

function readKeyFile(path: string, mayCreate: boolean): Buffer {
  try {
    return checkedKeyFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (!mayCreate) {
    throw new MasterKeyFileError(
      `${path} is missing, and the keys beside it cannot be read without it: restore the file`,
    );
  }
  createKeyFile(path);
  return checkedKeyFile(path);
}

function checkedKeyFile(path: string): Buffer {
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) {
    throw new MasterKeyFileError(
      `${path} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${path}`,
    );
  }
  const bytes = readFileSync(path);
  if (bytes.length !== KEY_BYTES) {
    throw new MasterKeyFileError(`${path} is ${bytes.length} bytes, not ${KEY_BYTES}: it is not a master key`);
  }
  return bytes;
}

/** Whole or not at all, and never over one that is there: a link under its name comes last. */
function createKeyFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = openSync(draft, 'wx', 0o600);
  const bytes = randomBytes(KEY_BYTES);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
    linkSync(draft, path);
    syncDirectory(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    bytes.fill(0);
    closeSync(file);
    unlinkSync(draft);
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function seal(key: KeyObject, fingerprint: Buffer, plaintext: Buffer, context: EncryptionContext): Buffer {
  const head = Buffer.concat([Buffer.from([VERSION]), fingerprint, randomBytes(NONCE_BYTES)]);
  const cipher = createCipheriv('aes-256-gcm', key, head.subarray(-NONCE_BYTES));
  cipher.setAAD(additionalData(head, context));
  return Buffer.concat([head, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function open(key: KeyObject, fingerprint: Buffer, encrypted: Buffer, context: EncryptionContext): Buffer {
  const head = encrypted.subarray(0, HEAD_BYTES);
  if (encrypted.length !== HEAD_BYTES + KEY_BYTES + TAG_BYTES || head[0] !== VERSION) throw tampered();
  if (!head.subarray(1, 1 + FINGERPRINT_BYTES).equals(fingerprint)) throw tampered();
  const decipher = createDecipheriv('aes-256-gcm', key, head.subarray(-NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData(head, context));
  decipher.setAuthTag(encrypted.subarray(-TAG_BYTES));
  const plaintext = decipher.update(encrypted.subarray(HEAD_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return plaintext;
  } catch (cause) {
    plaintext.fill(0);
    throw tampered(cause);
  }
}

function additionalData(head: Buffer, context: EncryptionContext): Buffer {
  return Buffer.concat([head, Buffer.from(contextText(context))]);
}

function tampered(cause?: unknown): Fault {
  return new Fault('TAMPERED', 'a data key does not decrypt', { cause });
}
