// `npm test`: everything that must hold, closed by one line `N passed, N failed, N skipped` over all of it. Lint, types,
// build and boundaries count as one test each. With CI=1 a skipped test is a failed one.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative, sep } from 'node:path';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { installMissing, pathWithServers } from './parts.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = '.test-results';
const CI = Boolean(process.env.CI) && process.env.CI !== 'false';
/** All temporary files of the run: what is left there at its end was forgotten. */
const TEMPORARY = mkdtempSync(join(tmpdir(), 'latchkey-test-'));
/** Every process that a test starts inherits it: whoever still has it at the end was forgotten. */
const RUN = randomUUID();
const ENVIRONMENT = {
  ...process.env,
  PATH: [join(ROOT, 'node_modules/.bin'), pathWithServers(process.env)].join(delimiter),
  LATCHKEY_TEST_RUN: RUN,
  TMPDIR: TEMPORARY,
  // Compilers that ask for it keep what V8 made of them in TMPDIR, which is gone afterwards.
  NODE_DISABLE_COMPILE_CACHE: '1',
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  FORCE_COLOR: '0',
  ...(CI && { CI: '1' }),
};

/** One compiler for all rooms is twice as fast as Nx with one for each; what Nx has left is the console's pages. */
const BUILD = 'tsc -b apps/* libs/* deploy/cdk && nx build @latchkey/monitor --excludeTaskDependencies';

const totals = { passed: 0, failed: 0, skipped: 0 };

await main();

async function main() {
  const began = Date.now();
  process.chdir(ROOT);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, giveUp);
  countParts(installMissing(ENVIRONMENT));
  const built = await twoAtATime([
    ['build (tsc)', ['sh', '-c', BUILD]],
    ['formatting (prettier)', ['prettier', '--check', '--log-level', 'warn', '.']],
    ['boundaries (dependency-cruiser)', ['node', 'tools/boundaries.mjs']],
    ['lint (oxlint)', ['oxlint', '--deny-warnings']],
    ['types of the tests (tsc)', ['tsc', '-p', 'tsconfig.test.json']],
    ['types of the CDK app and its tests (tsc)', ['tsc', '-p', 'deploy/cdk/tsconfig.test.json']],
  ]);
  if (built) await jest();
  endForgotten();
  clearUp();
  console.log(`\n${Math.round((Date.now() - began) / 1000)} s`);
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed > 0 ? 1 : 0;
}

/** Whether the first of them went well. */
async function twoAtATime(steps) {
  const left = [...steps];
  const outcomes = new Map();
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) outcomes.set(next, await step(...next));
  };
  await Promise.all([work(), work()]);
  return outcomes.get(steps[0]);
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

/** All rooms in one run, on one DynamoDB Local that stays warm. */
async function jest() {
  rmSync(RESULTS, { recursive: true, force: true });
  mkdirSync(RESULTS, { recursive: true });
  const results = join(RESULTS, 'jest.json');
  const dynamoDb = await sharedDynamoDb();
  const environment = { LATCHKEY_BUILT: '1', ...(dynamoDb && { LATCHKEY_DYNAMODB_LOCAL: dynamoDb.endpoint }) };
  const options = ['--json', `--outputFile=${results}`, '--forceExit'];
  const { output } = await run(['jest', ...options], environment, `${RESULTS}/jest.log`);
  await dynamoDb?.close();
  if (!existsSync(results)) return count('failed', 'jest', `it gave no results\n${output.slice(-6_000)}`);
  const suites = JSON.parse(readFileSync(results, 'utf8')).testResults;
  for (const room of new Set(suites.map(roomOf))) {
    const ofRoom = suites.filter((suite) => roomOf(suite) === room);
    countRoom(room, ofRoom);
  }
}

async function sharedDynamoDb() {
  const { dynamoDbLocalMissing, startDynamoDbLocal } = await import('@latchkey/testing');
  Object.assign(process.env, { TMPDIR: TEMPORARY, LATCHKEY_TEST_RUN: RUN });
  return dynamoDbLocalMissing() ? undefined : startDynamoDbLocal();
}

/** `libs/bus` of `<root>/libs/bus/test/x.test.ts`. */
function roomOf({ name }) {
  const [room = ''] = relative(ROOT, name).split(`${sep}test${sep}`);
  return room;
}

function countRoom(room, suites) {
  const before = { ...totals };
  for (const suite of suites) countSuite(suite);
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

/** Runs a command without a terminal; its output comes back whole, and goes to `log`, to be looked at meanwhile. */
function run([command, ...args], environment = {}, log = undefined) {
  return new Promise((resolve, reject) => {
    const env = { ...ENVIRONMENT, ...environment };
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    const onData = (chunk) => {
      chunks.push(chunk);
      if (log) appendFileSync(log, chunk);
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', reject);
    const done = (status) => resolve({ status, output: Buffer.concat(chunks).toString() });
    child.on('close', done);
    // A forgotten grandchild may hold the pipes open.
    child.on('exit', (code) => setTimeout(() => done(code), 5_000).unref());
  });
}

/** A test that leaves a process running has failed: it would disturb the next run. */
function endForgotten() {
  const forgotten = processesOfThisRun();
  for (const { pid } of forgotten) process.kill(pid, 'SIGKILL');
  const names = forgotten.map(({ pid, command }) => `${pid} ${command}`);
  count(forgotten.length > 0 ? 'failed' : 'passed', 'no process is left behind', names.join('\n'));
}

/** Nor may it leave files behind: hundreds of runs would fill a disk. */
function clearUp() {
  const left = existsSync(TEMPORARY) ? readdirSync(TEMPORARY) : [];
  rmSync(TEMPORARY, { recursive: true, force: true });
  count(left.length > 0 ? 'failed' : 'passed', 'no temporary file is left behind', left.join('\n'));
}

function giveUp() {
  endForgotten();
  clearUp();
  process.exit(130);
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
