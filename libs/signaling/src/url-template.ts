/** What a template may name. A name that is not here stays as it is written. */
export type TemplateValues = Readonly<Record<string, string | undefined>>;

/**
 * The URL of a template such as `{base}/keys/{contentId}/{kid}`. Values are percent-encoded, so that a content ID cannot
 * leave its place whatever it holds; `base` is a URL and is taken as it is. Undefined when a value cannot stand in a URL:
 * unpaired surrogates, and `.` or `..`, which every URL parser takes for steps in the path even when escaped.
 */
export function expandUrlTemplate(template: string, values: TemplateValues): string | undefined {
  let possible = true;
  const url = template.replace(PLACEHOLDER, (written, name: string) => {
    const value = values[name];
    if (value === undefined || name === 'base') return value ?? written;
    possible &&= canStandInUrl(value);
    return possible ? encodeURIComponent(value) : written;
  });
  return possible ? url : undefined;
}

const PLACEHOLDER = /\{([a-zA-Z0-9]+)\}/g;

function canStandInUrl(value: string): boolean {
  // Only paired surrogates survive UTF-8.
  return value !== '.' && value !== '..' && Buffer.from(value).toString() === value;
}
