// SPDX-License-Identifier: Apache-2.0
// The description that a form is drawn from. Of plugins and vaults a part depends on which one it is.
import type { Admin } from '@/api/entities';
import { part } from '@/api/http';
import { schemaOf } from '@/api/schemas';
import type { Field, Schema } from '@/form/field_schema';
import type { EntityType } from './entity_types';

/** Backends of vaults that `/schemas/vaults/` describes here. */
const VAULTS = ['env'];

function replaced(fields: Field[], by: Field[]): Field[] {
  const names = new Map(by.map((field) => [field.name, field]));
  const kept = fields.map((field) => names.get(field.name) ?? field);
  return [...kept, ...by.filter((field) => !fields.some(({ name }) => name === field.name))];
}

async function vault(admin: Admin, name: string): Promise<Schema> {
  const [entity, backend] = await Promise.all([schemaOf(admin, 'vaults'), schemaOf(admin, `vaults/${part(name)}`)]);
  const choose = (field: Field): Field =>
    field.name === 'name' ? { ...field, widget: 'select', oneOf: VAULTS } : field;
  return { ...entity, fields: replaced(entity.fields.map(choose), backend.fields) };
}

async function plugin(admin: Admin, name: string): Promise<Schema> {
  const [entity, own] = await Promise.all([schemaOf(admin, 'plugins'), schemaOf(admin, `plugins/${part(name)}`)]);
  const fields = replaced(entity.fields, own.fields).filter(
    (field) => field.name !== 'name' && field.name !== 'partials',
  );
  return { ...own, fields };
}

export function formSchema(
  admin: Admin,
  type: EntityType,
  entity: Record<string, unknown> | null,
  pluginName?: string,
): Promise<Schema> {
  if (type.key === 'plugins') return plugin(admin, String(pluginName ?? entity?.['name'] ?? ''));
  if (type.key === 'vaults') return vault(admin, String(entity?.['name'] ?? VAULTS[0]));
  return schemaOf(admin, type.key);
}
