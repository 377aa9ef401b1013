import { spawnSync } from 'node:child_process';

/** Debian's, unless CHROMIUM names another. */
export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Programs that these tests run and that a machine may lack, and how to get each. */
const PARTS = {
  ffmpeg: { command: 'ffmpeg', arguments: ['-version'], get: 'apt-get install ffmpeg' },
  chromium: { command: CHROMIUM, arguments: ['--version'], get: 'apt-get install chromium' },
  'nats-server': { command: 'nats-server', arguments: ['--version'], get: 'apt-get install nats-server' },
  'shaka-packager': { command: process.execPath, arguments: [packager(), '--version'], get: 'npm ci' },
} as const;

export type Part = keyof typeof PARTS;

/** `describe` where all parts are there. Where one is missing the tests are skipped, and say so; in CI they fail. */
export function describeWith(parts: readonly Part[]): jest.Describe {
  const missing = parts.filter((part) => spawnSync(PARTS[part].command, PARTS[part].arguments).status !== 0);
  if (missing.length === 0) return describe;
  const how = missing.map((part) => `${part} is missing (${PARTS[part].get})`).join(', ');
  if (process.env['CI']) throw new Error(how);
  console.warn(`SKIPPED: ${how}`);
  return describe.skip;
}

/** The launcher of the npm package shaka-packager, which ships the binary; run it with node. */
export function packager(): string {
  return require.resolve('shaka-packager');
}
