import { describe, expect, it } from 'vitest';
import {
  askPredicate,
  hasAudience,
  isInAudience,
  NO_ATTRIBUTES,
} from '../../../src/routing/audience.js';
import type { AttributeValue, Predicate } from '../../../src/routing/plan.js';
import { canary } from './plans.js';

type Condition = Predicate extends infer P
  ? P extends Predicate
    ? Omit<P, 'attribute' | 'negated'>
    : never
  : never;

function asked(condition: Condition, value: AttributeValue | undefined): string {
  const plain = { attribute: 'a', ...condition } as Predicate;
  const negated: Predicate = { ...plain, negated: true };
  const [result, opposite] = [askPredicate(plain, value), askPredicate(negated, value)];
  const expected = { holds: 'fails', fails: 'holds', unknown: 'unknown' }[result];
  expect(opposite, 'a negated predicate is the opposite, unless nothing is known').toBe(expected);
  return result;
}

const inRange = (from: number | null, to: number | null): Condition => ({
  kind: 'range',
  from,
  to,
});
const versions = (from: string | null, below: string | null): Condition => ({
  kind: 'semver',
  from,
  below,
});

describe('a predicate', () => {
  it.each<[Condition, AttributeValue, string]>([
    [{ kind: 'equals', value: 'IN' }, 'IN', 'holds'],
    [{ kind: 'equals', value: 'IN' }, 'in', 'fails'],
    [{ kind: 'equals', value: '5' }, 5, 'fails'],
    [{ kind: 'equals', value: 5 }, 5, 'holds'],
    [{ kind: 'equals', value: 5 }, '5.0', 'holds'],
    [{ kind: 'equals', value: 5 }, 'five', 'fails'],
    [{ kind: 'equals', value: 1 }, true, 'fails'],
    [{ kind: 'equals', value: true }, true, 'holds'],
    [{ kind: 'equals', value: true }, 'true', 'holds'],
    [{ kind: 'equals', value: true }, 'yes', 'fails'],
    [{ kind: 'equals', value: false }, 'false', 'holds'],
    [{ kind: 'in', values: ['IN', 'BR'] }, 'BR', 'holds'],
    [{ kind: 'in', values: ['IN', 7, true] }, '7', 'holds'],
    [{ kind: 'in', values: ['IN', 7] }, 8, 'fails'],
    [{ kind: 'in', values: [] }, 'IN', 'fails'],
    [inRange(1, 2), 1, 'holds'],
    [inRange(1, 2), 2, 'fails'],
    [inRange(1, 2), 0.999, 'fails'],
    [inRange(1, 2), '1.5e0', 'holds'],
    [inRange(null, 0), -3, 'holds'],
    [inRange(0, null), '12', 'holds'],
    [inRange(0, null), '', 'unknown'],
    [inRange(0, null), 'many', 'unknown'],
    [inRange(0, null), '0x10', 'unknown'],
    [inRange(0, null), '1e999', 'unknown'],
    [inRange(0, null), 'Infinity', 'unknown'],
    [inRange(0, null), '1'.repeat(65), 'unknown'],
    [inRange(0, null), true, 'unknown'],
    [{ kind: 'prefix', prefix: '10' }, '10115', 'holds'],
    [{ kind: 'prefix', prefix: '10' }, '01', 'fails'],
    [{ kind: 'prefix', prefix: '10' }, 10_115, 'unknown'],
    [versions('1.2.0', '2.0.0'), '1.10.0', 'holds'],
    [versions('1.2.0', '2.0.0'), '2.0.0', 'fails'],
    [versions('1.2.0', '2.0.0'), '2.0.0-rc.1', 'holds'],
    [versions('1.2.0', '2.0.0'), '1.2.0-rc.1', 'fails'],
    [versions('1.2.0', null), '1.2.0+build.5', 'holds'],
    [versions(null, '2.0.0'), '0.0.1', 'holds'],
    [versions('1.2.0', null), '1.2', 'unknown'],
    [versions('1.2.0', null), 2, 'unknown'],
  ])('%j of %j %s', (condition, value, expected) => {
    expect(asked(condition, value)).toBe(expected);
  });

  it.each<Condition>([
    { kind: 'equals', value: 'IN' },
    { kind: 'in', values: ['IN'] },
    inRange(null, null),
    { kind: 'prefix', prefix: '' },
    versions(null, null),
  ])('%j about an attribute that is not there holds neither way', (condition) => {
    expect(asked(condition, undefined)).toBe('unknown');
  });
});

describe('an audience', () => {
  const india: Predicate = { attribute: 'country', kind: 'equals', value: 'IN' };
  const adult: Predicate = { attribute: 'age', kind: 'range', from: 18, to: null };

  it('is everybody when it has no condition', () => {
    expect(isInAudience([], NO_ATTRIBUTES)).toBe(true);
    expect(hasAudience({ experiments: [canary(1), canary(1, { audience: [] })] })).toBe(false);
    expect(hasAudience({ experiments: [canary(1), canary(1, { audience: [india] })] })).toBe(true);
  });

  it('needs every condition, and asks no further than the first that does not hold', () => {
    const read: string[] = [];
    const of = (values: Record<string, AttributeValue>) => (name: string) => {
      read.push(name);
      return values[name];
    };
    expect(isInAudience([india, adult], of({ country: 'IN', age: 18 }))).toBe(true);
    expect(isInAudience([india, adult], of({ country: 'IN', age: 17 }))).toBe(false);
    read.length = 0;
    expect(isInAudience([india, adult], of({ country: 'DE', age: 18 }))).toBe(false);
    expect(read).toEqual(['country']);
  });
});
