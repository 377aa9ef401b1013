import { createPrivateKey, createSecretKey } from 'node:crypto';
import type { TenantEntitlement } from '@latchkey/tenants';
import { SignJWT } from 'jose';
import { signText } from '../signed-grant';

/** For whom and what, as the command line says it. */
export interface MintWish {
  readonly tenant: string;
  readonly content: string;
  readonly kids: readonly string[];
  readonly subject: string | undefined;
  readonly address: string | undefined;
  /** Epoch seconds. */
  readonly expires: number;
  /** Of secrets and keys that have names: which. The first if absent. */
  readonly signer: string | undefined;
  /** PEM; for RS256 and ES256, whose private keys the server does not have. */
  readonly privateKey: string | undefined;
}

export class TokenCommandError extends Error {
  override readonly name = 'TokenCommandError';
}

/** A token, or what stands in its place, by the tenant's own rules. What to do with it is in `use`. */
export interface Minted {
  readonly text: string;
  readonly use: string;
}

export async function mint(entitlement: TenantEntitlement, wish: MintWish): Promise<Minted> {
  switch (entitlement.mode) {
    case 'open':
      throw new TokenCommandError(`tenant ${wish.tenant} delivers to everybody: no token is needed`);
    case 'jwt':
      return {
        text: await mintToken(entitlement, wish),
        use: `as "Authorization: Bearer …", ?${entitlement.queryParameter}=… or the cookie ${entitlement.cookie}`,
      };
    case 'signed-url':
      return { text: mintQuery(entitlement, wish), use: 'as the query of the key URL' };
    case 'signed-cookie':
      return { text: mintCookie(entitlement, wish), use: 'as the Cookie header' };
  }
}

type Rules<Mode extends TenantEntitlement['mode']> = Extract<TenantEntitlement, { mode: Mode }>;

async function mintToken(rules: Rules<'jwt'>, wish: MintWish): Promise<string> {
  const { key, algorithm, kid } = signingKey(rules, wish);
  const claims = {
    contentId: wish.content,
    ...(wish.kids.length > 0 && { kids: wish.kids }),
    ...(wish.address !== undefined && { ip: wish.address }),
    tenant: wish.tenant,
  };
  const token = new SignJWT(claims)
    .setProtectedHeader({
      alg: algorithm,
      ...(kid !== undefined && { kid }),
      ...(rules.type !== undefined && { typ: rules.type }),
    })
    .setIssuer(rules.issuer)
    .setAudience(rules.audience)
    .setIssuedAt()
    .setExpirationTime(wish.expires);
  if (wish.subject !== undefined) token.setSubject(wish.subject);
  return token.sign(key);
}

function signingKey(rules: Rules<'jwt'>, { privateKey, signer }: MintWish) {
  if (privateKey !== undefined) {
    const key = createPrivateKey(privateKey);
    const algorithm = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
    return { key, algorithm, kid: signer };
  }
  const found = rules.secrets.find(({ kid }) => signer === undefined || kid === signer);
  if (!found) throw new TokenCommandError('the server has only public keys: sign with --private-key FILE');
  return { key: createSecretKey(found.secret, 'base64url'), algorithm: 'HS256', kid: found.kid };
}

function mintQuery(rules: Rules<'signed-url'>, wish: MintWish): string {
  const [kid = '*', ...more] = wish.kids;
  if (more.length > 0) throw new TokenCommandError('a signed URL is for one key, or for all of a content');
  const { signer, signature } = sign(rules.secrets, wish, 'url', kid);
  const scope = kid === '*' ? '&scope=content' : '';
  return `?expires=${wish.expires}&signer=${signer}&signature=${signature}${scope}`;
}

function mintCookie(rules: Rules<'signed-cookie'>, wish: MintWish): string {
  if (wish.kids.length > 0) throw new TokenCommandError('a signed cookie is for contents, not for single keys');
  const { signer, signature } = sign(rules.secrets, wish, 'cookie', '*');
  return `${rules.cookie}=${[signer, wish.expires, Buffer.from(wish.content).toString('base64url'), signature].join('.')}`;
}

function sign(secrets: Rules<'signed-url'>['secrets'], wish: MintWish, carrier: 'url' | 'cookie', kid: string) {
  const found = secrets.find((secret) => wish.signer === undefined || secret.kid === wish.signer);
  if (!found) throw new TokenCommandError(`tenant ${wish.tenant} has no secret ${wish.signer}`);
  const { tenant, content, expires, address } = wish;
  const text = { carrier, tenant, content, kid, expires: String(expires), address };
  return {
    signer: found.kid,
    signature: signText(createSecretKey(found.secret, 'base64url'), text).toString('base64url'),
  };
}
