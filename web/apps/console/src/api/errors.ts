// SPDX-License-Identifier: Apache-2.0

/** Where messages stand that belong to no field. */
export const ENTITY = '@entity';

/** What the server says of an entity as a whole, though it is about one field. */
const ABOUT_EXPRESSION = 'Router Expression failed validation: ';

function walk(value: unknown, path: string, into: Map<string, string>): void {
  if (typeof value === 'string' && path === ENTITY && value.startsWith(ABOUT_EXPRESSION)) {
    into.set('expression', value.slice(ABOUT_EXPRESSION.length));
  } else if (typeof value === 'string') {
    into.set(path, into.has(path) ? `${into.get(path)}; ${value}` : value);
  } else if (Array.isArray(value)) {
    value.forEach((entry, index) => walk(entry, path.endsWith(ENTITY) ? path : `${path}.${index}`, into));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, entry] of Object.entries(value)) walk(entry, path ? `${path}.${name}` : name, into);
  }
}

/**
 * Messages by the path of their field, from either form that our APIs have: the nested `fields` of the Admin API and
 * the `invalid_parameters` of the platform API. `config.@entity` stands for a record as a whole.
 */
export function flattenFields(fields: unknown, invalidParameters?: unknown): Map<string, string> {
  const flat = new Map<string, string>();
  walk(fields, '', flat);
  for (const entry of Array.isArray(invalidParameters) ? invalidParameters : []) {
    const { field, reason } = entry as { field?: unknown; reason?: unknown };
    if (typeof field === 'string') walk(String(reason ?? ''), field, flat);
  }
  return flat;
}

/** With a capital in front, where it begins with a word rather than with an address or the name of a field. */
export function sentence(text: string): string {
  return text.replace(/^[a-z]+(?=[\s,])/, (word) => word.charAt(0).toUpperCase() + word.slice(1));
}

/** Messages that no shown field takes: those of entities, and those whose path is none of `shown`. */
export function unplaced(
  fields: ReadonlyMap<string, string>,
  shown: (path: string) => boolean,
  labelOf = (path: string): string => path,
): string[] {
  const say = (path: string, text: string): string => {
    const field = path.replace(/\.?@entity$/, '');
    return field ? `${labelOf(field)}: ${text}` : text;
  };
  return [...fields].filter(([path]) => !shown(path)).map(([path, text]) => say(path, text));
}
