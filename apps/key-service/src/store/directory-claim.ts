import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EnvironmentError, type Logger } from '@latchkey/runtime';

/** A directory that this process alone serves, until it closes this or ends. */
export interface DirectoryClaim {
  close(): Promise<void>;
}

const SOCKET = /^key-service-[0-9a-z]{9}-[0-9a-f]{8}\.sock$/;
/** How long one who came first waits for those who came after it to see that, and to go. */
const YIELD_MS = 2_000;
const LOOK_MS = 20;
/** What fits into the `sun_path` of every system, its end included. */
const MAX_SOCKET_PATH = 103;

/**
 * Makes sure that no other process has the directory, as far as this machine's kernel can tell: across containers, but not
 * across machines.
 *
 * Each process listens on a socket of its own name in the directory, and only then looks for others: of two, the later one
 * sees the earlier, whatever comes between. A socket that nobody listens on is that of a process that has died, kill -9
 * included; no process takes its name again, so removing it harms none.
 *
 * Throws EnvironmentError when another process has it. Where sockets cannot be made it warns, and claims nothing.
 */
export async function claimDirectory(directory: string, logger: Logger): Promise<DirectoryClaim> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const place = new Place(directory);
  const name = `key-service-${Date.now().toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}.sock`;
  let server: Server;
  try {
    server = await listen(place.pathOf(name));
  } catch (err) {
    place.close();
    logger.warn({ err }, `see to it that no other process serves ${resolve(directory)}: this one cannot tell`);
    return { close: async () => undefined };
  }
  const claim = { close: () => endListening(server, place, name) };
  if (await isAlone(place, name)) return claim;
  await claim.close();
  throw new EnvironmentError(
    `DATA_DIR: another process serves the keys in ${resolve(directory)}: end that one, or choose another directory with DATA_DIR.`,
  );
}

/** The names begin with the time, so that of two that start at once the one that came first stays, not none. */
async function isAlone(place: Place, name: string): Promise<boolean> {
  const until = performance.now() + YIELD_MS;
  for (;;) {
    const others = await othersAtWork(place, name);
    // Between its name's appearing and its listening, one who looked may have taken it for dead.
    if (others.length === 0) return place.names().includes(name);
    if (others.some((other) => other < name) || performance.now() >= until) return false;
    await wait(LOOK_MS);
  }
}

async function othersAtWork(place: Place, name: string): Promise<string[]> {
  const others = place.names().filter((other) => other !== name);
  const listening = await Promise.all(others.map((other) => isListening(place.pathOf(other))));
  for (const [at, other] of others.entries()) if (!listening[at]) place.remove(other);
  return others.filter((_, at) => listening[at]);
}

/** Also a process that is stopped or busy listens: the kernel answers for it. What cannot be told counts as listening. */
function isListening(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => done(!DEAD.has(code)));
  });
}

/** Nobody listens; it has just been removed; it is a file, from a backup. */
const DEAD = new Set<string | undefined>(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

function listen(path: string): Promise<Server> {
  return new Promise((done, failed) => {
    const server = createServer((socket) => socket.destroy());
    // Also when it listens already: one knock that could not be heard is no reason to end.
    server.on('error', failed);
    server.listen(path, () => done(server.unref()));
  });
}

async function endListening(server: Server, place: Place, name: string): Promise<void> {
  await new Promise((closed) => server.close(closed));
  place.remove(name);
  place.close();
}

/** Where the sockets are. Its own path may be longer than a socket's path can be, so on Linux it goes by its descriptor. */
class Place {
  readonly #directory: string;
  readonly #descriptor: number | undefined;

  constructor(directory: string) {
    this.#directory = resolve(directory);
    this.#descriptor = process.platform === 'linux' ? openSync(directory, 'r') : undefined;
  }

  names(): string[] {
    return readdirSync(this.#directory).filter((name) => SOCKET.test(name));
  }

  /** Throws when there is no path to it that is short enough. */
  pathOf(name: string): string {
    const path = join(this.#directory, name);
    if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
    if (this.#descriptor === undefined) throw new Error(`${path} is longer than a socket's path can be`);
    return `/proc/self/fd/${this.#descriptor}/${name}`;
  }

  remove(name: string): void {
    rmSync(join(this.#directory, name), { force: true });
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}
