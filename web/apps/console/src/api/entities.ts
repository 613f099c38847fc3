// SPDX-License-Identifier: Apache-2.0
import { call, part, type Reply } from './http';

export type Entity = Record<string, unknown> & { id: string };

export interface Page {
  data: Entity[];
  offset: string | null;
}

/** The Admin API of one control plane. Paths begin with `/`. */
export class Admin {
  constructor(readonly controlPlane: string) {}

  path(path: string): string {
    return `/v2/control-planes/${part(this.controlPlane)}/core-entities${path}`;
  }

  async list(
    path: string,
    options: { size?: number; offset?: string | undefined; tags?: string; signal?: AbortSignal } = {},
  ): Promise<Page> {
    const { signal, ...query } = options;
    const { data } = await call<{ data: Entity[]; offset?: string }>(this.path(path), { query, signal });
    return { data: data.data, offset: data.offset ?? null };
  }

  /** Every entity of a list, page by page. */
  async *all(path: string, signal?: AbortSignal): AsyncGenerator<Entity[]> {
    let offset: string | undefined;
    do {
      const page = await this.list(path, { size: 1000, offset, ...(signal ? { signal } : {}) });
      yield page.data;
      offset = page.offset ?? undefined;
    } while (offset);
  }

  async everything(path: string, signal?: AbortSignal): Promise<Entity[]> {
    const found: Entity[] = [];
    for await (const page of this.all(path, signal)) found.push(...page);
    return found;
  }

  /** The first `limit` entities that are wanted, however far back in the list they stand. */
  async find(
    path: string,
    wanted: (entity: Entity) => boolean,
    limit: number,
    signal?: AbortSignal,
  ): Promise<Entity[]> {
    const found: Entity[] = [];
    for await (const page of this.all(path, signal)) {
      found.push(...page.filter(wanted).slice(0, limit - found.length));
      if (found.length >= limit) break;
    }
    return found;
  }

  get<T>(path: string, signal?: AbortSignal): Promise<Reply<T>> {
    return call<T>(this.path(path), { signal });
  }

  /** One entity. A consumer group comes inside an object that has no id, beside its members and plugins. */
  async read(path: string): Promise<Reply<Entity>> {
    const { data, etag } = await this.get<Entity | { id?: never; consumer_group: Entity }>(path);
    return { data: data.id === undefined ? data.consumer_group : data, etag };
  }

  async create(path: string, body: unknown): Promise<Entity> {
    return (await call<Entity>(this.path(path), { method: 'POST', body })).data;
  }

  /** Puts an entity in the place of the one that has this path. Refused when that is not `etag` any more. */
  async replace(path: string, body: unknown, etag: string | null): Promise<Entity> {
    return (await call<Entity>(this.path(path), { method: 'PUT', body, ifMatch: etag })).data;
  }

  async remove(path: string): Promise<void> {
    await call<unknown>(this.path(path), { method: 'DELETE' });
  }

  /** A question: nothing changes. */
  async post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return (await call<T>(this.path(path), { method: 'POST', body, signal })).data;
  }
}

const admins = new Map<string, Admin>();

export function adminOf(controlPlane: string): Admin {
  let admin = admins.get(controlPlane);
  if (!admin) admins.set(controlPlane, (admin = new Admin(controlPlane)));
  return admin;
}
