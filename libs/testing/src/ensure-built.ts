import { execFileSync } from 'node:child_process';

/** Has the JavaScript of a room made, for tests that run it in a process. `npm test` has made all of it, and says so. */
export function ensureBuilt(room: string): void {
  if (process.env['LATCHKEY_BUILT'] !== undefined) return;
  execFileSync('npx', ['tsc', '-b', '.'], { cwd: room, stdio: 'inherit' });
}
