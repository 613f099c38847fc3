// SPDX-License-Identifier: Apache-2.0
import type { Field, Schema } from './field_schema';
import { isEssential, valueAt, type Model } from './form_model';

export interface Entry {
  field: Field;
  path: string;
}

export interface Section {
  key: 'general' | 'scope' | 'config' | 'configMore' | 'more';
  title: string;
  entries: Entry[];
  folded: boolean;
}

export const SCOPES = ['service', 'route', 'consumer', 'consumer_group'];
/** Up to this many settings are shown whole: folding a few away helps nobody. */
const FEW = 5;

function isSet(model: Model, path: string): boolean {
  return valueAt(model, path) != null;
}

/**
 * The fields of a form in their sections. The members of `config` stand on their own, not in a record. `placed`: where
 * a plugin applies has been said, so its settings come first.
 */
export function layoutOf(
  schema: Schema,
  fields: Field[],
  model: Model,
  main: string[],
  hidden: string[],
  placed = false,
): Section[] {
  const shown = fields.filter((field) => !hidden.includes(field.name) && !field.fixedNull);
  const visible = ({ field, path }: Entry): boolean => !field.deprecated || isSet(model, path);
  const config = shown.find((field) => field.name === 'config' && field.widget === 'record');
  const isPlugin = config !== undefined && shown.some((field) => SCOPES.includes(field.name));
  const settings = (config?.fields ?? []).map((field) => ({ field, path: `config.${field.name}` })).filter(visible);
  const rest = shown
    .filter((field) => field !== config && !(isPlugin && SCOPES.includes(field.name)))
    .map((field) => ({ field, path: field.name }))
    .filter(visible);
  const scope = isPlugin ? SCOPES.flatMap((name) => shown.filter((field) => field.name === name)) : [];

  const essential = ({ field, path }: Entry): boolean => isEssential(schema, field, path, main);
  const rank = ({ path }: Entry): number => (main.includes(path) ? main.indexOf(path) : main.length);
  const general = rest.filter(essential).sort((a, b) => rank(a) - rank(b));
  const first = settings.length <= FEW ? settings : settings.filter(essential);
  // Where nothing has to be said, everything is worth the same.
  const top = first.length ? first : settings;
  const application: Section = {
    key: 'scope',
    title: 'form.sections.scope',
    entries: scope.map((field) => ({ field, path: field.name })),
    folded: false,
  };
  const configuration: Section = { key: 'config', title: 'form.sections.config', entries: top, folded: false };
  const sections: Section[] = [
    { key: 'general', title: 'form.sections.general', entries: general, folded: false },
    ...(placed ? [configuration, application] : [application, configuration]),
    {
      key: 'configMore',
      title: 'form.sections.configMore',
      entries: settings.filter((entry) => !top.includes(entry)),
      folded: true,
    },
    {
      key: 'more',
      title: 'form.sections.more',
      entries: rest.filter((entry) => !general.includes(entry)),
      folded: true,
    },
  ];
  return sections.filter((section) => section.entries.length > 0);
}
