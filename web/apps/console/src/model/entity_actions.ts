// SPDX-License-Identifier: Apache-2.0
import { toast } from '@ui/toasts';
import type { Admin, Entity } from '@/api/entities';
import { messageOf, part } from '@/api/http';
import { confirm } from '@/components/confirm';
import { t } from '@/i18n';
import { collectionOf, nameOf, type EntityType } from './entity_types';
import { singularOf } from './words';

function pathOf(type: EntityType, entity: Entity, parent?: string): string {
  return `${collectionOf(type, parent)}/${part(entity.id)}`;
}

/** Asks, then deletes. Whether it is gone. */
export async function removeEntity(admin: Admin, type: EntityType, entity: Entity, parent?: string): Promise<boolean> {
  const name = nameOf(type, entity);
  const yes = await confirm({
    title: t('remove.title', { type: singularOf(type.key), name }),
    text: t('remove.text'),
    action: t('common.delete'),
    danger: true,
  });
  if (!yes) return false;
  try {
    await admin.remove(pathOf(type, entity, parent));
    toast(t('remove.done', { name }));
    return true;
  } catch (error) {
    toast(messageOf(error), 'bad');
    return false;
  }
}

/** Turns an entity on or off, at once. */
export async function toggleEntity(
  admin: Admin,
  type: EntityType,
  entity: Entity,
  on: boolean,
  parent?: string,
): Promise<void> {
  const before = entity['enabled'];
  entity['enabled'] = on;
  try {
    const path = pathOf(type, entity, parent);
    const { data, etag } = await admin.read(path);
    await admin.replace(path, { ...data, enabled: on }, etag);
    toast(t(on ? 'list.turnedOn' : 'list.turnedOff', { name: nameOf(type, entity) }));
  } catch (error) {
    entity['enabled'] = before;
    toast(messageOf(error), 'bad');
  }
}
