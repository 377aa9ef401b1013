import { randomUUID } from 'node:crypto';
import { FAULTS, PROFILES, requestDocument, VOD } from './documents.mjs';
import { exchange, play } from './encryptor.mjs';
import { LiveEndpoint } from './live-endpoint.mjs';
import { Tally } from './tally.mjs';

/**
 * Encryptors at work on a running server: live endpoints that rotate, VOD jobs, players, a fault now and then; and one
 * endpoint after the other that falls silent, which only whoever watches rotations can tell.
 *
 * @param {object} options
 * @param {string} options.url of the SPEKE door
 * @param {Record<string, string>} options.headers with every request, e.g. an API key
 * @param {number} options.endpoints
 * @param {number} options.periodMs
 * @param {number} options.vodEveryMs 0: none
 * @param {number} options.faultEveryMs 0: none
 * @param {number} options.playEveryMs 0: none
 * @param {number} options.dropAfterMs 0: none is dropped
 * @param {number} options.dropForMs 0: it does not come back
 * @param {string | undefined} options.drop its content ID; any if undefined
 * @param {(line: string) => void} options.say
 * @returns {{ stop(): void, tally: Tally }}
 */
export function simulate(options) {
  const { url, headers, periodMs, say } = options;
  const server = { url, headers };
  const tally = new Tally(say);
  const endpoints = Array.from({ length: options.endpoints }, (_, at) => {
    const profile = PROFILES[at % PROFILES.length];
    const contentId = `live-${String(at + 1).padStart(2, '0')}-${profile.name}`;
    return new LiveEndpoint(contentId, profile, { server, periodMs, observe: tally.observe });
  });
  for (const [at, endpoint] of endpoints.entries()) endpoint.start((at / endpoints.length) * periodMs);
  const timers = [
    every(options.vodEveryMs, () => vodJob(server, tally)),
    every(options.faultEveryMs, () => fault(server, tally)),
    every(options.playEveryMs, () => player(endpoints, tally)),
    every(5_000, () => say(tally.line(endpoints))),
    dropping(endpoints, options),
  ];
  return {
    tally,
    stop: () => {
      for (const timer of timers) clearInterval(timer);
      for (const endpoint of endpoints) endpoint.stop();
    },
  };
}

function every(ms, work) {
  return ms > 0 ? setInterval(() => void work(), ms) : undefined;
}

async function vodJob(server, tally) {
  const contentId = `vod-${randomUUID().slice(0, 8)}`;
  const document = requestDocument(VOD, { contentId, keyIds: VOD.tracks.map(() => randomUUID()) });
  // A job asks once for each output, with the same document.
  for (let output = 1; output <= 2; output++) {
    tally.observe(await exchange(server, VOD, document), { what: contentId, expected: 200 });
  }
}

async function fault(server, tally) {
  const { name, spoil } = FAULTS[Math.floor(Math.random() * FAULTS.length)];
  const keyIds = VOD.tracks.map(() => randomUUID());
  const document = spoil(requestDocument(VOD, { contentId: 'misconfigured', keyIds }));
  tally.observe(await exchange(server, VOD, document), { what: `a document with ${name}`, expected: '4xx' });
}

async function player(endpoints, tally) {
  const playing = endpoints.filter(({ keyUrl }) => keyUrl);
  const endpoint = playing[Math.floor(Math.random() * playing.length)];
  if (endpoint) tally.played(await play(endpoint.keyUrl));
}

function dropping(endpoints, { dropAfterMs, dropForMs, drop, say }) {
  if (dropAfterMs === 0) return undefined;
  return setInterval(() => {
    const awake = endpoints.filter(({ dropped }) => !dropped);
    const endpoint = drop
      ? awake.find(({ contentId }) => contentId === drop)
      : awake[Math.floor(Math.random() * awake.length)];
    if (!endpoint) return;
    endpoint.dropped = true;
    say(
      `DROPPED ${endpoint.contentId}: it asks for no more keys. Its last key ID: ${endpoint.lastKeyIds[0] ?? 'none'}`,
    );
    if (dropForMs > 0) {
      setTimeout(() => {
        endpoint.dropped = false;
        say(`BACK ${endpoint.contentId}`);
      }, dropForMs).unref();
    }
  }, dropAfterMs);
}
