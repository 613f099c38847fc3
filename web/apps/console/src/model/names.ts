// SPDX-License-Identifier: Apache-2.0
import type { Admin } from '@/api/entities';
import { part } from '@/api/http';
import { entityType, nameOf } from './entity_types';

const KEPT_MS = 20_000;
const asked = new Map<string, { name: Promise<string>; until: number }>();

/** What a record of an entity calls it, where the entity itself may be gone: its name, or the beginning of its id. */
export const recordedName = (record: { id: string; name?: string | null }): string =>
  record.name || record.id.slice(0, 8);

/** What an entity is called; the beginning of its id when it cannot be read. Answers are kept for some seconds. */
export function entityName(admin: Admin, type: string, id: string): Promise<string> {
  const key = `${admin.controlPlane} ${type} ${id}`;
  const known = asked.get(key);
  if (known && known.until > Date.now()) return known.name;
  const described = entityType(type);
  const name = described
    ? admin.read(`${described.path}/${part(id)}`).then(
        ({ data }) => nameOf(described, data),
        () => id.slice(0, 8),
      )
    : Promise.resolve(id.slice(0, 8));
  asked.set(key, { name, until: Date.now() + KEPT_MS });
  return name;
}
