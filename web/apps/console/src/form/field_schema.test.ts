// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readField, readSchema } from './field_schema';
import { changes, difference, initialModel, isEssential, requiredNow } from './form_model';

const LIMITS = {
  fields: [
    { service: { type: 'foreign', reference: 'services' } },
    {
      config: {
        type: 'record',
        required: true,
        fields: [
          { minute: { type: 'number', gt: 0 } },
          { policy: { type: 'string', default: 'local', one_of: ['local', 'redis'] } },
          { tags_of: { type: 'set', elements: { type: 'string', one_of: ['a', 'b'] } } },
          {
            redis: {
              type: 'record',
              required: true,
              fields: [{ host: { type: 'string' } }, { port: { type: 'integer', default: 6379 } }],
            },
          },
        ],
      },
    },
  ],
  entity_checks: [
    { at_least_one_of: ['config.minute'] },
    {
      conditional: {
        if_field: 'config.policy',
        if_match: { eq: 'redis' },
        then_field: 'config.redis.host',
        then_match: { required: true },
      },
    },
  ],
};

describe('readSchema', () => {
  const schema = readSchema(LIMITS);
  const config = schema.fields[1]!;

  it('chooses a widget by what a field is', () => {
    expect(schema.fields[0]!.widget).toBe('reference');
    expect(config.fields.map((field) => field.widget)).toEqual(['number', 'select', 'choices', 'record']);
    expect(readField('enabled', { type: 'boolean' }).widget).toBe('tristate');
    expect(readField('enabled', { type: 'boolean', default: true }).widget).toBe('switch');
    expect(readField('what', { type: 'function' }).widget).toBe('json');
  });

  it('knows what becomes required by another field', () => {
    const model = initialModel(schema.fields);
    expect(requiredNow(schema, model).size).toBe(0);
    (model['config'] as Record<string, unknown>)['policy'] = 'redis';
    expect([...requiredNow(schema, model)]).toEqual(['config.redis.host']);
  });

  it('puts first of what one must be given', () => {
    expect(isEssential(schema, config.fields[0]!, 'config.minute', [])).toBe(true);
    expect(isEssential(schema, config.fields[1]!, 'config.policy', [])).toBe(false);
  });
});

describe('models', () => {
  const { fields } = readSchema(LIMITS);

  it('starts with defaults, records included', () => {
    expect(initialModel(fields)).toEqual({
      service: null,
      config: { minute: null, policy: 'local', tags_of: null, redis: { host: null, port: 6379 } },
    });
  });

  it('keeps what an entity says, nulls and members that no schema names included', () => {
    const model = initialModel(fields, { service: { id: 's' }, config: { minute: 5, policy: null, later: 1 } });
    expect(model['service']).toEqual({ id: 's' });
    expect(model['config']).toMatchObject({ minute: 5, policy: null, later: 1 });
  });

  it('creates with what differs from defaults only, deep inside of records', () => {
    const base = initialModel(fields);
    const model = initialModel(fields);
    (model['config'] as Record<string, Record<string, unknown>>)['redis']!['host'] = 'r';
    expect(difference(fields, model, base)).toEqual({ config: { redis: { host: 'r' } } });
  });

  it('changes whole top-level fields, and nothing when nothing changed', () => {
    const base = initialModel(fields);
    const model = initialModel(fields);
    expect(changes(fields, model, base)).toEqual({});
    model['service'] = { id: 'x' };
    expect(changes(fields, model, base)).toEqual({ service: { id: 'x' } });
  });
});
