import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that is wrong, by name, with what it must be. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** An app's own variables, read once. Unknown ones are none of its business; empty ones count as absent. */
export function readEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
): z.output<Schema> {
  const present = Object.fromEntries(
    Object.keys(schema.shape).flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new EnvironmentError(`The environment is not right:\n${faults.join('\n')}`);
}

/** A TCP port in a variable. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** `true`, `false`, `1`, `0` in a variable. */
export const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1');
