// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseMetrics, rate, totalsOf } from './metrics';

const TEXT = `# HELP kong_nginx_requests_total Requests.
kong_nginx_requests_total{node_id="a",subsystem="http"} 12
kong_http_requests_total{service="a \\"b\\"",code="200",source="service"} 7
kong_http_requests_total{service="s",code="404",source="kong"} 2
kong_http_requests_total{service="s",code="502",source="kong"} 3
`;

describe('totalsOf', () => {
  it('adds requests up by the class of their status', () => {
    expect(totalsOf(parseMetrics(TEXT))).toEqual({ all: 12, clientErrors: 2, serverErrors: 3 });
  });

  it('says nothing of statuses where the node does not count them', () => {
    expect(totalsOf(parseMetrics(TEXT.split('\n').slice(0, 2).join('\n')))).toEqual({
      all: 12,
      clientErrors: null,
      serverErrors: null,
    });
  });
});

describe('rate', () => {
  it('has no value over a restart', () => {
    expect(rate(10, 4, 1)).toBeNull();
    expect(rate(10, 30, 2)).toBe(10);
  });
});
