// What an image holds, as a folder: `node deploy/docker/image-tree.mjs <app> <folder>`. The Dockerfile runs it in its build
// stage; tools/test/image-tree.test.ts runs it and then an app from the folder, so the two are one way of building.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const HOUSE = '@latchkey/';
/** Of our own packages: sources and what only builds and tests need. */
const NOT_SHIPPED = new Set(['src', 'test', 'web', 'fixtures', 'node_modules', '.test-results']);
/** Of all packages: types, maps and prose. Licences and package.json stay, for those who make SBOMs. */
const NEVER_RUN =
  /\.(d\.[cm]?ts|map|tsbuildinfo|md|markdown)$|^tsconfig.*\.json$|^\.(eslintrc|npmignore|prettierrc).*$/;

main(process.argv.slice(2));

function main(args) {
  const pairs = args.flatMap((app, at) => (at % 2 === 0 ? [[app, args[at + 1]]] : []));
  if (pairs.length === 0 || args.length % 2 === 1) throw new Error('image-tree.mjs <app> <folder> [<app> <folder> …]');
  buildApps(pairs.map(([app]) => app));
  for (const [app, folder] of pairs) {
    const packages = makeImageTree(app, resolve(folder));
    process.stdout.write(`${app}: ${packages.length} packages in ${folder}\n`);
  }
}

/** With nx, from its cache where nothing has changed. */
function buildApps(apps) {
  const projects = apps.map((app) => HOUSE + app).join(',');
  const nx = join(ROOT, 'node_modules/.bin/nx');
  const { status, stdout, stderr } = spawnSync(
    nx,
    ['run-many', '-t', 'build', '-p', projects, '--outputStyle=static'],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
    },
  );
  if (status !== 0) throw new Error(`nx build failed\n${stdout}${stderr}`);
}

/** Puts a built app and all that it needs at run time, and nothing else, into a folder. Gives the packages' names. */
function makeImageTree(app, folder) {
  const start = join(ROOT, 'apps', app);
  if (!existsSync(join(start, 'dist/main.js'))) throw new Error(`apps/${app} is not built`);
  const packages = closureOf(start);
  for (const from of packages) copyPackage(from, join(folder, placeOf(from)));
  writeFileSync(join(folder, 'main.js'), `require('./node_modules/${HOUSE}${app}/dist/main.js');\n`);
  cpSync(join(ROOT, 'deploy/docker/healthcheck.js'), join(folder, 'healthcheck.js'));
  return packages.map((from) => readManifest(from).name);
}

/** The folders of a package and of what it needs, each once, found as Node.js finds them. */
function closureOf(start) {
  const found = new Set([start]);
  for (const from of found) {
    for (const { name, optional } of needsOf(readManifest(from))) {
      const at = locate(name, from);
      if (at) found.add(at);
      else if (!optional) throw new Error(`${relative(ROOT, from)} needs ${name}, which is not installed`);
    }
  }
  return [...found];
}

/** Peers too: whoever uses Nest has them. Of what is optional, what the lock file installed for this platform. */
function needsOf({ dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }) {
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  return [
    ...Object.keys(dependencies).map((name) => ({ name, optional: name in optionalDependencies })),
    ...[...Object.keys(optionalDependencies), ...peers].map((name) => ({ name, optional: true })),
  ];
}

function locate(name, from) {
  for (let folder = from; folder.startsWith(ROOT); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (basename(folder) !== 'node_modules' && existsSync(join(candidate, 'package.json')))
      return realpathSync(candidate);
  }
  return undefined;
}

/** `libs/cenc` → `node_modules/@latchkey/cenc`, with what lies in its own node_modules below it; others stay where npm put them. */
function placeOf(from) {
  const [kind, room, ...rest] = relative(ROOT, from).split(sep);
  if (kind === 'node_modules') return relative(ROOT, from);
  return join('node_modules', readManifest(join(ROOT, kind, room)).name, ...rest);
}

function copyPackage(from, to) {
  const ours = !relative(ROOT, from).split(sep).includes('node_modules');
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name === 'node_modules' || (ours && NOT_SHIPPED.has(name))) continue;
    cpSync(join(from, name), join(to, name), { recursive: true, filter: (path) => !NEVER_RUN.test(basename(path)) });
  }
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
