import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that is wrong, by name, with what it must be. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/**
 * An app's own variables, read once. Unknown ones are none of its business; empty ones count as absent. Throws
 * EnvironmentError with all that is wrong: each variable's name and the fix, never its value, which may be a secret.
 */
export function readEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
): z.output<Schema> {
  const present = Object.fromEntries(
    Object.keys(schema.shape).flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${faultOf(issue, schema, present)}`);
  throw new EnvironmentError(`The environment is not right:\n${faults.join('\n')}`);
}

function faultOf(issue: z.core.$ZodIssue, schema: z.ZodObject, present: Environment): string {
  const name = issue.path.map(String).join('.');
  if (name === '') return issue.message;
  const meaning = (schema.shape[name] as z.ZodType | undefined)?.description;
  return `${name} ${name in present ? wrong(issue) : 'must be set'}${meaning ? `: ${meaning}` : ''}`;
}

function wrong(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be a ${issue.expected}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  return `is not right: ${issue.message}`;
}

/** A TCP port in a variable. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** `true`, `false`, `1`, `0` in a variable. */
export const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1');
