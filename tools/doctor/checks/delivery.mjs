// Where players get keys: reachable from where they are, open to their pages, shut to others.
import { Complaint, insist, NotHere } from '../findings.mjs';
import { patiently } from '../patience.mjs';
import { isLoopback } from './connection.mjs';

const FOREIGN = 'https://latchkey-doctor.invalid';
const BASE_URL =
  'Set DELIVERY_BASE_URL of signaling-clearkey to the public URL of key-delivery, as https://keys.example.com.';

/**
 * @param {{ url: string, key: Buffer, keyId: string }} found a key URL of an answer, and the key that must come from it
 * @param {{ spekeUrl: URL, origin?: string, player: { headers: Record<string, string>, query?: string }, expectDenied?: boolean }} world
 */
export async function checkDelivery(findings, found, world) {
  await checkBaseUrl(findings, found, world);
  const there = await checkKey(findings, found, world);
  await checkEntitlement(findings, found, world);
  if (world.origin) await checkCors(findings, found, world, there);
  else findings.skip('players on a web page can read keys (CORS)', '--origin was not given');
}

async function checkBaseUrl(findings, { url }, { spekeUrl, origin }) {
  await findings.check('key URLs lead where players are', BASE_URL, () => {
    const { hostname, protocol } = new URL(url);
    const elsewhere = !isLoopback(spekeUrl.hostname) || (origin !== undefined && !isLoopback(new URL(origin).hostname));
    insist(!isLoopback(hostname) || !elsewhere, `${hostname} is each player's own machine`);
    insist(
      protocol === 'https:' || isLoopback(hostname),
      'keys travel over plain HTTP; pages on https may not fetch them',
    );
    return new URL(url).origin;
  });
}

function checkKey(findings, { url, key }, { origin, player }) {
  return findings.check(
    'the key URL gives the key',
    'Look at DELIVERY_BASE_URL, at what stands before key-delivery, and at what players show (--player-header, --player-query; `npm run token -- explain`).',
    async () => {
      const answer = await get(url, { origin, ...player });
      insist(answer.status === 200, `it got ${answer.status} ${answer.code}`);
      insist(answer.bytes.length === 16, `${answer.bytes.length} bytes came, not 16`);
      insist(answer.bytes.equals(key), 'another key came than the encryptor got: players will see noise');
      const type = answer.headers.get('content-type');
      insist(type === 'application/octet-stream', `Content-Type is ${type}`, { warning: true });
      insist(!answer.headers.get('content-encoding'), 'the answer is compressed', { warning: true });
      return `16 bytes, ${answer.headers.get('cache-control') ?? 'no Cache-Control'}`;
    },
  );
}

function checkEntitlement(findings, { url, key }, { player, expectDenied }) {
  return findings.check(
    'nobody gets keys who shows nothing',
    'Set delivery.entitlement of the tenant (docs/delivery.md), and look whether a cache gives away what it kept.',
    async () => {
      const shows = Object.keys(player.headers).length > 0 || player.query !== undefined;
      const { status, bytes } = await get(url, { headers: {} });
      if (status === 200 && !shows && !expectDenied) {
        if (isLoopback(new URL(url).hostname)) throw new NotHere('delivery is open, on loopback');
        throw new Complaint('delivery is open: whoever knows the URL gets the key', { warning: true });
      }
      insist(status !== 200, 'the key was given to somebody who shows nothing');
      insist(!bytes.includes(key) && !bytes.includes(key.toString('base64')), 'the refusal holds the key');
      insist(status === 401 || status === 403, `it got ${status}, not 401 or 403`);
      return String(status);
    },
  );
}

async function checkCors(findings, { url }, { origin, player }, there) {
  const fix =
    'List the origin under delivery.cors.origins of the tenant; a CDN must forward Origin and keep answers apart by it.';
  await findings.check(`pages on ${origin} can read keys (CORS)`, fix, async () => {
    if (!there) throw new NotHere('the key URL gives no key');
    const { headers } = await get(url, { origin, ...player });
    allows(headers, origin);
    const credentials = headers.get('access-control-allow-credentials') === 'true';
    const any = headers.get('access-control-allow-origin') === '*';
    insist(
      any || /origin/i.test(headers.get('vary') ?? ''),
      'Vary: Origin is missing: a cache gives it to other origins',
      {
        warning: true,
      },
    );
    return any ? 'any origin' : `this origin${credentials ? ', with credentials' : ''}`;
  });
  await findings.check(`pages on ${origin} can read refusals (CORS)`, fix, async () => {
    const { headers, status } = await get(unknownKey(url), { origin, headers: {} });
    insist(status >= 400, `a key ID that does not exist got ${status}`);
    allows(headers, origin);
    return String(status);
  });
  await findings.check(`pages on ${origin} may ask with a token (preflight)`, fix, async () => {
    const { headers, status } = await get(url, {
      method: 'OPTIONS',
      origin,
      headers: { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    });
    insist(status === 204 || status === 200, `OPTIONS got ${status}`);
    allows(headers, origin);
    const allowed = headers.get('access-control-allow-headers') ?? 'nothing';
    insist(/authorization/i.test(allowed), `Access-Control-Allow-Headers is ${allowed}`);
  });
  await findings.check('CORS opens for listed origins only', fix, async () => {
    const { headers } = await get(url, { origin: FOREIGN, ...player });
    const opened = headers.get('access-control-allow-origin');
    insist(opened !== FOREIGN, `${FOREIGN} may read answers: every origin is echoed`);
    return opened === '*' ? 'any origin may, without credentials (cors.origins is *)' : 'refused';
  });
}

function allows(headers, origin) {
  const opened = headers.get('access-control-allow-origin');
  insist(opened === origin || opened === '*', `Access-Control-Allow-Origin is ${opened ?? 'missing'}`);
}

/** The same content, and a key ID that nobody has. */
function unknownKey(url) {
  return url.replace(
    /[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?=[^/]*$)/i,
    '00000000-0000-4000-8000-00000000dead',
  );
}

function get(url, options) {
  return patiently(() => getOnce(url, options));
}

async function getOnce(url, { method = 'GET', origin, headers = {}, query }) {
  const asked = new URL(url);
  for (const [name, value] of new URLSearchParams(query)) asked.searchParams.set(name, value);
  const answer = await fetch(asked, {
    method,
    headers: { ...headers, ...(origin && { origin }) },
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, bytes, code: codeOf(bytes) };
}

/** What a refusal says, when it is an RFC 9457 problem. */
function codeOf(bytes) {
  try {
    return JSON.parse(bytes.toString()).code ?? '';
  } catch {
    return '';
  }
}
