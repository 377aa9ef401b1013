import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';

export interface SignOptions {
  readonly key?: KeyObject;
  readonly issuer?: string;
  readonly expires?: string;
}

/** An OpenID provider, as far as a console and its server see one: discovery, keys, authorization code with PKCE. */
export class OidcIssuer {
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  private readonly codes = new Map<string, { readonly challenge: string }>();
  /** Of whoever signs in by the browser. */
  claims: Record<string, unknown> = {};

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OidcIssuer> {
    const server = createServer((request, response) => void issuer.answer(request, response));
    const issuer = new OidcIssuer(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  sign(claims: object, { key = this.keys.privateKey, issuer = this.url, expires = '1h' }: SignOptions = {}) {
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(issuer)
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(key);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    response.setHeader('access-control-allow-origin', '*');
    if (pathname === '/authorize') return this.authorize(searchParams, response);
    const answer =
      pathname === '/keys'
        ? { keys: [{ ...this.keys.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] }
        : pathname === '/token'
          ? await this.token(await bodyOf(request))
          : this.discovery();
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }

  private discovery() {
    return {
      issuer: this.url,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/keys`,
    };
  }

  private authorize(query: URLSearchParams, response: ServerResponse): void {
    const code = randomUUID();
    this.codes.set(code, { challenge: query.get('code_challenge') ?? '' });
    const back = new URL(query.get('redirect_uri') ?? '');
    back.search = new URLSearchParams({ code, state: query.get('state') ?? '' }).toString();
    response.writeHead(302, { location: back.href }).end();
  }

  /** RFC 7636: only who began it has the verifier. */
  private async token(form: URLSearchParams) {
    const begun = this.codes.get(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (begun?.challenge !== challenge) return { error: 'invalid_grant' };
    const access_token = await this.sign({ aud: 'console', ...this.claims });
    const id_token = await this.sign({ aud: form.get('client_id'), ...this.claims });
    return { access_token, id_token, token_type: 'Bearer', expires_in: 3_600, scope: 'openid profile' };
  }
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}
