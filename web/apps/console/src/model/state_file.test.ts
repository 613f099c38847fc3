// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Entity } from '@/api/entities';
import { FileProblem, toBatch, toStateFile, withoutNulls } from './state_file';

const rows = (given: Record<string, Entity[]>): Map<string, Entity[]> => new Map(Object.entries(given));

describe('toStateFile', () => {
  it('nests what belongs to one entity and names what it refers to', () => {
    const file = toStateFile(
      rows({
        services: [{ id: 's', name: 'orders', host: 'h', path: null, created_at: 1 }],
        routes: [{ id: 'r', name: 'all', paths: ['/'], service: { id: 's' } }],
        consumers: [{ id: 'c', username: 'al' }],
        plugins: [
          { id: 'p', name: 'key-auth', service: { id: 's' }, config: { key_names: ['k'], realm: null } },
          { id: 'q', name: 'acl', service: { id: 's' }, consumer: { id: 'c' } },
        ],
      }),
      new Map([['c', ['gold']]]),
    );
    expect(file).toEqual({
      _format_version: '3.0',
      _transform: false,
      services: [
        {
          name: 'orders',
          host: 'h',
          routes: [{ name: 'all', paths: ['/'] }],
          plugins: [{ name: 'key-auth', config: { key_names: ['k'] } }],
        },
      ],
      consumers: [{ username: 'al', groups: [{ name: 'gold' }] }],
      plugins: [{ name: 'acl', service: 'orders', consumer: 'al' }],
    });
  });

  it('keeps the id of what has no name', () => {
    expect(toStateFile(rows({ certificates: [{ id: 'x', cert: 'c' }] }), new Map())['certificates']).toEqual([
      { id: 'x', cert: 'c' },
    ]);
  });
});

describe('toBatch', () => {
  it('lays nested entities flat, each with its parent', () => {
    const { upsert, count } = toBatch({
      _format_version: '3.0',
      services: [{ name: 'orders', url: 'http://h', routes: [{ name: 'r', plugins: [{ name: 'cors' }] }] }],
      consumers: [{ username: 'al', groups: [{ name: 'gold' }], keyauth_credentials: [{ key: 'k' }] }],
    });
    expect(upsert).toEqual({
      services: [{ name: 'orders', url: 'http://h' }],
      routes: [{ name: 'r', service: 'orders' }],
      plugins: [{ name: 'cors', route: 'r' }],
      consumers: [{ username: 'al' }],
      keyauth_credentials: [{ key: 'k', consumer: 'al' }],
      consumer_group_consumers: [{ consumer: 'al', consumer_group: 'gold' }],
    });
    expect(count).toBe(6);
  });

  it('gives an id to what has no name and is referred to', () => {
    const { upsert } = toBatch({ services: [{ host: 'h', routes: [{ paths: ['/'] }] }] });
    expect(upsert['routes']?.[0]?.['service']).toBe(upsert['services']?.[0]?.['id']);
  });

  it('refuses what it does not know instead of leaving it out', () => {
    expect(() => toBatch({ servces: [] })).toThrow(FileProblem);
    expect(() => toBatch('text')).toThrow(FileProblem);
  });
});

describe('withoutNulls', () => {
  it('leaves out nulls and times, also inside of records', () => {
    expect(withoutNulls({ a: null, created_at: 1, b: { c: null, d: [null] } })).toEqual({ b: { d: [null] } });
  });
});
