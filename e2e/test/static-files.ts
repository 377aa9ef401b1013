import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mpd': 'application/dash+xml',
  '.mp4': 'video/mp4',
};

export interface StaticFiles {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves folders by the first part of the path, with byte ranges, on the loopback. */
export async function serveFolders(folders: Readonly<Record<string, string>>): Promise<StaticFiles> {
  const server = createServer((request, response) => serve(folders, request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function serve(folders: Readonly<Record<string, string>>, request: IncomingMessage, response: ServerResponse): void {
  const [, first = '', ...rest] = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)).split(
    '/',
  );
  const folder = folders[first];
  const file = folder && join(folder, ...rest);
  const size = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })?.size;
  if (file === undefined || size === undefined) return void response.writeHead(404).end();
  const type = { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'accept-ranges': 'bytes' };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (!range) {
    response.writeHead(200, { ...type, 'content-length': size });
    return void createReadStream(file).pipe(response);
  }
  const start = Number(range[1]);
  const end = Math.min(range[2] ? Number(range[2]) : size - 1, size - 1);
  response.writeHead(206, {
    ...type,
    'content-length': end - start + 1,
    'content-range': `bytes ${start}-${end}/${size}`,
  });
  createReadStream(file, { start, end }).pipe(response);
}
