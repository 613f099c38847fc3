// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readFields } from '@/form/field_schema';
import { shortened, withoutSecrets } from './secrets';

describe('shortened', () => {
  it('shows little of a long secret and nothing of a short one', () => {
    expect(shortened('cciYn0dEfk3mZ7qLw')).toBe('cciY…');
    expect(shortened('abcdef')).toBe('ab…');
    expect(shortened('ab')).toBe('…');
    expect(shortened('-----BEGIN PRIVATE KEY-----\nMIGH\n')).toBe('-----BEGIN PRIVATE KEY-----…');
  });
});

describe('withoutSecrets', () => {
  const fields = readFields([
    { key: { type: 'string' } },
    { name: { type: 'string' } },
    {
      config: {
        type: 'record',
        fields: [
          { header_value: { type: 'string', encrypted: true } },
          { redis: { type: 'record', fields: [{ password: { type: 'string' } }, { host: { type: 'string' } }] } },
          { secrets: { type: 'array', encrypted: true, elements: { type: 'string' } } },
        ],
      },
    },
  ]);

  it('shortens what is marked or called a secret, however deep, and nothing else', () => {
    const entity = {
      key: 'cciYn0dEfk3mZ7qLw',
      name: 'a-name-that-is-long',
      config: {
        header_value: 'Bearer 123456789',
        redis: { password: '{vault://env/pw}', host: 'redis' },
        secrets: ['123456789'],
      },
    };
    expect(withoutSecrets(entity, fields)).toEqual({
      key: 'cciY…',
      name: 'a-name-that-is-long',
      config: { header_value: 'Bear…', redis: { password: '{vault://env/pw}', host: 'redis' }, secrets: ['123…'] },
    });
  });

  it('goes by names where there is no description', () => {
    expect(withoutSecrets({ config: { password: '123456789', host: 'redis' } }, [])).toEqual({
      config: { password: '123…', host: 'redis' },
    });
  });

  it('says where another secret begins in the same way', () => {
    expect(withoutSecrets({ key: 'cciY-the-new-one' }, fields, { key: 'cciY-the-old-one' }).key).toBe(
      'cciY… (another)',
    );
    expect(withoutSecrets({ key: 'cciY-the-old-one' }, fields, { key: 'cciY-the-old-one' }).key).toBe('cciY…');
  });
});
