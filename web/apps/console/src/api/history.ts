// SPDX-License-Identifier: Apache-2.0
import { call, part } from './http';

export type Action = 'create' | 'update' | 'delete';

export interface Version {
  id: string;
  created_at: string;
  actor: string;
  restored_from: string | null;
  current: boolean;
  change_count: number;
  /** Of the changes that were looked at: all of them where `complete` says so. */
  summary: { complete: boolean; created: number; updated: number; deleted: number; types: string[] };
  /** The first few. */
  changes: { action: Action; type: string; id: string; name: string }[];
}

/** An entity in two versions. */
export interface Change {
  action: Action;
  type: string;
  id: string;
  name: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

export interface Plan {
  version: string;
  change_count: number;
  changes: Change[];
  /** Of what the plan was made from. */
  etag: string | null;
}

export interface HistoryFilter {
  actor: string;
  text: string;
  type: string;
  entity: string;
}

interface List<T> {
  data: T[];
  meta: { from?: string; to?: string; page: { next: string | null } };
}

const SIZE = 50;
const CHANGES = 100;

const pathOf = (cp: string, rest = ''): string => `/v2/control-planes/${part(cp)}/versions${rest}`;

export async function readHistory(
  cp: string,
  filter: HistoryFilter,
  after: string | null,
): Promise<{ data: Version[]; next: string | null }> {
  const query = {
    'page[size]': SIZE,
    'page[after]': after ?? undefined,
    'filter[actor]': filter.actor,
    'filter[text]': filter.text,
    'filter[type]': filter.type,
    'filter[entity_id]': filter.entity,
  };
  const { data } = await call<List<Version>>(pathOf(cp), { query });
  return { data: data.data, next: data.meta.page.next };
}

export async function readVersion(cp: string, id: string): Promise<Version> {
  return (await call<Version>(pathOf(cp, `/${part(id)}`))).data;
}

/** What the version made different from `since`, which may be the newer one; empty: from the one before it. */
export async function readChanges(
  cp: string,
  id: string,
  since: string,
  after: string | null,
): Promise<{ data: Change[]; next: string | null }> {
  const query = { 'page[size]': CHANGES, 'page[after]': after ?? undefined, since };
  const { data } = await call<List<Change>>(pathOf(cp, `/${part(id)}/changes`), { query });
  return { data: data.data, next: data.meta.page.next };
}

export async function planRestore(cp: string, id: string): Promise<Plan> {
  const path = pathOf(cp, `/${part(id)}/restore`);
  const { data, etag } = await call<Omit<Plan, 'etag'>>(path, { method: 'POST', body: { dry_run: true } });
  return { ...data, etag };
}

/** The version that it made. Refused when something has changed since the plan was made. */
export async function restore(cp: string, id: string, plan: Plan): Promise<string> {
  const path = pathOf(cp, `/${part(id)}/restore`);
  return (await call<{ version: string }>(path, { method: 'POST', body: {}, ifMatch: plan.etag })).data.version;
}
