// Serves the page, the players from node_modules (no CDN) and the media, and plays the login server that gives tokens out.
import { randomBytes } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const PAGE = fileURLToPath(new URL('page', import.meta.url));
const PLAYERS = {
  '/hls.js': require.resolve('hls.js/dist/hls.min.js'),
  '/shaka-player.js': join(dirname(require.resolve('shaka-player')), 'shaka-player.compiled.js'),
};
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.ts': 'video/mp2t',
  '.mpd': 'application/dash+xml',
  '.mp4': 'video/mp4',
  '.m4s': 'video/mp4',
};

export async function servePage(port) {
  const shown = { folder: undefined, presentations: [], system: undefined };
  const server = createServer((request, response) => {
    answer(shown, request, response).catch((error) => sendJson(response, 500, { error: error.message }));
  });
  await new Promise((listening, failed) => server.once('error', failed).listen(port, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    show: (folder, presentations, system) => Object.assign(shown, { folder, presentations, system }),
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

async function answer(shown, request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://page');
  if (pathname === '/presentations') return sendJson(response, 200, shown.presentations);
  if (pathname === '/token') return sendJson(response, 200, await token(shown, searchParams));
  if (pathname === '/revoke' && request.method === 'POST') {
    const { contentId, keyIds } = presentation(shown, searchParams);
    await shown.system.revoke(contentId, keyIds.slice(Number(searchParams.get('from') ?? 0)));
    return sendJson(response, 200, {});
  }
  const path = normalize(decodeURIComponent(pathname));
  if (path.startsWith('/media/')) return sendFile(response, join(shown.folder, path.slice('/media'.length)));
  return sendFile(response, PLAYERS[path] ?? join(PAGE, path === '/' ? 'index.html' : path));
}

/** The tokens that the page offers: what each shows is in its name. */
const TOKENS = {
  right: (system, { contentId }) => system.mint({ contentId }),
  none: () => null,
  forged: (system, { contentId }) => system.mint({ contentId }, randomBytes(32)),
  expired: (system, { contentId }) => system.mint({ contentId, expiresIn: -60 }),
  other: (system) => system.mint({ contentId: 'some other film' }),
};

async function token(shown, searchParams) {
  const kind = searchParams.get('kind') ?? '';
  if (!Object.hasOwn(TOKENS, kind)) throw new Error(`there is no token ${kind}`);
  return { token: await TOKENS[kind](shown.system, presentation(shown, searchParams)) };
}

function presentation({ presentations }, searchParams) {
  const found = presentations[Number(searchParams.get('presentation'))];
  if (!found) throw new Error('there is no such presentation');
  return found;
}

function sendJson(response, status, content) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(content));
}

/** Keys, tokens and the server's own data lie beside the media: only what a packager publishes goes out. */
function sendFile(response, path) {
  const type = TYPES[extname(path)];
  const size = type && statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined || path.includes('/clear/')) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-type': type, 'content-length': size, 'cache-control': 'no-store' });
  createReadStream(path).pipe(response);
}
