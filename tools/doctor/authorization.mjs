// How an encryptor shows who it is: the headers that go with one request.
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

/**
 * @typedef {{ url: URL, body: string, headers: Record<string, string>, challenge?: string }} Outgoing
 * @typedef {(outgoing: Outgoing) => Promise<Record<string, string>> | Record<string, string>} Authorization
 */

/** @returns {Authorization | undefined} none of the options was given */
export function authorizationOf({ basic, digest, sigv4, region }, environment) {
  if (basic) return () => ({ authorization: `Basic ${Buffer.from(basic).toString('base64')}` });
  if (digest) return digestAuthorization(digest);
  if (sigv4) return awsSignature(environment, region);
  return undefined;
}

/** RFC 7616 with qop=auth. Without a challenge yet there is nothing to answer: the first request goes without. */
function digestAuthorization(userAndPassword) {
  const colon = userAndPassword.indexOf(':');
  const [username, password] = [userAndPassword.slice(0, colon), userAndPassword.slice(colon + 1)];
  let count = 0;
  return ({ url, challenge }) => {
    if (!challenge) return {};
    const { realm = '', nonce = '', algorithm = 'MD5', opaque } = challengeParameters(challenge);
    const hash = (text) =>
      createHash(/^SHA-256/i.test(algorithm) ? 'sha256' : 'md5')
        .update(text)
        .digest('hex');
    const uri = url.pathname + url.search;
    const nc = (++count).toString(16).padStart(8, '0');
    const cnonce = randomBytes(12).toString('hex');
    const response = hash(
      [hash(`${username}:${realm}:${password}`), nonce, nc, cnonce, 'auth', hash(`POST:${uri}`)].join(':'),
    );
    const quoted = Object.entries({ username, realm, nonce, uri, cnonce, response, ...(opaque && { opaque }) });
    const text = quoted.map(([name, value]) => `${name}="${value}"`).join(', ');
    return { authorization: `Digest ${text}, algorithm=${algorithm}, qop=auth, nc=${nc}` };
  };
}

/** The strongest one of those that the server offers. */
function challengeParameters(header) {
  const offers = header.split(/(?=\b(?:Digest|Basic|Bearer)\s)/i).filter((offer) => /^Digest\s/i.test(offer));
  const parsed = offers.map((offer) =>
    Object.fromEntries(
      [...offer.slice(7).matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g)].map(([, name, quoted, bare]) => [
        name.toLowerCase(),
        quoted ?? bare,
      ]),
    ),
  );
  return parsed.find(({ algorithm }) => /^SHA-256$/i.test(algorithm ?? '')) ?? parsed[0] ?? {};
}

function awsSignature(environment, region) {
  const signer = awsSigner(environment, { service: 'execute-api', region });
  return async ({ url, body, headers }) => {
    const signed = await signer.sign({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      // A signature may serve only once: two requests that are alike must not have the same.
      headers: { ...headers, host: url.host, 'x-amz-meta-doctor': randomUUID() },
      body,
    });
    const { host: _, ...ours } = signed.headers;
    return ours;
  };
}

/** Throws Error when the environment holds no credentials. */
export function awsSigner(environment, { service, region }) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  if (!accessKeyId || !secretAccessKey) {
    throw new Error(
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: `aws configure export-credentials --format env`',
    );
  }
  const credentials = {
    accessKeyId,
    secretAccessKey,
    ...(environment.AWS_SESSION_TOKEN && { sessionToken: environment.AWS_SESSION_TOKEN }),
  };
  return new SignatureV4({ credentials, service, region, sha256: Sha256 });
}

/** What the signer needs of a hash: Node's own. */
class Sha256 {
  #hash;
  constructor(secret) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  }
  update(data) {
    this.#hash.update(data);
  }
  async digest() {
    return this.#hash.digest();
  }
}
