const ATTEMPTS = 3;
const LONGEST_MS = 2_000;

/** A server that is busy says when to come again; encryptors and players do, and so does whoever examines it. */
export async function patiently(ask) {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    if (answer.status !== 503 || attempt === ATTEMPTS) return answer;
    const seconds = Number(answer.headers.get('retry-after') ?? 1);
    await new Promise((wake) => setTimeout(wake, Math.min(LONGEST_MS, (seconds || 1) * 1_000)));
  }
}
