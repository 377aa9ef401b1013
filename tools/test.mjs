// `npm test`: everything that must hold, closed by one line `N passed, N failed, N skipped` over all of it. Lint, types,
// build and boundaries count as one test each. With CI=1 a skipped test is a failed one.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { installMissing } from './parts.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = '.test-results';
const CI = Boolean(process.env.CI) && process.env.CI !== 'false';
/** Every process that a test starts inherits it: whoever still has it at the end was forgotten. */
const RUN = randomUUID();
const ENVIRONMENT = {
  ...process.env,
  // Debian keeps nats-server where only root looks.
  PATH: [join(ROOT, 'node_modules/.bin'), process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter),
  LATCHKEY_TEST_RUN: RUN,
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  FORCE_COLOR: '0',
  ...(CI && { CI: '1' }),
};

const totals = { passed: 0, failed: 0, skipped: 0 };

await main();

async function main() {
  const began = Date.now();
  process.chdir(ROOT);
  countParts(installMissing(ENVIRONMENT));
  await step('formatting (prettier)', ['prettier', '--check', '--log-level', 'warn', '.']);
  await step('lint (oxlint)', ['oxlint', '--deny-warnings']);
  await step('boundaries (dependency-cruiser)', ['node', 'tools/boundaries.mjs']);
  const built = await step('build (tsc)', ['nx', 'run-many', '-t', 'build', '--outputStyle=static']);
  await step('types of the tests (tsc)', ['tsc', '-p', 'tsconfig.test.json']);
  await step('types of the CDK app and its tests (tsc)', ['tsc', '-p', 'deploy/cdk/tsconfig.test.json']);
  if (built) await jestProjects();
  endForgotten();
  console.log(`\n${Math.round((Date.now() - began) / 1000)} s`);
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed > 0 ? 1 : 0;
}

function countParts(missing) {
  if (missing.length === 0) return count('passed', 'system parts');
  count(CI ? 'failed' : 'skipped', 'system parts', `not here: ${missing.join('; ')}`);
}

async function step(name, command) {
  const { status, output } = await run(command);
  count(status === 0 ? 'passed' : 'failed', name, status === 0 ? undefined : output);
  return status === 0;
}

/** The rooms two at a time, then the whole system with the machine to itself. */
async function jestProjects() {
  const projects = workspaces().filter(({ scripts }) => scripts?.test);
  for (const { room } of projects) {
    rmSync(join(room, RESULTS), { recursive: true, force: true });
    mkdirSync(join(room, RESULTS), { recursive: true });
  }
  await jest(projects.filter(({ room }) => room !== 'e2e'));
  await jest(projects.filter(({ room }) => room === 'e2e'));
}

async function jest(projects) {
  const names = projects.map(({ name }) => name).join(',');
  const nx = `nx run-many -t test --projects=${names} --parallel=2 --skip-nx-cache --outputStyle=static`.split(' ');
  const options = `--json --outputFile=${RESULTS}/jest.json --maxWorkers=1 --passWithNoTests --forceExit`.split(' ');
  const { output } = await run([...nx, '--', ...options]);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}/${projects.length > 1 ? 'rooms' : projects[0].room}.log`, output);
  for (const project of projects) countProject(project, output);
}

function countProject({ room }, output) {
  const path = join(room, RESULTS, 'jest.json');
  if (!existsSync(path)) return count('failed', room, `jest gave no results\n${output.slice(-6_000)}`);
  const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
  const before = { ...totals };
  for (const suite of testResults) countSuite(suite);
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((outcome) => totals[outcome] - before[outcome]);
  console.log(`${failed > 0 ? 'FAILED' : 'ok    '} ${room}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}

function countSuite({ name, assertionResults, status, message }) {
  const file = relative(ROOT, name);
  if (status === 'failed' && assertionResults.every((each) => each.status !== 'failed')) {
    tally('failed', file, message);
  }
  for (const { status: outcome, fullName, failureMessages } of assertionResults) {
    if (outcome === 'passed') tally('passed');
    else if (outcome === 'failed') tally('failed', `${file}: ${fullName}`, failureMessages.join('\n'));
    else tally(CI ? 'failed' : 'skipped', `${file}: ${fullName}`, 'skipped');
  }
}

function tally(outcome, name, detail) {
  totals[outcome]++;
  if (outcome === 'failed') console.error(`\nFAILED ${name}\n${indent(detail)}`);
  if (outcome === 'skipped') console.log(`skipped ${name}`);
}

function count(outcome, name, detail) {
  totals[outcome]++;
  console.log(`${{ passed: 'ok    ', failed: 'FAILED', skipped: 'skipped' }[outcome]} ${name}`);
  if (detail) console.log(indent(detail));
}

function indent(text = '') {
  return stripVTControlCharacters(text).trimEnd().replace(/^/gm, '    ');
}

/** Runs a command without a terminal; its output comes back whole. */
function run([command, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    // `exit`, not `close`: a forgotten grandchild may hold the pipes open.
    child.on('exit', (code) =>
      setTimeout(() => resolve({ status: code, output: Buffer.concat(chunks).toString() }), 200),
    );
  });
}

function workspaces() {
  const list = spawnSync('npm', ['query', '.workspace'], { env: ENVIRONMENT, encoding: 'utf8', maxBuffer: 1e8 });
  return JSON.parse(list.stdout).map(({ name, location, scripts }) => ({ name, room: location, scripts }));
}

/** A test that leaves a process running has failed: it would disturb the next run. */
function endForgotten() {
  const forgotten = processesOfThisRun();
  for (const { pid } of forgotten) process.kill(pid, 'SIGKILL');
  const names = forgotten.map(({ pid, command }) => `${pid} ${command}`);
  count(forgotten.length > 0 ? 'failed' : 'passed', 'no process is left behind', names.join('\n'));
}

function processesOfThisRun() {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`LATCHKEY_TEST_RUN=${RUN}`)) return [];
        readlinkSync(`/proc/${pid}/exe`); // a zombie has none
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 200);
        return [{ pid: Number(pid), command }];
      } catch {
        return []; // gone meanwhile, or somebody else's
      }
    });
}
