import { describe, expect, it } from 'vitest';
import { boundaryOf } from '../../../src/analysis/spending.js';
import { spendingBoundaries } from '../../../src/statistics/group-sequential.js';

describe('the boundary of a group-sequential test', () => {
  it('is the normal quantile when there is one look', () => {
    const { spent, criticalValue } = boundaryOf([1], 0.05);
    expect(spent).toBeCloseTo(0.05, 12);
    expect(criticalValue).toBeCloseTo(1.959963984540054, 8);
  });

  it('is that of Lan and DeMets at the five looks of the textbook', () => {
    const looks = [0.2, 0.4, 0.6, 0.8, 1];
    const values = looks.map((_, k) => boundaryOf(looks.slice(0, k + 1), 0.05).criticalValue);
    // Reboussin, DeMets, Kim and Lan (2000), O'Brien-Fleming-like spending, two-sided .05
    const published = [4.8769, 3.3569, 2.6803, 2.2898, 2.031];
    values.forEach((value, k) => expect(value).toBeCloseTo(published[k] ?? 0, 3));
  });

  it('carries a spend below 1e-12 to the next look', () => {
    expect(boundaryOf([0.05], 0.05)).toEqual({ spent: 0, criticalValue: null });
    const carried = boundaryOf([0.05, 0.2], 0.05);
    expect(carried).toEqual(boundaryOf([0.2], 0.05));
  });

  it('ends its spending at the planned units, however late the last look comes', () => {
    const late = boundaryOf([0.5, 1.2], 0.05);
    expect(late.spent).toBeCloseTo(0.05, 12);
    expect(late).toEqual(boundaryOf([0.5, 1], 0.05));
  });

  it('is the same look by look, at once, and in the design of all its looks', () => {
    const looks = Array.from({ length: 40 }, (_, k) => 0.15 + (0.85 * k) / 39);
    const whole = spendingBoundaries({
      ...{ spending: { kind: 'obrien_fleming' }, informationFractions: looks },
      ...{ alpha: 0.04, sides: 2 },
    });
    const atOnce = boundaryOf(looks, 0.04).criticalValue;
    const oneByOne = looks.map((_, k) => boundaryOf(looks.slice(0, k + 1), 0.04).criticalValue);
    whole.forEach((look, k) => expect(oneByOne[k]).toBeCloseTo(look.criticalValue, 11));
    expect(oneByOne.at(-1)).toBe(atOnce);
  });
});
