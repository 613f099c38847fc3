// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { withoutBeginning, type Traffic } from '@/api/traffic';
import { lately, latelyText, millisText, partText, perSecond, rateText, together } from './traffic';

const spans = (values: Partial<Traffic>): Traffic => ({
  from: 0,
  interval: 15,
  nodes_reporting: 1,
  requests: [],
  client_errors: [],
  server_errors: [],
  p50_ms: [],
  p99_ms: [],
  ...values,
});

test('the last minute is what counts', () => {
  const now = lately(
    spans({
      requests: [9000, 30, 30, 30, 60],
      client_errors: [9000, 0, 15, 0, 0],
      server_errors: [0, 3, 0, 0, 0],
      p99_ms: [900, 4, 5, 20, 6],
    }),
  );
  expect(now).toEqual({ perSecond: 2.5, clientErrors: 0.1, serverErrors: 0.02, p99: 20 });
});

test('where nobody told anything, nothing is known', () => {
  expect(lately(spans({ requests: [5, null, null, null, null] }))).toBeNull();
  expect(latelyText(null)).toMatch(/No node/);
});

test('a node that came a moment ago is not averaged with the time before', () => {
  expect(lately(spans({ requests: [null, null, null, 45] }))?.perSecond).toBe(3);
});

test('without requests there are no errors', () => {
  expect(lately(spans({ requests: [0, 0, 0, 0], client_errors: [0, 0, 0, 0] }))?.clientErrors).toBe(0);
});

test('control planes are weighed by their requests', () => {
  const all = together([
    { perSecond: 30, clientErrors: 0, serverErrors: 0.1, p99: 10 },
    null,
    { perSecond: 10, clientErrors: 0.4, serverErrors: 0, p99: 300 },
  ]);
  expect(all?.perSecond).toBe(40);
  expect(all?.clientErrors).toBeCloseTo(0.1);
  expect(all?.serverErrors).toBeCloseTo(0.075);
  expect(all?.p99).toBe(300);
  expect(together([null])).toBeNull();
});

test('gaps stay gaps', () => {
  expect(perSecond([30, null], 15)).toEqual([2, null]);
});

test('charts begin where something is known, and are not too short', () => {
  const hour = (known: number): Traffic =>
    spans({
      from: 1000,
      requests: [...Array<null>(240 - known).fill(null), ...Array<number>(known).fill(1)],
    });
  expect(withoutBeginning(hour(100))).toMatchObject({ from: 1000 + 140 * 15, requests: Array(100).fill(1) });
  expect(withoutBeginning(hour(4)).requests).toHaveLength(20);
  expect(withoutBeginning(hour(0)).requests).toHaveLength(20);
  expect(withoutBeginning(hour(240)).from).toBe(1000);
});

test('numbers are short', () => {
  expect([rateText(0), rateText(0.333), rateText(1240.4)]).toEqual(['0', '0.3', '1,240']);
  expect([partText(0), partText(0.0004), partText(0.123)]).toEqual(['0 %', '0.04 %', '12 %']);
  expect([millisText(4.25), millisText(12_000)]).toEqual(['4.3 ms', '12 s']);
});
