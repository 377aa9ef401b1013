import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ANSWERS } from './problem';

/**
 * Answers what Node's HTTP parser could not make a request of, and closes: nothing after it on that connection can be
 * trusted to begin where it seems to.
 */
export function refuseMalformed(headers: Readonly<Record<string, string>>) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    // With an answer begun, a second one would be read as part of it.
    if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
      socket.destroy();
      return;
    }
    socket.end(rawAnswer(statusOf(error), headers), () => socket.destroySoon());
  };
}

function statusOf(error: NodeJS.ErrnoException): number {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 431;
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

function rawAnswer(status: number, headers: Readonly<Record<string, string>>): string {
  const body = ANSWERS[status]?.detail ?? '';
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
}
