// The way to the door: TLS, clocks, how long an answer takes.
import { connect } from 'node:tls';
import { Complaint, insist, NotHere } from '../findings.mjs';

const DAY_MS = 86_400_000;
const LEAST_DAYS = 14;
/** AWS refuses signatures that are 5 minutes off; players' tokens bear 30 s. */
const MOST_SKEW_MS = 30_000;
const SLOW_MS = 1_000;

export async function checkTls(findings, url) {
  await findings.check(
    'TLS: the certificate is strong, trusted and fresh',
    'Give the door a certificate of a public authority (ACM in front of it, or SPEKE_TLS_CERTIFICATE and SPEKE_TLS_KEY), renewed by itself.',
    async () => {
      if (url.protocol === 'http:' && isLoopback(url.hostname)) throw new NotHere('plain HTTP on loopback');
      insist(url.protocol === 'https:', 'plain HTTP: keys and credentials can be read on the way');
      const { protocol, certificate, fault } = await handshake(url);
      const key = certificate.publicKey;
      const bits = key.asymmetricKeyDetails?.modulusLength;
      insist(key.asymmetricKeyType !== 'rsa' || bits >= 2048, `its RSA key has ${bits} bits`);
      insist(fault === undefined, `it is not trusted: ${fault}`);
      const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / DAY_MS);
      insist(days >= LEAST_DAYS, `it ends in ${days} days`, { warning: days >= 0 });
      insist(/^TLSv1\.[23]$/.test(protocol), `it speaks ${protocol}`);
      return `${protocol}, ${key.asymmetricKeyType}${bits ? ` ${bits}` : ''}, ${days} days left`;
    },
  );
}

function handshake(url) {
  return new Promise((resolve, reject) => {
    const servername = /^[\d.]+$|:/.test(url.hostname) ? '' : url.hostname;
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 443),
      servername,
      rejectUnauthorized: false,
      timeout: 5_000,
    });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      const fault = socket.authorized
        ? undefined
        : String(socket.authorizationError?.code ?? socket.authorizationError);
      const protocol = socket.getProtocol();
      socket.destroy();
      resolve({ protocol, certificate, fault });
    });
    socket.once('timeout', () => socket.destroy(new Error('no handshake within 5 s')));
    socket.once('error', reject);
  });
}

export async function checkClock(findings, door) {
  await findings.check(
    'the clocks agree',
    'Synchronise the clock of the server (or of this machine) by NTP: signatures, tokens and certificates depend on it.',
    () => {
      const { theirs, before, after } = door.lastClock ?? {};
      if (!theirs) throw new NotHere('answers carry no Date');
      // Date has whole seconds: it may be up to one behind.
      const at = Date.parse(theirs);
      const skew = Math.max(before - (at + 1_000), at - after, 0);
      insist(skew <= MOST_SKEW_MS, `they are ${Math.round(skew / 1_000)} s apart`);
      return skew === 0 ? 'within a second' : `${Math.round(skew / 100) / 10} s apart`;
    },
  );
}

/** Known keys, asked for again one after the other: what an encryptor waits before a period. */
export async function checkLatency(findings, door, wish, calls) {
  await findings.check(
    'answers come in time',
    'Put encryptor, API Gateway and server into one region; the hops on the dashboard say where the time goes.',
    async () => {
      const times = [];
      for (let at = 0; at < calls; at++) {
        const { status, ms } = await door.ask(wish);
        insist(status === 200, `request ${at + 1} of ${calls} got ${status}`, {
          fix: 'Look at the log of the gateway; at 429, raise the limits of the tenant.',
        });
        times.push(ms);
      }
      times.sort((a, b) => a - b);
      const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
      const said = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms over ${calls} calls`;
      if (p99 > SLOW_MS) throw new Complaint(said, { warning: true });
      return said;
    },
  );
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

export function isLoopback(hostname) {
  return /^(localhost|127(\.\d+){3}|\[::1\]|.*\.localhost)$/.test(hostname);
}
