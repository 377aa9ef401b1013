// `npm run demo [-- --port 8090]`: starts the server, has a clip packaged with keys from it over SPEKE, and serves a page that
// plays it, with a token and without.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageHlsAes128 } from './aes-128.mjs';
import { packageClearKey } from './clear-key.mjs';
import { makeClip } from './clip.mjs';
import { servePage } from './page-server.mjs';
import { startSystem } from './system.mjs';

const { values: options } = parseArgs({ options: { port: { type: 'string', default: '8090' } } });

const folder = mkdtempSync(join(tmpdir(), 'latchkey-demo-'));
let system;
let page;
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(0));

try {
  page = await servePage(Number(options.port));
  say('starting the server');
  system = await startSystem(folder, page.url);
  say('making a clip (ffmpeg)');
  const clip = await makeClip(folder);
  say('packaging it with keys from the server (SPEKE; ffmpeg, shaka-packager)');
  const presentations = [
    await packageHlsAes128(system, clip, join(folder, 'hls-aes-128')),
    ...(await packageClearKey(system, clip, join(folder, 'cenc'), 'cenc')),
    ...(await packageClearKey(system, clip, join(folder, 'cbcs'), 'cbcs')),
  ];
  page.show(folder, presentations, system);
  say(`\n  ${page.url}\n\nOpen it in a browser. Ctrl-C stops.`);
} catch (error) {
  const missing = error.code === 'ENOENT' && error.path === 'ffmpeg';
  console.error(missing ? 'ffmpeg is not installed (Debian: apt-get install ffmpeg)' : error.message);
  await stop(1);
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  await page?.close();
  await system?.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

function say(text) {
  console.log(text);
}
