import { createRequire } from 'node:module';
import betainc from '@stdlib/math-base-special-betainc';
import gammainc from '@stdlib/math-base-special-gammainc';
import {
  cumulativeStdNormalProbability,
  mean,
  probit,
  quantile,
  sampleVariance,
} from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import * as numerics from '../../../src/statistics/numerics.js';

// jstat ships no types; this is the part that is pinned here.
const { jStat } = createRequire(import.meta.url)('jstat') as {
  readonly jStat: {
    readonly normal: { cdf(x: number, mean: number, sd: number): number };
    readonly studentt: { cdf(x: number, df: number): unknown };
    readonly beta: {
      cdf(x: number, a: number, b: number): number;
      inv(p: number, a: number, b: number): number;
    };
    readonly chisquare: { cdf(x: number, df: number): number };
    readonly noncentralt: { cdf(x: number, df: number, delta: number): number };
    readonly binomial: { pdf(k: number, n: number, p: number): number };
  };
};

function relativeError(got: number, want: number): number {
  return Math.abs(got - want) / Math.abs(want);
}

describe('simple-statistics inside its box', () => {
  it('sums with compensation, so that means survive cancellation', () => {
    expect(mean([1e16, 1, -1e16, 1])).toBe(0.5);
  });

  it('takes quantiles of type 7', () => {
    expect(quantile([1, 2, 3, 4, 100], 0.8)).toBeCloseTo(23.2, 12);
    expect(quantile([4, 1, 3, 2], 0.3)).toBeCloseTo(1.9, 12);
  });

  it('divides the sample variance by n - 1', () => {
    expect(sampleVariance([1, 2, 3, 4])).toBeCloseTo(5 / 3, 15);
  });
});

describe('simple-statistics outside its box, which is why numerics does not use it', () => {
  it('clamps the normal distribution to a four-digit table', () => {
    expect(
      relativeError(cumulativeStdNormalProbability(-1.965), numerics.normalCdf(-1.965)),
    ).toBeGreaterThan(1e-3);
    expect(
      relativeError(cumulativeStdNormalProbability(-5), numerics.normalCdf(-5)),
    ).toBeGreaterThan(1);
    expect(relativeError(probit(0.975), numerics.normalQuantile(0.975))).toBeGreaterThan(1e-4);
  });
});

describe('jstat inside its box', () => {
  it.each([3, 30, 1e4])('agrees on the centre of t at %d degrees of freedom to 1e-7', (df) => {
    for (const t of [-3, -1, 0.5, 2]) {
      expect(
        relativeError(jStat.studentt.cdf(t, df) as number, numerics.studentUpperTail(-t, df)),
      ).toBeLessThan(1e-7);
    }
  });

  it('agrees on Beta and chi-square centres to 1e-7', () => {
    expect(
      relativeError(jStat.beta.cdf(0.3, 20, 50), numerics.regularisedBeta(0.3, 20, 50).lower),
    ).toBeLessThan(1e-7);
    expect(
      relativeError(jStat.beta.inv(0.3, 20, 50), numerics.betaQuantile(0.3, 20, 50)),
    ).toBeLessThan(1e-7);
    const chi = 1 - jStat.chisquare.cdf(12, 10);
    expect(relativeError(chi, numerics.chiSquareUpperTail(12, 10))).toBeLessThan(1e-7);
  });
});

describe('jstat outside its box, which is why numerics does not use it', () => {
  it('loses normal tails, wide t, long binomials and invalid input', () => {
    expect(jStat.normal.cdf(-8.5, 0, 1)).toBe(0);
    expect(numerics.normalCdf(-8.5)).toBeGreaterThan(0);
    // P(T <= -0.01) at 1e7 degrees of freedom is 59 % too large; a Beta cdf at shapes of 1e9 is about -10.
    const nearCentre = jStat.studentt.cdf(-0.01, 1e7) as number;
    expect(relativeError(nearCentre, numerics.studentUpperTail(0.01, 1e7))).toBeGreaterThan(0.5);
    expect(jStat.beta.cdf(0.5, 1e9, 1e9)).toBeLessThan(-9);
    expect(numerics.regularisedBeta(0.5, 1e9, 1e9).lower).toBeCloseTo(0.5, 12);
    expect(Number.isNaN(jStat.binomial.pdf(500, 5000, 0.1))).toBe(true);
    expect(jStat.studentt.cdf(2, -1)).toBe(false);
  });
});

describe('@stdlib', () => {
  it('betainc agrees with own continued fraction for shapes up to 1e4', () => {
    for (const [x, a, b] of [
      [0.2, 3, 9],
      [0.31, 3000, 7000],
      [0.001, 0.5, 5000],
    ] as const) {
      const own = numerics.logRegularisedBeta(x, a, b);
      expect(relativeError(betainc(x, a, b), Math.exp(own.logLower))).toBeLessThan(1e-11);
      expect(relativeError(betainc(x, a, b, true, true), Math.exp(own.logUpper))).toBeLessThan(
        1e-11,
      );
    }
  });

  it('gammainc is good up to shape 100 and wrong near the mean from 1000, so own code takes over', () => {
    expect(
      relativeError(gammainc(110, 100, true, true), numerics.regularisedGamma(110, 100).upper),
    ).toBeLessThan(1e-12);
    const { upper } = numerics.regularisedGamma(1010, 1000);
    expect(relativeError(upper, 0.372_321_055_263_025_3)).toBeLessThan(1e-12);
    expect(relativeError(gammainc(1010, 1000, true, true), upper)).toBeGreaterThan(1e-3);
  });
});
