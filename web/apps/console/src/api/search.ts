// SPDX-License-Identifier: Apache-2.0
import { call } from './http';

export interface Found {
  id: string;
  type: string;
  name: string;
  /** The text that has what was looked for. */
  match: string;
  attributes: { control_plane?: { id: string; name: string }; field?: string };
  /** What it refers to. */
  relations?: Record<string, { id: string }>;
}

/** Entities of all control planes that have every word, whatever its case. */
export async function searchAll(words: string, signal: AbortSignal): Promise<Found[]> {
  const query = { q: words, 'page[size]': 100 };
  return (await call<{ data: Found[] }>('/v1/search', { query, signal })).data.data;
}
