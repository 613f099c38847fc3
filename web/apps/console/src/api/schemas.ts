// SPDX-License-Identifier: Apache-2.0
import { readSchema, type Schema } from '@/form/field_schema';
import type { Admin } from './entities';

const loaded = new Map<string, Promise<Schema>>();

/** The description below `/schemas/`, asked for once. */
export function schemaOf(admin: Admin, name: string): Promise<Schema> {
  const key = `${admin.controlPlane} ${name}`;
  let schema = loaded.get(key);
  if (!schema) {
    schema = admin.get<unknown>(`/schemas/${name}`).then(({ data }) => readSchema(data));
    schema.catch(() => loaded.delete(key));
    loaded.set(key, schema);
  }
  return schema;
}
