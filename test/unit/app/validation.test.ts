import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ContractPipe } from '../../../src/app/validation.js';
import { SluiceError } from '../../../src/kernel/errors.js';
import { modelSchema, versionSchema } from '../../../src/models/model.contract.js';

const pipe = new ContractPipe();
const parse = (schema: z.ZodType, value: unknown): unknown =>
  pipe.transform(value, { type: 'body', schema });

function refusal(schema: z.ZodType, value: unknown): SluiceError {
  try {
    parse(schema, value);
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    return error as SluiceError;
  }
  return expect.unreachable('it was accepted');
}

describe('the contract pipe', () => {
  it('returns what the schema makes of the input, defaults filled in', () => {
    expect(parse(modelSchema, {})).toEqual({
      unit: { header: 'x-sluice-unit' },
      fallback: null,
      timeoutMs: 10_000,
      idempotent: false,
      capture: { output: {}, input: {} },
      attributes: {},
      disclose: false,
    });
  });

  it('passes on what has no schema', () => {
    expect(pipe.transform('as it is', { type: 'custom' })).toBe('as it is');
  });

  it('names every field that is wrong by its JSON pointer, with what was given and what fits', () => {
    const { code, defects } = refusal(modelSchema, {
      timeoutMs: 0,
      capture: { output: { score: 'no pointer' } },
      fallback: 'V 1',
    });
    expect(code).toBe('invalid_input');
    expect(defects).toContainEqual({
      field: '/timeoutMs',
      given: 0,
      expected: '1 to 600000 milliseconds',
    });
    expect(defects).toContainEqual(
      expect.objectContaining({ field: '/capture/output/score', given: 'no pointer' }),
    );
    expect(defects).toContainEqual(expect.objectContaining({ field: '/fallback', given: 'V 1' }));
  });

  it('names every unknown field', () => {
    const { defects } = refusal(modelSchema, { timeout: 1, unit: { header: 'a', cookies: 'b' } });
    expect(defects.map(({ field }) => field).sort()).toEqual(['/timeout', '/unit/cookies']);
  });

  it('escapes slashes and tildes in pointers', () => {
    const { defects } = refusal(z.strictObject({}), { 'a/b~c': 1 });
    expect(defects[0]?.field).toBe('/a~1b~0c');
  });

  it('says all that is missing when there is no body', () => {
    expect(refusal(versionSchema, undefined).defects[0]).toMatchObject({ field: '' });
    expect(refusal(versionSchema, {}).defects[0]).toMatchObject({ field: '/url' });
  });

  it('names a parameter by its name', () => {
    const schema = z.uuid();
    expect(() => pipe.transform('x', { type: 'param', data: 'id', schema })).toThrow(
      expect.objectContaining({ defects: [expect.objectContaining({ field: '/id', given: 'x' })] }),
    );
  });

  it.each([
    { headers: { authorization: 'Bearer canary\nx' } },
    { headers: { 'bad name': 'canary' } },
    { headers: 'canary' },
    { headers: ['canary'] },
    { headers: { host: 'canary' }, more: 'x' },
    [{ headers: { authorization: 'canary' } }],
  ])('never repeats header values: %j', (body) => {
    const error = refusal(versionSchema, body);
    expect(JSON.stringify(error.defects) + error.message).not.toContain('canary');
  });

  it('reports at most 50 defects', () => {
    const { defects } = refusal(
      z.array(z.string()),
      Array.from({ length: 500 }, () => 1),
    );
    expect(defects).toHaveLength(50);
  });

  it('lists the alternatives of a union', () => {
    const union = z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.number() })]);
    expect(refusal(z.strictObject({ x: union }), { x: { c: 1 } }).defects[0]?.expected).toMatch(
      /^one of: /,
    );
  });
});
