import { z } from 'zod';

/**
 * The same schema, which lets a value through at once that `isValid` knows to be valid: zod runs the checks of a schema one by one, at
 * ten times what most of them cost, and the messages of one exchange have a hundred such fields. All else goes zod's way, which says
 * what is wrong. To be called last: what zod makes of a schema, by `meta` or `describe`, is a new one.
 */
export function atOnce<Schema extends z.ZodType>(schema: Schema, isValid: (value: unknown) => boolean): Schema {
  const { _zod: inner } = schema;
  const { run } = inner;
  inner.run = (payload, context) => (isValid(payload.value) ? payload : run(payload, context));
  return schema;
}

/** A text of so many characters, which are one or two units of a string each. */
export function shortText(most: number, least = 0, description?: string): z.ZodString {
  const text = least > 0 ? z.string().min(least).max(most) : z.string().max(most);
  return atOnce(
    description === undefined ? text : text.describe(description),
    (value) => typeof value === 'string' && value.length <= most && value.length >= 2 * least,
  );
}
