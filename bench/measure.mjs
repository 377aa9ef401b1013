// Drives a URL from this process and reads what that cost the processes that answered.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Has code compiled before it is measured: `count` requests, each kind in turn. */
export function warmUp({ url, requests, count }) {
  return new Promise((resolve, reject) => {
    const done = (error) => (error ? reject(error) : resolve());
    autocannon({ url, connections: 8, amount: count, requests, timeout: 10 }, done);
  });
}

/**
 * @param request autocannon's options of one request (method, headers, body, path)
 * @param next called for each request, answers with its body, for questions that were never asked before
 * @returns requests per second, percentiles in ms, CPU ms a request (of all `processes` together and of each)
 */
async function drive({ url, request, next, connections, seconds, processes }) {
  await load({ url, request, next, connections, seconds: Math.min(0.5, seconds) });
  const before = cpuTimes(processes);
  const { times, failed, elapsed, example } = await load({ url, request, next, connections, seconds });
  const after = cpuTimes(processes);
  times.sort((a, b) => a - b);
  const cpu = new Map([...after].map(([name, ms]) => [name, (ms - before.get(name)) / times.length]));
  return {
    rate: times.length / elapsed,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    cpuMs: [...cpu.values()].reduce((sum, each) => sum + each, 0),
    cpu,
    failed,
    example,
  };
}

/**
 * The loads one after the other, again and again, so that what else the machine does falls on all of them.
 * @returns what `drive` gives for each load: the means of its rounds
 */
export async function takeTurns(loads, rounds) {
  const results = loads.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, each] of loads.entries()) results[at].push(await drive(each));
  }
  return results.map(together);
}

function together(results) {
  const mean = (value) => results.reduce((sum, each) => sum + value(each), 0) / results.length;
  const fields = ['rate', 'p50', 'p99', 'cpuMs'].map((field) => [field, mean((each) => each[field])]);
  return {
    ...Object.fromEntries(fields),
    cpu: new Map([...results[0].cpu.keys()].map((name) => [name, mean(({ cpu }) => cpu.get(name))])),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    example: results.find(({ example }) => example)?.example,
  };
}

function load({ url, request, next, connections, seconds }) {
  return new Promise((resolve, reject) => {
    const times = [];
    let failed = 0;
    let example;
    const began = performance.now();
    const requests = [next ? { ...request, setupRequest: (each) => ({ ...each, body: next() }) } : request];
    const instance = autocannon({ url, connections, duration: seconds, requests, timeout: 10 }, (error, result) => {
      if (error) return reject(error);
      failed += result.errors;
      resolve({ times, failed, example, elapsed: (performance.now() - began) / 1000 });
    });
    instance.on('response', (_client, status, _bytes, ms) => {
      times.push(ms);
      if (status === 200) return;
      failed++;
      example ??= status;
    });
  });
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** User and system time in ms by name: fields 14 and 15 of proc(5) stat. */
function cpuTimes(processes) {
  return new Map(
    [...processes].map(([name, pid]) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [user, system] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13)
        .map(Number);
      return [name, ((user + system) * 1000) / TICKS_PER_SECOND];
    }),
  );
}

/** `--name value` of the command line. */
export function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
}

export function table(header, rows) {
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => String(row[at]).length)));
  const line = (cells) =>
    cells
      .map((cell, at) => (at === 0 ? String(cell).padEnd(widths[at]) : String(cell).padStart(widths[at])))
      .join('  ');
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
