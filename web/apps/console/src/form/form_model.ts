// SPDX-License-Identifier: Apache-2.0
import type { Field, Schema } from './field_schema';

export type Model = Record<string, unknown>;

export function clone<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}

/** What a field holds before anybody has said anything. */
export function initialValue(field: Field): unknown {
  if (field.default !== undefined) return clone(field.default);
  if (field.widget === 'record' && field.required) return initialModel(field.fields);
  if (field.type === 'boolean' && field.required) return false;
  return null;
}

/** A model for fields, from an entity where there is one. What an entity lacks has its initial value. */
export function initialModel(fields: Field[], entity?: Model | null): Model {
  const model: Model = {};
  for (const field of fields) {
    const given = entity?.[field.name];
    if (given === undefined || (given === null && !entity)) model[field.name] = initialValue(field);
    else if (field.widget === 'record' && typeof given === 'object' && given !== null) {
      model[field.name] = { ...clone(given), ...initialModel(field.fields, given as Model) };
    } else model[field.name] = clone(given);
  }
  return model;
}

export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = b as Record<string, unknown>;
  return left.length === Object.keys(b).length && left.every(([name, value]) => same(value, right[name]));
}

/** Only what differs from `base`, deep inside of records: what a create has to say. */
export function difference(fields: Field[], model: Model, base: Model): Model {
  const body: Model = {};
  for (const field of fields) {
    const value = model[field.name];
    const before = base[field.name];
    if (same(value, before)) continue;
    const both = isObject(value) && isObject(before);
    body[field.name] = field.widget === 'record' && both ? difference(field.fields, value, before) : clone(value);
  }
  return body;
}

/** Top-level fields that changed, whole: what a PATCH has to say. */
export function changes(fields: Field[], model: Model, base: Model): Model {
  const body: Model = {};
  for (const field of fields) {
    if (!same(model[field.name], base[field.name])) body[field.name] = clone(model[field.name]);
  }
  return body;
}

function isObject(value: unknown): value is Model {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at `config.redis.host`; undefined where the way ends. */
export function valueAt(model: unknown, path: string): unknown {
  let at: unknown = model;
  for (const step of path.split('.')) at = (at as Record<string, unknown> | null | undefined)?.[step];
  return at;
}

/** Paths that must be given now, in this state of the form. */
export function requiredNow(schema: Schema, model: Model): Set<string> {
  return new Set(schema.requirements.filter((rule) => rule.is(valueAt(model, rule.when))).map((rule) => rule.field));
}

/**
 * Whether a field belongs to the first part of a form: it must be given and has no default, or it is one of those of
 * which one must be given.
 */
export function isEssential(schema: Schema, field: Field, path: string, main: readonly string[]): boolean {
  if (main.includes(path)) return true;
  if (field.required && field.default === undefined && !['record', 'switch'].includes(field.widget)) return true;
  return schema.atLeastOne.some((list) => list.includes(path));
}
