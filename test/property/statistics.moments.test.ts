import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import {
  mergeMoments,
  mergePairedMoments,
  momentsOf,
  NO_MOMENTS,
  NO_PAIRED_MOMENTS,
  pairedMomentsOf,
} from '../../src/statistics/moments.js';
import {
  logRegularisedBeta,
  regularisedBeta,
  studentUpperTail,
} from '../../src/statistics/numerics.js';
import { measurement, close } from './statistics.arbitraries.js';

describe('moments', () => {
  it('are the same to 1e-12 however the values are split and in whatever order the parts are merged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(measurement, { maxLength: 20 }), { minLength: 1, maxLength: 8 }),
        (parts) => {
          const whole = momentsOf(parts.flat());
          const forward = parts.map(momentsOf).reduce(mergeMoments, NO_MOMENTS);
          const backward = parts.map(momentsOf).reverse().reduce(mergeMoments, NO_MOMENTS);
          const spread = Math.sqrt(whole.m2 / Math.max(1, whole.n)) + Math.abs(whole.mean);
          for (const merged of [forward, backward]) {
            expect(merged.n).toBe(whole.n);
            close(merged.mean, whole.mean, 1e-12, spread);
            close(
              merged.m2,
              whole.m2,
              1e-12,
              whole.m2 + whole.n * Number.EPSILON * spread ** 2 * 1e3,
            );
          }
        },
      ),
    );
  });

  it('keep the variance at a mean of 1e12 (kills the mutant that stores the sum of squares)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 50 }),
        (values) => {
          const shifted = values.map((value) => value + 1e12);
          const middle = Math.floor(values.length / 2);
          const merged = mergeMoments(
            momentsOf(shifted.slice(0, middle)),
            momentsOf(shifted.slice(middle)),
          );
          const exact = momentsOf(values).m2;
          // The mean of 1e12 rounds by up to 1.2e-4, which the merge sees; the values themselves are exact.
          expect(Math.abs(merged.m2 - exact)).toBeLessThanOrEqual(
            1e-6 * exact + 1e-3 * values.length * 1000,
          );
          expect(momentsOf(shifted).m2).toBeCloseTo(exact, 3);
        },
      ),
    );
    const shifted = [1e12 + 1, 1e12 + 2, 1e12 + 4];
    const sum = shifted.reduce((total, value) => total + value, 0);
    const mutant = shifted.reduce((total, value) => total + value * value, 0) - (sum * sum) / 3;
    expect(Math.abs(mutant - 14 / 3)).toBeGreaterThan(1);
    expect(momentsOf(shifted).m2).toBeCloseTo(14 / 3, 6);
  });

  it('of pairs merge like the rows themselves, in either order', () => {
    const rows = fc.array(fc.tuple(measurement, measurement), { maxLength: 20 });
    fc.assert(
      fc.property(rows, rows, (first, second) => {
        const whole = pairedMomentsOf([...first, ...second]);
        const one = mergePairedMoments(pairedMomentsOf(first), pairedMomentsOf(second));
        const other = mergePairedMoments(pairedMomentsOf(second), pairedMomentsOf(first));
        expect(one.n).toBe(whole.n);
        const scale = Math.sqrt(whole.m2Y * whole.m2D) + whole.n * 1e-3;
        close(one.coMoment, whole.coMoment, 1e-11, scale);
        close(other.coMoment, one.coMoment, 1e-12, scale);
        close(other.meanY, one.meanY, 1e-15, Math.abs(one.meanY));
        expect(mergePairedMoments(NO_PAIRED_MOMENTS, one)).toEqual(one);
      }),
    );
  });
});

describe('special functions', () => {
  it('give both tails of the Beta distribution, which sum to 1, on the plain and the log scale', () => {
    const shape = fc.double({ min: 0.01, max: 1e7, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), shape, shape, (x, a, b) => {
        const { lower, upper } = regularisedBeta(x, a, b);
        expect(lower + upper).toBeCloseTo(1, 10);
        const logs = logRegularisedBeta(x, a, b);
        expect(logs.logLower).toBeLessThanOrEqual(0);
        if (lower > 1e-280) close(Math.exp(logs.logLower), lower, 1e-9);
        if (upper > 1e-280) close(Math.exp(logs.logUpper), upper, 1e-9);
      }),
    );
  });

  it('give t tails that fall as t grows', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 1e9, noNaN: true }),
        fc.double({ min: -30, max: 30, noNaN: true }),
        (df, t) => {
          expect(studentUpperTail(t + 0.01, df)).toBeLessThanOrEqual(studentUpperTail(t, df));
        },
      ),
    );
  });
});
