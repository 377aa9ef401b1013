// The server under demonstration: a process of its own, driven only through its doors.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ISSUER = 'https://login.example.com';
const AUDIENCE = 'latchkey-demo';

/** One-machine mode whose players need a token, and may come from the demo's page only. */
export async function startSystem(folder, pageOrigin) {
  const tokenSecret = randomBytes(32);
  const operatorToken = randomBytes(32).toString('base64url');
  const tenants = writeJson(folder, 'tenants.json', { tenants: [tenant(tokenSecret, pageOrigin)] });
  const access = writeJson(folder, 'access.json', {
    tokens: [
      { id: 'demo', sha256: createHash('sha256').update(operatorToken).digest('hex'), roles: ['viewer', 'operator'] },
    ],
  });
  const [speke, delivery, console_] = await Promise.all([freePort(), freePort(), freePort()]);
  const child = spawn(process.execPath, [join(ROOT, 'apps/standalone/dist/main.js')], {
    env: {
      ...process.env,
      DATA_DIR: join(folder, 'data'),
      TENANTS_FILE: tenants,
      CONSOLE_ACCESS_FILE: access,
      SPEKE_PORT: String(speke),
      DELIVERY_PORT: String(delivery),
      CONSOLE_PORT: String(console_),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
    // Ctrl-C reaches it through stop(), not from the terminal.
    detached: true,
  });
  const system = {
    spekeUrl: `http://127.0.0.1:${speke}/copyProtection`,
    deliveryUrl: `http://127.0.0.1:${delivery}`,
    mint: (claims, secret = tokenSecret) => mint(claims, secret),
    revoke: (contentId, keyIds) => revoke(`http://127.0.0.1:${console_}`, operatorToken, contentId, keyIds),
    stop: () => end(child),
  };
  await ready(child, [speke, delivery, console_]);
  return system;
}

function tenant(tokenSecret, pageOrigin) {
  return {
    id: 'default',
    // One box for all tracks: Shaka Packager writes the same into every init segment, and a CDM reads only the first.
    signaling: { hlsIv: true, clearkey: { keyIds: 'all' } },
    delivery: {
      entitlement: {
        mode: 'jwt',
        algorithms: ['HS256'],
        secrets: [{ secret: tokenSecret.toString('base64url') }],
        issuer: ISSUER,
        audience: AUDIENCE,
        clockSkewSeconds: 0,
      },
      cors: { origins: [pageOrigin] },
    },
  };
}

/** A token as a login server would give it to a viewer. */
function mint({ contentId, expiresIn = 3_600 }, secret) {
  return new SignJWT({ contentId })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('demo-viewer')
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresIn)
    .sign(secret);
}

async function revoke(consoleUrl, operatorToken, contentId, keyIds) {
  const response = await fetch(`${consoleUrl}/v1/contents/${encodeURIComponent(contentId)}/revoke`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ keyIds, reason: 'demo' }),
  });
  if (!response.ok) throw new Error(`revoke: ${response.status} ${await response.text()}`);
}

async function ready(child, ports) {
  while (!(await Promise.all(ports.map(isReady))).every(Boolean)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

async function isReady(port) {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false; // not listening yet
  }
}

function end(child) {
  if (child.exitCode !== null) return undefined;
  return new Promise((ended) => {
    child.once('exit', ended);
    child.kill('SIGTERM');
  });
}

function writeJson(folder, name, content) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return path;
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}
