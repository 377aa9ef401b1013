/** What a template may name. A name that is not here stays as it is written. */
export type TemplateValues = Readonly<Record<string, string>>;

/**
 * The URL of a template such as `{base}/keys/{contentId}/{kid}`. Values are percent-encoded, so that a content ID cannot
 * leave its place whatever it holds; `base` is a URL and is taken as it is. Throws TypeError for a value that cannot stand
 * in a URL: unpaired surrogates, and `.` or `..`, which every URL parser takes for steps in the path even when escaped.
 */
export function expandUrlTemplate(template: string, base: string, values: TemplateValues): string {
  return template.replace(PLACEHOLDER, (written, name: string) => {
    if (name === 'base') return base;
    const value = values[name];
    return value === undefined ? written : urlPart(value);
  });
}

const PLACEHOLDER = /\{([a-zA-Z0-9]+)\}/g;

function urlPart(value: string): string {
  if (/^\.{1,2}$/.test(value)) throw new TypeError(`"${value}" cannot stand in a URL: it is a step in the path`);
  try {
    return encodeURIComponent(value);
  } catch (cause) {
    throw new TypeError('a value with an unpaired surrogate cannot stand in a URL', { cause });
  }
}
