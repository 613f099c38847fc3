// SPDX-License-Identifier: Apache-2.0
import en from './locales/en.json';

type Leaves<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>;
}[keyof T & string];

/** Every text that the locale file has. A typo fails to compile. */
export type Text = Leaves<typeof en>;

const plural = new Intl.PluralRules('en');

function look(key: string): string | undefined {
  let at: unknown = en;
  for (const step of key.split('.')) at = (at as Record<string, unknown> | undefined)?.[step];
  return typeof at === 'string' ? at : undefined;
}

/**
 * The text, with `{name}` replaced. A text may hold a form for one and one for many, divided by ` | `; `n` chooses.
 */
export function t(key: Text, values: Record<string, string | number> = {}): string {
  const forms = (look(key) ?? key).split(' | ');
  const one = forms.length === 1 || plural.select(Number(values['n'])) === 'one';
  const form = (one ? forms[0] : forms[1]) ?? '';
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of a key that is made at run time, or undefined. */
export function maybe(key: string): string | undefined {
  return look(key);
}
