// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { flattenFields, sentence, unplaced } from './errors';

describe('flattenFields', () => {
  it('names nested fields and elements by their paths', () => {
    const flat = flattenFields({ config: { queue: { max: 'expected a number' } }, paths: [null, 'bad'] });
    expect([...flat]).toEqual([
      ['config.queue.max', 'expected a number'],
      ['paths.1', 'bad'],
    ]);
  });

  it('keeps what concerns the entity as a whole, joined', () => {
    const flat = flattenFields({ '@entity': ['one', 'two'] });
    expect(flat.get('@entity')).toBe('one; two');
  });

  it('puts what concerns an expression at the expression', () => {
    const flat = flattenFields({ '@entity': ['Router Expression failed validation: line 1: no', 'other'] });
    expect([...flat]).toEqual([
      ['expression', 'line 1: no'],
      ['@entity', 'other'],
    ]);
  });

  it('reads the invalid parameters of the platform API', () => {
    const flat = flattenFields(undefined, [{ field: 'name', rule: 'required', reason: 'is a required field' }]);
    expect(flat.get('name')).toBe('is a required field');
  });
});

describe('unplaced', () => {
  it('leaves out what a field shows, and says where the rest belongs', () => {
    const fields = new Map([
      ['name', 'taken'],
      ['@entity', 'nothing given'],
      ['config.x', 'unknown field'],
    ]);
    expect(unplaced(fields, (path) => path === 'name')).toEqual(['nothing given', 'config.x: unknown field']);
  });
});

describe('sentence', () => {
  it('begins with a capital where a word begins it', () => {
    expect(sentence("must set one of 'hosts', 'paths'")).toBe("Must set one of 'hosts', 'paths'");
  });

  it('leaves addresses and paths of fields alone', () => {
    for (const text of ['https://a.example: answered 404', 'config.limit: required', '/paths: no'])
      expect(sentence(text)).toBe(text);
  });
});
