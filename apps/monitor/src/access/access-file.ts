import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROLES } from './principal';

const roles = z.array(z.enum(ROLES)).min(1);
const tenants = z.array(z.string().min(1)).min(1);

const accessSchema = z
  .strictObject({
    tokens: z
      .array(
        z.strictObject({
          /** Named in audit records; never secret. */
          id: z.string().regex(/^[A-Za-z0-9._@:-]{1,128}$/),
          /** SHA-256 of the token, hex, as `npm run console-token` prints it. Tokens are 256 random bits: no slow hash is needed. */
          sha256: z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 of the token, 64 lower-case hex digits'),
          roles,
          /** Absent: all. */
          tenants: tenants.optional(),
          expires: z.iso.datetime().optional(),
        }),
      )
      .default([]),
    oidc: z
      .strictObject({
        issuer: z.url(),
        /** `aud` of the tokens that are taken. */
        audience: z.string().min(1),
        /** Of the console as a public client: it signs in by authorization code and PKCE. Absent: no sign-in button. */
        clientId: z.string().optional(),
        scope: z.string().default('openid profile'),
        /** Absent: what the issuer's discovery document says. */
        jwksUrl: z.url().optional(),
        /** Where in the claims the groups stand; dots go deeper. */
        rolesClaim: z.string().default('roles'),
        /** Group to role. */
        roles: z.record(z.string(), z.enum(ROLES)),
        /** A claim that lists the tenants; absent: all. A token without it sees none. */
        tenantsClaim: z.string().optional(),
      })
      .optional(),
  })
  .refine(({ tokens, oidc }) => tokens.length > 0 || oidc, 'name at least one token, or an OIDC issuer');

export type AccessRules = z.output<typeof accessSchema>;
export type OidcRules = NonNullable<AccessRules['oidc']>;

export class AccessFileError extends Error {
  override readonly name = 'AccessFileError';
}

/** Throws AccessFileError, which says what is wrong and quotes nothing. */
export function readAccessFile(path: string): AccessRules {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AccessFileError(`${path} cannot be read`, { cause });
  }
  return readAccessText(text, path);
}

/** YAML or JSON. Throws AccessFileError. */
export function readAccessText(text: string, name = 'CONSOLE_ACCESS'): AccessRules {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw new AccessFileError(`${name} is not YAML`);
  }
  const rules = accessSchema.safeParse(document);
  if (!rules.success) throw new AccessFileError(`${name}: ${z.prettifyError(rules.error)}`);
  return rules.data;
}

/** Calls back with the rules whenever the file changed and is right, or with what is wrong. */
export function watchAccessFile(path: string, onChange: (rules: AccessRules | AccessFileError) => void): () => void {
  const reload = () => {
    try {
      onChange(readAccessFile(path));
    } catch (error) {
      onChange(error as AccessFileError);
    }
  };
  watchFile(path, { interval: 1_000, persistent: false }, reload);
  return () => unwatchFile(path, reload);
}
