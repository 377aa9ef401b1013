// One exchange over HTTP, as an encryptor makes it.

/** @returns {Promise<{ status: number, ms: number, body: string }>} status 0: no answer */
export async function exchange({ url, headers }, profile, document) {
  const from = performance.now();
  try {
    const answer = await fetch(`${url}/copyProtection`, {
      method: 'POST',
      headers: {
        'content-type': 'application/xml',
        'user-agent': profile.agent,
        ...(profile.version === '1.0' ? {} : { 'x-speke-version': profile.version }),
        ...headers,
      },
      body: document,
      signal: AbortSignal.timeout(10_000),
    });
    return { status: answer.status, ms: performance.now() - from, body: await answer.text() };
  } catch (error) {
    return { status: 0, ms: performance.now() - from, body: error.cause?.code ?? error.name };
  }
}

/** Where a player would fetch its key: from the HLS lines, or from SPEKE 1's URIExtXKey. */
export function keyUrlIn(answer) {
  const v1 = /<(?:\w+:)?URIExtXKey>([^<]+)</.exec(answer)?.[1];
  if (v1) return Buffer.from(v1, 'base64').toString();
  const media = /<(?:\w+:)?HLSSignalingData playlist="media">([^<]+)</.exec(answer)?.[1];
  return media && /URI="([^"]+)"/.exec(Buffer.from(media, 'base64').toString())?.[1];
}

/** @returns {Promise<boolean>} whether a key came: exactly 16 bytes */
export async function play(keyUrl) {
  try {
    const answer = await fetch(keyUrl, { signal: AbortSignal.timeout(5_000) });
    return answer.ok && (await answer.arrayBuffer()).byteLength === 16;
  } catch {
    return false;
  }
}
