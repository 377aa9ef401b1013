const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ', skipped: 'skipped' };

/** For people: what is wrong, and what to do, under each line. */
export function report(url, { findings, contentId, requests }) {
  const width = Math.max(...findings.list.map(({ name }) => name.length));
  const lines = findings.list.flatMap(({ outcome, name, detail, fix }) => [
    `${MARKS[outcome]}  ${name.padEnd(width)}  ${detail}`.trimEnd(),
    ...(fix ? [`         ${fix}`] : []),
  ]);
  const counts = ['ok', 'warning', 'failed', 'skipped'].map((outcome) => `${findings.count(outcome)} ${outcome}`);
  return [
    `Latchkey doctor at ${url}`,
    `It asked ${requests} times; the keys that it had made are those of content ID ${contentId}.`,
    '',
    ...lines,
    '',
    counts.join(', '),
  ].join('\n');
}

/** For programs. */
export function reportJson(url, { findings, contentId, requests }) {
  return JSON.stringify({ url, contentId, requests, findings: findings.list }, undefined, 2);
}
