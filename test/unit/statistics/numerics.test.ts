import { describe, expect, it } from 'vitest';
import * as numerics from '../../../src/statistics/numerics.js';

function relativeError(got: number, want: number): number {
  return Math.abs(got - want) / Math.abs(want);
}

describe('tails', () => {
  it('are computed from the tail itself (kills the mutant `1 - cdf`, which is 0 from z = 8.3)', () => {
    expect(1 - numerics.normalCdf(10)).toBe(0);
    // mpmath: erfc(10/sqrt 2)/2
    expect(relativeError(numerics.normalUpperTail(10), 7.6198530241605e-24)).toBeLessThan(1e-12);
    expect(relativeError(numerics.normalUpperTail(37), 5.725571222524e-300)).toBeLessThan(1e-11);
  });

  it('keep their logarithm where the probability underflows', () => {
    expect(numerics.normalUpperTail(40)).toBe(0);
    expect(numerics.logNormalUpperTail(40)).toBeCloseTo(-804.6084420137538, 9);
    expect(numerics.logStudentUpperTail(1e6, 1000)).toBeLessThan(-6000);
    expect(numerics.logChiSquareUpperTail(4e7, 1)).toBeLessThan(-1.9e7);
  });

  it('join without a step where the log form of the normal changes its method', () => {
    const below = numerics.logNormalUpperTail(5);
    const above = numerics.logNormalUpperTail(5 + 1e-12);
    expect(Math.abs(above - below)).toBeLessThan(1e-11);
  });

  it('join without a step where own code takes over from the library', () => {
    const at = (shape: number): number => numerics.regularisedBeta(0.5, shape, shape + 50).lower;
    expect(relativeError(at(9949.999), at(9950.001))).toBeLessThan(1e-6);
    const t = (df: number): number => numerics.studentUpperTail(3, df);
    expect(relativeError(t(19_999.999), t(20_000.001))).toBeLessThan(1e-9);
    const gamma = (shape: number): number => numerics.regularisedGamma(130, shape).upper;
    expect(relativeError(gamma(99.999_999), gamma(100.000_001))).toBeLessThan(1e-6);
  });

  it('approach the normal distribution for many degrees of freedom', () => {
    for (const z of [0.5, 2, 6, 20]) {
      expect(
        relativeError(numerics.studentUpperTail(z, 1e13), numerics.normalUpperTail(z)),
      ).toBeLessThan(1e-8);
    }
  });

  it('of t stay finite for statistics beyond the square root of the floating range', () => {
    // Cauchy: P(T > t) = 1/(pi t) for large t.
    expect(numerics.logStudentUpperTail(1e200, 1)).toBeCloseTo(
      -Math.log(Math.PI) - 200 * Math.LN10,
      9,
    );
    expect(numerics.studentUpperTail(0, 7)).toBe(0.5);
    expect(numerics.logStudentUpperTail(1e-200, 7)).toBeCloseTo(-Math.LN2, 15);
  });

  it('of t of the wrong sign are near 1, not refused', () => {
    expect(numerics.studentUpperTail(-3, 10)).toBeCloseTo(0.993_328_172_488_715, 9);
    expect(numerics.logStudentUpperTail(-3, 10)).toBeCloseTo(Math.log(0.993_328_172_488_715), 9);
  });

  it('reach both ends exactly', () => {
    expect(numerics.chiSquareUpperTail(0, 3)).toBe(1);
    expect(numerics.logChiSquareUpperTail(0, 3)).toBe(0);
    expect(numerics.regularisedBeta(0, 2, 3)).toEqual({ lower: 0, upper: 1 });
    expect(numerics.regularisedBeta(1, 2, 3)).toEqual({ lower: 1, upper: 0 });
    expect(numerics.fUpperTail(0, 2, 3)).toBe(1);
    expect(numerics.binomialTails(5, 5, 0.2)).toEqual({ lower: 1, upper: 0 });
    expect(numerics.binomialPoint(0, 3, 0)).toBe(1);
    expect(numerics.binomialPoint(2, 3, 1)).toBe(0);
    expect(numerics.binomialPoint(3, 3, 0.5)).toBeCloseTo(0.125, 15);
  });
});

describe('quantiles', () => {
  it.each([1e-300, 1e-100, 1e-17, 0.001, 0.3, 0.5, 0.9, 0.999_999])(
    'of the normal invert the tail at %d',
    (q) => {
      expect(
        relativeError(numerics.normalUpperTail(numerics.normalUpperQuantile(q)), q),
      ).toBeLessThan(2e-10);
    },
  );

  it.each([0.8, 1, 2, 4.7, 100, 1e5, 2e9])(
    'of t invert the tail at %d degrees of freedom',
    (df) => {
      for (const q of [1e-100, 1e-12, 0.025, 0.4, 0.499_999]) {
        const t = numerics.studentUpperQuantile(q, df);
        expect(Math.abs(numerics.logStudentUpperTail(t, df) - Math.log(q))).toBeLessThan(
          1e-11 * Math.max(1, -Math.log(q)),
        );
      }
    },
  );

  it('of t that no double can hold are refused', () => {
    expect(() => numerics.studentUpperQuantile(1e-100, 0.3)).toThrow('finite double');
  });

  it('of t are antisymmetric and 0 at one half', () => {
    expect(numerics.studentQuantile(0.5, 3)).toBe(0);
    expect(numerics.studentUpperQuantile(0.5, 3)).toBe(0);
    expect(numerics.studentUpperQuantile(0.75, 3)).toBe(-numerics.studentUpperQuantile(0.25, 3));
  });

  it('of the Beta distribution invert both tails', () => {
    const lower = numerics.betaQuantile(0.01, 20, 900);
    expect(relativeError(numerics.regularisedBeta(lower, 20, 900).lower, 0.01)).toBeLessThan(1e-9);
    const upper = numerics.betaUpperQuantile(1e-20, 20, 900);
    expect(relativeError(numerics.regularisedBeta(upper, 20, 900).upper, 1e-20)).toBeLessThan(1e-9);
  });
});

describe('numerics refuse', () => {
  it.each<[string, () => number | object]>([
    ['z', () => numerics.normalUpperTail(Number.NaN)],
    ['z', () => numerics.logNormalUpperTail(Infinity)],
    ['p', () => numerics.normalQuantile(-0.1)],
    ['df', () => numerics.studentUpperTail(1, -1)],
    ['t', () => numerics.studentUpperTail(Infinity, 3)],
    ['p', () => numerics.studentQuantile(1, 3)],
    ['x', () => numerics.chiSquareUpperTail(-1, 3)],
    ['df', () => numerics.chiSquareUpperTail(1, 0)],
    ['a', () => numerics.regularisedBeta(0.5, 0, 1)],
    ['k', () => numerics.binomialTails(4, 3, 0.5)],
    ['n', () => numerics.binomialPoint(0, 1.5, 0.5)],
    ['x', () => numerics.logGamma(0)],
  ])('a bad %s with a defect that names it', (field, act) => {
    expect(act).toThrow(
      expect.objectContaining({
        code: 'invalid_input',
        defects: [expect.objectContaining({ field })],
      }),
    );
  });
});
