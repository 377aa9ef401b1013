import { createHash, randomBytes } from 'node:crypto';

/** `npm run console-token`: a new token, to be given away once, and what of it goes into CONSOLE_ACCESS_FILE. */
export function newToken(random: (bytes: number) => Buffer = randomBytes): { token: string; sha256: string } {
  const token = `lk_${random(32).toString('base64url')}`;
  return { token, sha256: createHash('sha256').update(token).digest('hex') };
}

if (require.main === module) {
  const { token, sha256 } = newToken();
  process.stdout.write(`token:  ${token}\nsha256: ${sha256}\n`);
}
