// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { ApiError } from '@/api/http';
import { attempts, linesOf } from './attempt';

const refused = new ApiError(
  400,
  'Invalid',
  new Map([
    ['routes.0.paths', 'must begin with /'],
    ['name', 'is taken'],
  ]),
);

test('what is wrong is said field by field, where the server names fields', () => {
  expect(linesOf(refused)).toEqual(['routes.0.paths: must begin with /', 'name: is taken']);
  expect(linesOf(refused, (path) => path.toUpperCase())[1]).toBe('NAME: is taken');
  expect(linesOf(new Error('no connection'))).toEqual(['No connection']);
});

test('an attempt says whether it went well, and forgets what was wrong before', async () => {
  const { problems, busy, attempt } = attempts();
  const failing = attempt(() => Promise.reject(refused));
  expect(busy.value).toBe(true);
  expect(await failing).toBe(false);
  expect(busy.value).toBe(false);
  expect(problems.value).toHaveLength(2);
  expect(await attempt(() => Promise.resolve())).toBe(true);
  expect(problems.value).toEqual([]);
});
