import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FIXTURES = join(__dirname, '../fixtures');

/** A SPEKE document and what it must be answered with. */
export interface SpekeFixture {
  readonly file: string;
  /** X-Speke-Version; null for none. */
  readonly spekeVersion: string | null;
  /** `4xx` where no text says which. */
  readonly status: 200 | 422 | '4xx';
  /** SPEKE's own text, where there is one. `...` at its end stands for a value. */
  readonly error?: string;
  readonly note: string;
  readonly body: Buffer;
}

/** Hostile or unusual input, and what it may be answered with. See fixtures/bad-input/index.json. */
export interface BadInputFixture {
  readonly id: string;
  readonly group: string;
  readonly why: string;
  /** HTTP statuses, status classes (`4xx`), or `close` for a connection that ends without an answer. */
  readonly expect: readonly string[];
  readonly speke: string | null;
  readonly check?: 'keys' | 'no-plain' | 'no-injected-header';
  /** null: no Content-Type at all. */
  readonly contentType?: string | null;
  readonly contentEncoding?: 'gzip-truncated';
  readonly transfer?: 'chunked-7';
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Follows the path of the SPEKE door. */
  readonly path?: string;
  readonly query?: string;
  /** The body names an address that must not be asked: {{CANARY}} stands for it. */
  readonly canary?: true;
  readonly mustNotContain?: readonly string[];
  /** The bytes of the whole connection, latin1, with {{PATH}}, {{HOST}}, {{AUTH}}, {{LEN}}, {{BODY}}. */
  readonly raw?: string;
  readonly responses?: number;
  readonly flag?: 'half-close';
  readonly body: Buffer;
}

export function spekeFixtures(): SpekeFixture[] {
  return readIndex<SpekeFixture[]>('requests').map((each) => ({ ...each, body: spekeFixture(each.file) }));
}

/** One of them by name, e.g. `v1/live_hls_aes128.xml`. */
export function spekeFixture(file: string): Buffer {
  return readFileSync(join(FIXTURES, 'requests', file));
}

export function badInputFixtures(): BadInputFixture[] {
  const { cases } = readIndex<{ cases: (BadInputFixture & { file: string })[] }>('bad-input');
  return cases.map((each) => ({ ...each, body: readFileSync(join(FIXTURES, 'bad-input', each.file)) }));
}

function readIndex<T>(folder: string): T {
  return JSON.parse(readFileSync(join(FIXTURES, folder, 'index.json'), 'utf8')) as T;
}
