// SPDX-License-Identifier: Apache-2.0
// The text form of Prometheus, as far as a chart needs it.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const found = line.startsWith('#') ? null : LINE.exec(line);
    if (!found) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (found[2] ?? '').matchAll(LABEL)) labels[name!] = value!;
    samples.push({ name: found[1]!, labels, value: Number(found[3]) });
  }
  return samples;
}

/** Requests since the node started: all, and those that were answered with 4xx and 5xx where the node counts them. */
export interface Totals {
  all: number;
  clientErrors: number | null;
  serverErrors: number | null;
}

export function totalsOf(samples: Sample[]): Totals {
  const sum = (wanted: (sample: Sample) => boolean): number =>
    samples.filter(wanted).reduce((total, { value }) => total + value, 0);
  const byCode = samples.filter(({ name }) => name === 'kong_http_requests_total');
  const coded = (first: string): number | null =>
    byCode.length
      ? sum(({ name, labels }) => name === 'kong_http_requests_total' && (labels['code'] ?? '').startsWith(first))
      : null;
  return {
    all: sum(({ name }) => name === 'kong_nginx_requests_total'),
    clientErrors: coded('4'),
    serverErrors: coded('5'),
  };
}

/** Per second between two readings; null where one of them does not say, or the node started anew. */
export function rate(before: number | null, after: number | null, elapsed: number): number | null {
  if (before === null || after === null || after < before || elapsed <= 0) return null;
  return (after - before) / elapsed;
}
