/** What the server said no with: RFC 9457. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

export interface Asking {
  readonly method?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Asks the ops API with the token of this session. Throws Problem. */
export async function ask(token: string | undefined, path: string, asking: Asking = {}): Promise<Response> {
  const answer = await fetch(path, {
    method: asking.method ?? 'GET',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(asking.body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(asking.body !== undefined && { body: JSON.stringify(asking.body) }),
    ...(asking.signal && { signal: asking.signal }),
    credentials: 'omit',
    cache: 'no-store',
  });
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  return new Problem(answer.status, body.code ?? 'unknown', body.detail ?? `The server answered ${answer.status}`);
}

/** `/path?name=value…` without what is empty. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
}
