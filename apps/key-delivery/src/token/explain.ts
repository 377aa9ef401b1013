import type { KeyId } from '@latchkey/cenc';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Denial } from '../denial';
import type { Entitlement, PlayerRequest } from '../entitlement';

export interface Explained {
  readonly entitlement: Entitlement;
  readonly tenant: string;
  readonly content: string;
  readonly keyId: KeyId | undefined;
  readonly address: string;
}

/** What is in a token, and what the server says to a request that shows it (as token, query and cookie). In lines. */
export async function explain(shown: string, about: Explained): Promise<string[]> {
  return [...contents(shown), '', await verdict(shown, about)];
}

function contents(shown: string): string[] {
  try {
    const { exp, nbf, iat, ...claims } = decodeJwt(shown);
    const times = Object.entries({ iat, nbf, exp }).flatMap(([name, time]) =>
      time === undefined ? [] : [`${name}: ${inWords(time)}`],
    );
    const lines = Object.entries({ ...decodeProtectedHeader(shown), ...claims }).map(
      ([name, value]) => `${name}: ${JSON.stringify(value)}`,
    );
    return [...lines, ...times];
  } catch {
    return Object.entries(queryOf(shown)).map(
      ([name, value]) => `${name}: ${name === 'expires' ? inWords(Number(value)) : value}`,
    );
  }
}

function inWords(epochSeconds: number): string {
  const seconds = Math.round(epochSeconds - Date.now() / 1_000);
  const distance = `${Math.abs(seconds)} s ${seconds < 0 ? 'ago' : 'from now'}`;
  return Number.isFinite(seconds)
    ? `${new Date(epochSeconds * 1_000).toISOString()} (${distance})`
    : String(epochSeconds);
}

async function verdict(shown: string, { entitlement, tenant, content, keyId, address }: Explained): Promise<string> {
  const request: PlayerRequest = {
    content: { tenant, contentId: content },
    keyId,
    headers: { authorization: `Bearer ${shown}`, cookie: shown },
    query: queryOf(shown),
    address,
  };
  try {
    const grant = await entitlement.judge(request);
    if (keyId !== undefined && !grant.names(keyId)) throw new Denial('key-not-granted');
    const until = grant.endsAt === undefined ? '' : `, until ${inWords(grant.endsAt / 1_000)}`;
    return `Let in: ${keyId === undefined ? 'content' : `key ${keyId} of content`} ${JSON.stringify(content)}${until}`;
  } catch (error) {
    if (!(error instanceof Denial)) throw error;
    return `Refused: ${error.status} ${error.reason}. ${error.detail}.`;
  }
}

function queryOf(shown: string): Record<string, string> {
  const query = shown.slice(shown.indexOf('?') + 1);
  return Object.fromEntries(new URLSearchParams(query));
}
