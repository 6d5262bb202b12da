import { describe, expect, it } from 'vitest';
import {
  betaBinomialComparison,
  betaCredibleInterval,
} from '../../../src/statistics/bayes-beta-binomial.js';
import { betaOrder, type BetaShape } from '../../../src/statistics/beta-order.js';
import { logBeta, normalCdf, regularisedBeta } from '../../../src/statistics/numerics.js';

const uniform = { priorAlpha: 1, priorBeta: 1 };

/** P(X > Y) for a whole x.a: the finite sum of Miller (2015). */
function finiteSum(x: BetaShape, y: BetaShape): number {
  let sum = 0;
  for (let i = 0; i < x.a; i += 1) {
    const log = logBeta(y.a + i, x.b + y.b) - logBeta(1 + i, x.b) - logBeta(y.a, y.b);
    sum += Math.exp(log) / (x.b + i);
  }
  return sum;
}

describe('the chance that one rate beats another', () => {
  it.each<[BetaShape, BetaShape]>([
    [
      { a: 11, b: 91 },
      { a: 16, b: 86 },
    ],
    [
      { a: 1, b: 1 },
      { a: 1, b: 1 },
    ],
    [
      { a: 3, b: 0.25 },
      { a: 400.5, b: 7.75 },
    ],
    [
      { a: 30, b: 2000 },
      { a: 0.01, b: 3 },
    ],
    [
      { a: 301, b: 701 },
      { a: 701, b: 301 },
    ],
    [
      { a: 5, b: 1e6 },
      { a: 90, b: 1e6 },
    ],
  ])('agrees with the finite sum for %j against %j', (x, y) => {
    expect(betaOrder(x, y).probability / finiteSum(x, y)).toBeCloseTo(1, 9);
    expect(betaOrder(y, x).probability).toBeCloseTo(1 - finiteSum(x, y), 11);
  });

  it('against a rate that is all but known is a tail of the other', () => {
    const known = { a: 3e8, b: 7e8 };
    const { upper } = regularisedBeta(0.3, 8, 12);
    expect(betaOrder({ a: 8, b: 12 }, known).probability).toBeCloseTo(upper, 7);
  });

  it('of many trials is the normal one', () => {
    const n = 1e10;
    const one = { successes: n / 10, trials: n };
    const other = { successes: n / 10 + 50_000, trials: n };
    const found = betaBinomialComparison({ control: one, treatment: other, ...uniform });
    const z = 50_000 / Math.sqrt(2 * n * 0.09);
    expect(found.chanceToWin).toBeCloseTo(normalCdf(z), 4);
  });

  it('is one half for equal posteriors, however little is known', () => {
    for (const prior of [1e-6, 1e-3, 0.5, 1, 1e6]) {
      const none = { successes: 0, trials: 0 };
      const found = betaBinomialComparison({
        control: none,
        treatment: none,
        priorAlpha: prior,
        priorBeta: prior,
      });
      expect(found.chanceToWin).toBeCloseTo(0.5, 8);
    }
  });
});

describe('the expected loss', () => {
  it('of two uniform rates is 1/6 either way', () => {
    expect(betaOrder({ a: 1, b: 1 }, { a: 1, b: 1 }).expectedExcess).toBeCloseTo(1 / 6, 13);
  });

  it('is the difference of first moments, E[X; X > Y] - E[Y; X > Y]', () => {
    const x = { a: 12, b: 30 };
    const y = { a: 20, b: 35 };
    const moment =
      (12 / 42) * finiteSum({ a: 13, b: 30 }, y) - (20 / 55) * finiteSum(x, { a: 21, b: 35 });
    expect(betaOrder(x, y).expectedExcess / moment).toBeCloseTo(1, 9);
  });

  it('keeps its digits where that difference cancels', () => {
    const found = betaBinomialComparison({
      control: { successes: 300, trials: 1000 },
      treatment: { successes: 700, trials: 1000 },
      ...uniform,
    });
    // mpmath, 60 digits
    expect(found.expectedLossTreatment / 1.114_114_910_495_271_7e-76).toBeCloseTo(1, 9);
    expect(found.chanceToWin).toBe(1);
  });
});

describe('a comparison of two rates', () => {
  it('refuses counts and priors that are none', () => {
    const arm = { successes: 1, trials: 10 };
    const input = { control: arm, treatment: arm, ...uniform };
    expect(() => betaBinomialComparison({ ...input, priorAlpha: 0 })).toThrow('priorAlpha');
    expect(() => betaBinomialComparison({ ...input, priorBeta: Infinity })).toThrow('priorBeta');
    const impossible = { successes: 11, trials: 10 };
    expect(() => betaBinomialComparison({ ...input, treatment: impossible })).toThrow(
      'treatment.successes',
    );
    expect(() => betaCredibleInterval({ ...arm, ...uniform, alpha: 1 })).toThrow('alpha');
  });

  it('has credible intervals with alpha/2 of the posterior on either side', () => {
    const { lower, upper, mean } = betaCredibleInterval({
      successes: 3,
      trials: 1_000_000,
      ...uniform,
      alpha: 0.02,
    });
    expect(regularisedBeta(lower, 4, 999_998).lower).toBeCloseTo(0.01, 12);
    expect(regularisedBeta(upper, 4, 999_998).upper).toBeCloseTo(0.01, 12);
    expect(mean).toBe(4 / 1_000_002);
  });
});
