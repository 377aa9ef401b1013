import { EnvironmentError } from './environment';

/** An error as JSON can say it: with the fields that Node and Fault give theirs, such as `code`, `port`, `path`. */
export interface ErrorWords {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export function wordsOf(error: unknown): ErrorWords {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), fields: {} };
  const { name, message, stack } = error;
  return {
    name,
    message,
    stack,
    fields: Object.fromEntries(Object.entries(error).filter(isPlain)) as ErrorWords['fields'],
  };
}

/** An Error with these words; an EnvironmentError if it was one, since a process ends otherwise with it. */
export function errorFrom({ name, message, stack, fields }: ErrorWords): Error {
  const error = name === 'EnvironmentError' ? new EnvironmentError(message) : new Error(message);
  const words = { ...(stack !== undefined && { stack }), ...fields };
  return name === 'EnvironmentError' ? error : Object.assign(error, { name, ...words });
}

function isPlain([, value]: [string, unknown]): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
