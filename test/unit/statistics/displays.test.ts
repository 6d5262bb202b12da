import { describe, expect, it } from 'vitest';
import { normalPosterior, probabilityBest } from '../../../src/statistics/bayes-normal.js';
import { cupedDifference, cupedDifferenceRaw } from '../../../src/statistics/cuped.js';
import {
  divergences,
  populationStabilityIndex,
} from '../../../src/statistics/distribution-distance.js';
import { cohenKappa } from '../../../src/statistics/kappa.js';
import { pairedMomentsOf } from '../../../src/statistics/moments.js';
import { msprtNormal, msprtTwoStreams } from '../../../src/statistics/msprt.js';
import { normalLoss, normalUpperTail } from '../../../src/statistics/numerics.js';
import { mcnemar, pairedTTest } from '../../../src/statistics/paired.js';
import { seeded } from './seeded.js';

const level = { alpha: 0.05, alternative: 'two-sided' } as const;

describe('CUPED', () => {
  const random = seeded(7);
  const rows = (shift: number, spread: number): [number, number][] =>
    Array.from({ length: 200 }, () => {
      const x = random();
      return [x + shift + spread * (random() - 0.5), x];
    });
  const control = rows(0, 0.2);
  const treatment = rows(0.1, 0.2);

  it('removes the variance that the covariate explains and keeps the effect', () => {
    const found = cupedDifferenceRaw({ control, treatment, theta: 'pooled_within', ...level });
    if (found.kind !== 'value') throw new Error('undefined');
    expect(found.value.varianceReduction).toBeGreaterThan(0.9);
    expect(found.value.estimate).toBeCloseTo(0.1, 1);
    expect(found.value.standardError).toBeLessThan(found.value.unadjustedStandardError / 3);
  });

  it('is the plain difference when the covariate does not vary', () => {
    const flat = (all: readonly (readonly [number, number])[]) =>
      pairedMomentsOf(all.map(([y]) => [y, 1]));
    const found = cupedDifference({
      control: flat(control),
      treatment: flat(treatment),
      theta: 'pooled_total',
      ...level,
    });
    if (found.kind !== 'value') throw new Error('undefined');
    expect(found.value.theta).toBe(0);
    expect(found.value.estimate).toBe(found.value.unadjustedEstimate);
  });

  it('has no lift against a baseline of 0 and no difference without variance', () => {
    const around = [
      [1, 0],
      [-1, 1],
      [2, 1],
      [-2, 0],
    ] as const;
    const zero = cupedDifferenceRaw({
      control: around,
      treatment: around,
      theta: 'pooled_total',
      ...level,
    });
    expect(zero.kind === 'value' ? zero.value.lift : zero).toEqual({
      kind: 'undefined',
      reason: 'zero_baseline',
    });
    const constant = [
      [3, 3],
      [3, 3],
    ] as const;
    expect(
      cupedDifferenceRaw({
        control: constant,
        treatment: constant,
        theta: 'pooled_total',
        ...level,
      }),
    ).toEqual({
      kind: 'undefined',
      reason: 'zero_variance',
    });
  });
});

describe('pairs', () => {
  it('of equal models are undefined, not p = 1', () => {
    expect(pairedTTest({ differences: { n: 9, mean: 0, variance: 0 }, ...level })).toMatchObject({
      reason: 'zero_variance',
    });
    const same = { bothSuccess: 5, controlOnly: 0, treatmentOnly: 0, neither: 5, alpha: 0.05 };
    expect(mcnemar(same)).toMatchObject({ reason: 'no_discordant_pairs' });
  });

  it('mirror when control and treatment are swapped', () => {
    const one = mcnemar({
      bothSuccess: 50,
      controlOnly: 8,
      treatmentOnly: 21,
      neither: 9,
      alpha: 0.05,
    });
    const other = mcnemar({
      bothSuccess: 50,
      controlOnly: 21,
      treatmentOnly: 8,
      neither: 9,
      alpha: 0.05,
    });
    if (one.kind !== 'value' || other.kind !== 'value') throw new Error('undefined');
    expect(other.value.pExact).toBe(one.value.pExact);
    expect(other.value.estimate).toBe(-one.value.estimate);
    expect(other.value.agrestiMin.lower).toBeCloseTo(-one.value.agrestiMin.upper, 15);
  });

  it('agree by chance alone with kappa 0, and always with an undefined kappa', () => {
    expect(
      cohenKappa({
        table: [
          [25, 25],
          [25, 25],
        ],
        alpha: 0.05,
      }),
    ).toMatchObject({ value: { kappa: 0 } });
    expect(
      cohenKappa({
        table: [
          [9, 0],
          [0, 0],
        ],
        alpha: 0.05,
      }),
    ).toMatchObject({ reason: 'zero_variance' });
    expect(cohenKappa({ table: [[0]], alpha: 0.05 })).toMatchObject({
      reason: 'insufficient_sample',
    });
    expect(() => cohenKappa({ table: [[1, 2], [3]], alpha: 0.05 })).toThrow(
      'as many columns as rows',
    );
  });
});

