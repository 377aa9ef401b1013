/** How one way of being wrong is told. */
export interface CatalogueEntry {
  /** `{name}` is replaced by a value of the request. */
  readonly text: string;
  /** One of SPEKE 2's ten texts, word for word. */
  readonly official?: true;
  readonly status: number;
  readonly cause: string;
  readonly fix: string;
}

export const CATALOGUE = {
  UNSUPPORTED_SPEKE_VERSION: {
    text: 'Unsupported SPEKE version',
    official: true,
    status: 422,
    cause: '',
    fix: '',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type FaultCode = keyof typeof CATALOGUE;
