import { createServer } from 'node:net';

/**
 * Below the ports that Linux gives to connections and to whoever listens on port 0 (ip_local_port_range), so that nobody
 * takes it by chance between now and its use.
 */
const FROM = 15_000;
const TO = 32_000;

/** A port of the loopback that nobody listens on, for a process that must be told its port. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