describe('the mixture SPRT', () => {
  it('has an interval that excludes the null exactly when p < alpha', () => {
    for (let d = -1; d <= 1; d += 0.05) {
      const found = msprtNormal({
        estimate: d,
        varianceOfEstimate: 0.03,
        mixingVariance: 0.1,
        alpha: 0.05,
      });
      if (found.kind !== 'value') throw new Error('undefined');
      expect(found.value.lower > 0 || found.value.upper < 0).toBe(found.value.pValue < 0.05);
    }
  });

  it('never takes evidence back over looks', () => {
    const looks = [0.3, 0, -0.1, 0.4].map((difference, index) => ({
      unitsPerArm: 100 * (index + 1),
      difference,
    }));
    const found = msprtTwoStreams({ looks, unitVariance: 1, mixingVariance: 0.1 });
    const running = found.map(({ runningP }) => runningP);
    expect(running).toEqual(running.toSorted((a, b) => b - a));
    expect(() =>
      msprtTwoStreams({
        looks: [{ unitsPerArm: 0, difference: 1 }],
        unitVariance: 1,
        mixingVariance: 1,
      }),
    ).toThrow('unitsPerArm');
  });
});

describe('the normal posterior', () => {
  it('moves towards the prior and never outside estimate and prior', () => {
    const found = normalPosterior({
      estimate: 1,
      standardError: 0.5,
      prior: { mean: 0, variance: 0.09 },
      alpha: 0.05,
    });
    if (found.kind !== 'value') throw new Error('undefined');
    expect(found.value.mean).toBeGreaterThan(0);
    expect(found.value.mean).toBeLessThan(1);
    // E max(d, 0) - E max(-d, 0) = E d
    const { expectedLossControl, expectedLossTreatment, mean } = found.value;
    expect(expectedLossControl - expectedLossTreatment).toBeCloseTo(mean, 14);
  });

  it('without variance is undefined; a negative standard error is refused', () => {
    expect(
      normalPosterior({ estimate: 1, standardError: 0, prior: null, alpha: 0.05 }),
    ).toMatchObject({ reason: 'zero_variance' });
    expect(() =>
      normalPosterior({ estimate: 1, standardError: -1, prior: null, alpha: 0.05 }),
    ).toThrow('standardError');
  });

  it('has an expected loss without cancellation (kills `density - z * tail` in the tail)', () => {
    const direct = (z: number): number =>
      Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) - z * normalUpperTail(z);
    expect(normalLoss(4.999_999) / direct(4.999_999)).toBeCloseTo(1, 9);
    expect(normalLoss(5.000_001) / direct(5.000_001)).toBeCloseTo(1, 9);
    // mpmath, 60 digits
    expect(normalLoss(30) / 1.631_956_734_091_41e-199).toBeCloseTo(1, 11);
  });

  it('gives probabilities of being best that sum to 1, also for widths a thousandfold apart', () => {
    const found = probabilityBest([
      { mean: 0, sd: 1 },
      { mean: 0.1, sd: 0.001 },
      { mean: -1, sd: 2 },
    ]);
    expect(found.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
    expect(() =>
      probabilityBest([
        { mean: 0, sd: 1 },
        { mean: 0, sd: 1e-9 },
      ]),
    ).toThrow('factor');
  });
});

describe('histogram distances', () => {
  it('are 0 for equal shapes at any scale, symmetric, and 1 for disjoint ones', () => {
    const reference = [1, 2, 3];
    const candidate = [4, 1, 7];
    const same = divergences({ reference, candidate: reference.map((n) => n * 10) });
    expect(same).toMatchObject({ value: { lInfinity: 0, totalVariation: 0 } });
    expect(divergences({ reference, candidate })).toEqual(
      divergences({ reference: candidate, candidate: reference }),
    );
    expect(divergences({ reference: [1, 0], candidate: [0, 2] })).toMatchObject({
      value: { jsBits: 1, hellinger: 1 },
    });
  });

  it('are undefined for an empty histogram, and PSI for a bin empty on one side', () => {
    expect(divergences({ reference: [0, 0], candidate: [1, 1] })).toMatchObject({
      reason: 'insufficient_sample',
    });
    const oneSided = { reference: [1, 0], candidate: [1, 1], pseudocount: 0 };
    expect(populationStabilityIndex(oneSided)).toMatchObject({ reason: 'empty_bin' });
    expect(populationStabilityIndex({ ...oneSided, pseudocount: 0.5 }).kind).toBe('value');
    expect(() => divergences({ reference: [1], candidate: [1, 2] })).toThrow('1 bins');
  });
});
