// SPDX-License-Identifier: Apache-2.0
// Secrets as a screen may show them: enough to tell one from another, too little to use.
import { namesSecret, type Field } from '@/form/field_schema';

const SHOWN = 4;
const PEM = /^-----BEGIN [\w ]+-----/;

/** "cciY…"; of a short one less, of a PEM text what it is. */
export function shortened(secret: string): string {
  const kind = PEM.exec(secret)?.[0];
  return `${kind ?? secret.slice(0, Math.min(SHOWN, Math.floor(secret.length / 3)))}…`;
}

/** What refers to a secret is none. */
const refers = (text: string): boolean => text.startsWith('{vault://');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hide(value: unknown, other: unknown): unknown {
  if (Array.isArray(value)) return value.map((one, index) => hide(one, (other as unknown[] | null)?.[index]));
  if (isRecord(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, hide(one, (other as Record<string, unknown> | null)?.[name])]),
    );
  if (typeof value !== 'string' || value === '' || refers(value)) return value;
  const hidden = shortened(value);
  const another = typeof other === 'string' && other !== value && shortened(other) === hidden;
  return another ? `${hidden} (another)` : hidden;
}

/** Where no description reaches, names tell. */
function walk(value: unknown, name: string, field: Field | null | undefined, other: unknown): unknown {
  if (field ? field.secret : typeof value === 'string' && namesSecret(name)) return hide(value, other);
  if (Array.isArray(value))
    return value.map((one, index) => walk(one, name, field?.element, Array.isArray(other) ? other[index] : undefined));
  if (!isRecord(value)) return value;
  const inner = (key: string): Field | null | undefined =>
    field?.values ?? field?.fields.find((one) => one.name === key);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      walk(one, key, inner(key), isRecord(other) ? other[key] : undefined),
    ]),
  );
}

/**
 * The entity with its secrets shortened, by what its description marks. `other` is the state that it is compared
 * with: where both would look the same and are not, that is said.
 */
export function withoutSecrets<T extends Record<string, unknown>>(entity: T, fields: Field[], other?: T | null): T {
  const known = new Map(fields.map((field) => [field.name, field]));
  const shown = Object.entries(entity).map(([name, value]) => [
    name,
    walk(value, name, known.get(name), other?.[name]),
  ]);
  return Object.fromEntries(shown) as T;
}
