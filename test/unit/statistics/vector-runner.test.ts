import { describe, expect, it } from 'vitest';
import { estimated, notEstimable, refuse } from '../../../src/statistics/estimable.js';
import { check, decode, type Operation, type VectorCase } from '../../vectors/compare.js';

function vector(expected: VectorCase['expected'], extra: Partial<VectorCase> = {}): VectorCase {
  return { id: 'x', op: 'x', input: {}, expected, ...extra };
}

const gives =
  (fields: Readonly<Record<string, unknown>>): Operation =>
  () =>
    fields;

describe('the runner of reference vectors', () => {
  it('passes within atol + field atol + rtol * |want| and misses outside', () => {
    const expected = { p: 2 };
    expect(check(vector(expected, { rtol: 1e-3 }), gives({ p: 2.0019 }))).toBeNull();
    expect(check(vector(expected, { rtol: 1e-3 }), gives({ p: 2.0021 }))).toContain(
      'p: got 2.0021',
    );
    expect(check(vector(expected, { atol: 0.1 }), gives({ p: 2.09 }))).toBeNull();
    expect(check(vector(expected, { field_atol: { q: 1 } }), gives({ p: 2.09 }))).not.toBeNull();
  });

  it('misses NaN, an absent field, a wrong boolean and a wrong length', () => {
    expect(check(vector({ p: 1 }, { rtol: 1 }), gives({ p: Number.NaN }))).not.toBeNull();
    expect(check(vector({ p: 1 }), gives({}))).not.toBeNull();
    expect(check(vector({ reject: true }), gives({ reject: false }))).not.toBeNull();
    expect(check(vector({ p: [1, 2] }), gives({ p: [1] }))).not.toBeNull();
  });

  it('reads infinities and ranges', () => {
    expect(decode({ a: ['NaN', '-Infinity'], b: 'two-sided' })).toEqual({
      a: [Number.NaN, -Infinity],
      b: 'two-sided',
    });
    expect(check(vector({ upper: 'Infinity' }), gives({ upper: Infinity }))).toBeNull();
    expect(
      check(vector({ upper: 'Infinity' }, { rtol: 1 }), gives({ upper: 1e300 })),
    ).not.toBeNull();
    expect(check(vector({ p: { min: 0, max: 1e-300 } }), gives({ p: 0 }))).toBeNull();
    expect(check(vector({ p: { min: 0, max: 1e-300 } }), gives({ p: 1e-200 }))).not.toBeNull();
  });

  it('tells undefined, refused and computed apart', () => {
    const none: Operation = () => notEstimable('zero_variance');
    const bad: Operation = () => refuse('x', 1, 'something else');
    const one: Operation = () => estimated({ p: 1 });
    const broken: Operation = () => {
      throw new TypeError('x');
    };
    expect(check(vector({ undefined: 'r' }), none)).toBeNull();
    expect(check(vector({ undefined: 'r' }), one)).not.toBeNull();
    expect(check(vector({ error: 'r' }), bad)).toBeNull();
    expect(check(vector({ error: 'r' }), one)).not.toBeNull();
    expect(check(vector({ error: 'r' }), none)).not.toBeNull();
    expect(check(vector({ error: 'r' }), broken)).not.toBeNull();
    expect(check(vector({ p: 1 }), one)).toBeNull();
    expect(check(vector({ p: 1 }), none)).toContain('zero_variance');
    expect(check(vector({ p: 1 }), undefined)).toBe('not yet');
  });
});
