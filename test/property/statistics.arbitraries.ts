import { fc } from '../support/property.js';
import { expect } from 'vitest';
import type { Estimable } from '../../src/statistics/estimable.js';
import type { Alternative } from '../../src/statistics/inference.js';

export const alternative = fc.constantFrom<Alternative>('two-sided', 'greater', 'less');
export const alpha = fc.double({ min: 1e-6, max: 0.4, noNaN: true });
export const proportion = fc
  .record({
    trials: fc.integer({ min: 1, max: 1_000_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ trials, share }) => ({ trials, successes: Math.round(trials * share) }));
export const measurement = fc.double({ min: -1e6, max: 1e6, noNaN: true });
export const sample = fc.record({
  n: fc.integer({ min: 2, max: 1_000_000 }),
  mean: measurement,
  variance: fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
});

export const MIRROR: Readonly<Record<Alternative, Alternative>> = {
  'two-sided': 'two-sided',
  greater: 'less',
  less: 'greater',
};

export function close(got: number, want: number, tolerance: number, scale = Math.abs(want)): void {
  expect(Math.abs(got - want)).toBeLessThanOrEqual(tolerance * Math.max(scale, Number.MIN_VALUE));
}

/** Not `toBe(-want)`, which tells 0 from -0. */
export function opposite(got: number, want: number): void {
  expect(got === -want, `${String(got)} against ${String(want)}`).toBe(true);
}

export function each<T>(found: Estimable<T>, inspect: (value: T) => void): void {
  if (found.kind === 'value') inspect(found.value);
}
