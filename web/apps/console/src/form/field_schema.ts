// SPDX-License-Identifier: Apache-2.0
// Descriptions as `/schemas/...` publishes them, read into a tree of fields that a form can be drawn from.

export type FieldType =
  'string' | 'integer' | 'number' | 'boolean' | 'array' | 'set' | 'map' | 'record' | 'foreign' | 'any';

/** How a field is drawn. */
export type Widget =
  | 'text'
  | 'secret'
  | 'multiline'
  | 'expression'
  | 'number'
  | 'switch'
  | 'tristate'
  | 'select'
  | 'choices'
  | 'tags'
  | 'list'
  | 'map'
  | 'record'
  | 'reference'
  | 'json';

export interface Field {
  name: string;
  type: FieldType;
  widget: Widget;
  description: string;
  required: boolean;
  default: unknown;
  oneOf: (string | number)[];
  between: [number, number] | null;
  greaterThan: number | null;
  /** The server fills it in. */
  auto: boolean;
  /** Not for every eye: marked so, or by the name of a secret. */
  secret: boolean;
  /** May be `{vault://...}`. */
  referenceable: boolean;
  deprecated: string;
  /** Entities that a foreign field leads to. */
  reference: string;
  /** The only value is null: the field exists for the form's sake. */
  fixedNull: boolean;
  element: Field | null;
  keys: Field | null;
  values: Field | null;
  fields: Field[];
}

export interface Requirement {
  field: string;
  when: string;
  is: (value: unknown) => boolean;
}

export interface Schema {
  fields: Field[];
  /** Paths of which one must be given, list by list. */
  atLeastOne: string[][];
  requirements: Requirement[];
}

type Raw = Record<string, unknown>;

const MULTILINE = new Set(['jwk', 'payload']);
const SECRET = /(password|secret|^key$|token|api_key)$/;

/** Whether texts that are called so are secrets. */
export const namesSecret = (name: string): boolean => SECRET.test(name);

const TYPES = new Set<FieldType>([
  'string',
  'integer',
  'number',
  'boolean',
  'array',
  'set',
  'map',
  'record',
  'foreign',
]);

function nested(raw: unknown, name: string): Field | null {
  return typeof raw === 'object' && raw !== null ? readField(name, raw as Raw) : null;
}

function widgetOf(field: Omit<Field, 'widget'>, raw: Raw): Widget {
  switch (field.type) {
    case 'boolean':
      return field.required || field.default !== undefined ? 'switch' : 'tristate';
    case 'integer':
    case 'number':
      return field.oneOf.length ? 'select' : 'number';
    case 'array':
    case 'set':
      if (field.name === 'tags') return 'tags';
      if (field.element?.oneOf.length) return 'choices';
      return field.element ? 'list' : 'json';
    case 'map':
      return field.values ? 'map' : 'json';
    case 'record':
      return raw['abstract'] ? 'json' : 'record';
    case 'foreign':
      return 'reference';
    case 'string':
      if (field.oneOf.length) return 'select';
      if (field.name === 'expression') return 'expression';
      if (MULTILINE.has(field.name) || /\bPEM\b/.test(field.description)) return 'multiline';
      return field.secret ? 'secret' : 'text';
    default:
      return 'json';
  }
}

export function readField(name: string, raw: Raw): Field {
  const type = TYPES.has(raw['type'] as FieldType) ? (raw['type'] as FieldType) : 'any';
  const deprecation = raw['deprecation'] as { message?: string } | undefined;
  const bare: Omit<Field, 'widget'> = {
    name,
    type,
    description: String(raw['description'] ?? ''),
    required: raw['required'] === true,
    default: raw['default'],
    oneOf: Array.isArray(raw['one_of']) ? (raw['one_of'] as (string | number)[]) : [],
    between: Array.isArray(raw['between']) ? (raw['between'] as [number, number]) : null,
    greaterThan: typeof raw['gt'] === 'number' ? raw['gt'] : null,
    auto: raw['auto'] === true,
    secret: raw['encrypted'] === true || (type === 'string' && namesSecret(name)),
    referenceable: raw['referenceable'] === true,
    deprecated: deprecation ? (deprecation.message ?? '') || name : '',
    reference: String(raw['reference'] ?? ''),
    fixedNull: 'eq' in raw && raw['eq'] === null,
    element: nested(raw['elements'], name),
    keys: nested(raw['keys'], name),
    values: nested(raw['values'], name),
    fields: readFields(raw['fields']),
  };
  return { ...bare, widget: widgetOf(bare, raw) };
}

/** `[{"name": {...}}, ...]`, one field in each object. */
export function readFields(raw: unknown): Field[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((entry) =>
    Object.entries(entry as Record<string, Raw>).map(([name, field]) => readField(name, field)),
  );
}

function matcher(match: Raw | undefined): (value: unknown) => boolean {
  if (!match) return () => false;
  if ('eq' in match) return (value) => value === match['eq'];
  const oneOf = match['one_of'];
  return Array.isArray(oneOf) ? (value) => oneOf.includes(value) : () => false;
}

function requirementOf(check: Raw): Requirement[] {
  const { if_field, if_match, then_field, then_match } = check as Record<string, string> & Raw;
  const wants = (then_match as unknown as Raw | undefined)?.['required'] === true;
  if (!wants || typeof then_field !== 'string' || typeof if_field !== 'string') return [];
  return [{ field: then_field, when: if_field, is: matcher(if_match as unknown as Raw) }];
}

export function readSchema(raw: unknown): Schema {
  const { fields, entity_checks } = (raw ?? {}) as Raw;
  const checks = (Array.isArray(entity_checks) ? entity_checks : []) as Raw[];
  return {
    fields: readFields(fields),
    atLeastOne: checks.flatMap((check) => {
      const list = check['at_least_one_of'] ?? check['only_one_of'];
      return Array.isArray(list) ? [list as string[]] : [];
    }),
    requirements: checks.flatMap((check) => requirementOf((check['conditional'] ?? {}) as Raw)),
  };
}
