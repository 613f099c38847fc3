// SPDX-License-Identifier: Apache-2.0

const OWNERS: Record<string, string> = {
  service: 'services',
  route: 'routes',
  consumer: 'consumers',
  consumer_group: 'consumer_groups',
  upstream: 'upstreams',
  certificate: 'certificates',
  set: 'key_sets',
};

export interface Owner {
  /** By which the new one refers to it. */
  field: string;
  type: string;
  id: string;
}

/** The entity that a new one belongs to, as the query of a page says it: `?service=<id>`. */
export function ownerIn(query: Record<string, unknown>): Owner | null {
  const field = Object.keys(OWNERS).find((name) => typeof query[name] === 'string');
  return field ? { field, type: OWNERS[field]!, id: String(query[field]) } : null;
}
