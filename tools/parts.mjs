// The parts of the system that npm does not bring, and what Debian calls them.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const PARTS = [
  { binary: 'nats-server', debian: 'nats-server', what: 'the real bus' },
  { binary: 'xmllint', debian: 'libxml2-utils', what: 'CPIX schema checks' },
  { binary: 'java', debian: 'default-jre-headless', what: 'DynamoDB Local' },
  { binary: 'ffmpeg', debian: 'ffmpeg', what: 'clips for the players' },
  { binary: 'chromium', debian: 'chromium', what: 'browser tests' },
  { binary: 'promtool', debian: 'prometheus', what: 'alarm rules' },
  { binary: 'docker-compose', debian: 'docker-compose', what: 'a check of docker-compose.yml' },
];

/**
 * Installs what is missing, of the parts named or of all, where that can be done; answers with what is still missing, and how to
 * get it.
 */
export function installMissing(environment, binaries = PARTS.map(({ binary }) => binary)) {
  const parts = PARTS.filter(({ binary }) => binaries.includes(binary));
  const missing = parts.filter(({ binary }) => !isThere(binary, environment));
  if (missing.length > 0 && process.getuid?.() === 0 && isThere('apt-get', environment)) {
    aptGet(missing, environment);
  }
  return parts
    .filter(({ binary }) => !isThere(binary, environment))
    .map(({ binary, debian, what }) => `${binary} (${what}; apt-get install ${debian})`);
}

/** A PATH on which Debian's servers are found too: they lie where only root looks. */
export function pathWithServers({ PATH }) {
  return [PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter);
}

function aptGet(parts, environment) {
  const packages = parts.map(({ debian }) => debian);
  console.log(`installing ${packages.join(', ')}`);
  const env = { ...environment, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  apt('update', '-q');
  // One by one when all at once does not work: a release may lack one of them.
  if (apt('install', '-y', '-q', '--no-install-recommends', ...packages)) return;
  for (const each of packages) apt('install', '-y', '-q', '--no-install-recommends', each);
}

function isThere(binary, { PATH = '' }) {
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, binary), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
