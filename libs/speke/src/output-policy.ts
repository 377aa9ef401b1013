import type { SystemId } from '@latchkey/cenc';

/** SPEKE 2.1, by track type (`*` stands for any text): what outputs and CDM must be for the keys of such tracks. */
export interface TrackPolicy extends OutputPolicy {
  readonly trackType: string;
}

export interface OutputPolicy {
  readonly hdcp?: { readonly hlsLevel: string; readonly outputProtection?: string | undefined } | undefined;
  /** ContentProtectionData@robustness, by system ID. */
  readonly robustness?: Readonly<Record<string, string>> | undefined;
  /** DRMSystem@HLSAllowedCPC, by system ID. */
  readonly hlsAllowedCpc?: Readonly<Record<string, string>> | undefined;
}

/** The first policy whose pattern fits the track type; a key without one has none, unless a pattern fits no text too. */
export function policyFor(trackType: string | undefined, policies: readonly TrackPolicy[]): OutputPolicy {
  return policies.find((policy) => fits(trackType ?? '', policy.trackType)) ?? {};
}

export function bySystem(values: Readonly<Record<string, string>> | undefined, systemId: SystemId): string | undefined {
  return values && Object.entries(values).find(([id]) => id.toLowerCase() === systemId)?.[1];
}

/** Piece by piece, without a regular expression: patterns are configuration, track types are an encryptor's text. */
function fits(text: string, pattern: string): boolean {
  const [first = '', ...pieces] = pattern.split('*');
  const last = pieces.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at + last.length <= text.length;
}
