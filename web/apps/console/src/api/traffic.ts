// SPDX-License-Identifier: Apache-2.0
import { call, part } from './http';

/** What a control plane's nodes have done lately, in spans of `interval` seconds; null where no node told anything. */
export interface Traffic {
  /** Unix seconds of the first span. */
  from: number;
  interval: number;
  nodes_reporting: number;
  requests: (number | null)[];
  client_errors: (number | null)[];
  server_errors: (number | null)[];
  p50_ms: (number | null)[];
  p99_ms: (number | null)[];
}

const COLUMNS = ['requests', 'client_errors', 'server_errors', 'p50_ms', 'p99_ms'] as const;
/** Shown at least, however little is known. */
const LEAST_SPANS = 20;

/** Without the time before anything was known: a chart of it would be empty. */
export function withoutBeginning(traffic: Traffic): Traffic {
  const spans = traffic.requests.length;
  const known = traffic.requests.findIndex((value) => value !== null);
  const from = Math.max(0, Math.min(known < 0 ? spans : known, spans - LEAST_SPANS));
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, traffic[name].slice(from)]));
  return { ...traffic, ...columns, from: traffic.from + from * traffic.interval };
}

export async function getTraffic(id: string, signal?: AbortSignal): Promise<Traffic> {
  return withoutBeginning((await call<Traffic>(`/v2/control-planes/${part(id)}/traffic`, { signal })).data);
}
