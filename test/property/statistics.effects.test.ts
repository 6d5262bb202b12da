import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { momentsOf, pairedMomentsOf } from '../../src/statistics/moments.js';
import * as multiplicity from '../../src/statistics/multiplicity.js';
import {
  nonInferiorityMeans,
  restrictedProportions,
} from '../../src/statistics/non-inferiority.js';
import { clopperPearsonInterval, wilsonInterval } from '../../src/statistics/one-proportion.js';
import { ratioVariance } from '../../src/statistics/ratio-metric.js';
import { liftDeltaNormal, liftFieller } from '../../src/statistics/relative-lift.js';
import { combineStrata } from '../../src/statistics/stratified.js';
import {
  agrestiCaffo,
  newcombeInterval,
  pooledVariance,
  pooledZTest,
  unpooledZTest,
} from '../../src/statistics/two-proportion.js';
import { welchTTest } from '../../src/statistics/welch.js';
import {
  alternative,
  alpha,
  proportion,
  measurement,
  sample,
  MIRROR,
  close,
  opposite,
  each,
} from './statistics.arbitraries.js';

describe('two rates', () => {
  it('give p-values in [0, 1] whose logarithm agrees', () => {
    fc.assert(
      fc.property(proportion, proportion, alternative, (control, treatment, side) => {
        each(pooledZTest({ control, treatment, alternative: side }), ({ pValue, logPValue }) => {
          expect(pValue).toBeGreaterThanOrEqual(0);
          expect(pValue).toBeLessThanOrEqual(1);
          if (pValue > 1e-290)
            close(logPValue, Math.log(pValue), 1e-10, Math.max(1, -Math.log(pValue)));
        });
      }),
    );
  });

  it('mirror when the arms are swapped', () => {
    fc.assert(
      fc.property(proportion, proportion, alternative, alpha, (control, treatment, side, level) => {
        const test = pooledZTest({ control, treatment, alternative: side });
        const swapped = pooledZTest({
          control: treatment,
          treatment: control,
          alternative: MIRROR[side],
        });
        expect(swapped.kind).toBe(test.kind);
        if (test.kind === 'value' && swapped.kind === 'value') {
          expect(swapped.value.statistic).toBeCloseTo(-test.value.statistic, 8);
          close(swapped.value.pValue, test.value.pValue, 1e-9);
        }
        const interval = newcombeInterval({ control, treatment, alpha: level });
        const mirrored = newcombeInterval({ control: treatment, treatment: control, alpha: level });
        if (interval.kind === 'value' && mirrored.kind === 'value') {
          expect(mirrored.value.lower).toBeCloseTo(-interval.value.upper, 12);
          expect(mirrored.value.upper).toBeCloseTo(-interval.value.lower, 12);
        }
      }),
    );
  });

  it('have intervals that contain the estimate and lie in [-1, 1] (Newcombe) or [0, 1] (one rate)', () => {
    fc.assert(
      fc.property(proportion, proportion, alpha, (control, treatment, level) => {
        const slack = 1e-12;
        each(
          newcombeInterval({ control, treatment, alpha: level }),
          ({ lower, estimate, upper }) => {
            expect(lower).toBeLessThanOrEqual(estimate + slack);
            expect(upper).toBeGreaterThanOrEqual(estimate - slack);
            expect(lower).toBeGreaterThanOrEqual(-1 - slack);
            expect(upper).toBeLessThanOrEqual(1 + slack);
          },
        );
        for (const method of [wilsonInterval, clopperPearsonInterval]) {
          each(method(control, level), ({ lower, upper }) => {
            const rate = control.successes / control.trials;
            expect(lower).toBeLessThanOrEqual(rate + slack);
            expect(upper).toBeGreaterThanOrEqual(rate - slack);
            expect(lower).toBeGreaterThanOrEqual(0);
            expect(upper).toBeLessThanOrEqual(1);
          });
        }
        each(agrestiCaffo({ control, treatment, alpha: level }), ({ lower, upper }) => {
          expect(lower).toBeLessThan(upper);
        });
      }),
    );
  });

  it('have restricted rates that keep the difference, and the pooled rate at a difference of 0', () => {
    fc.assert(
      fc.property(
        proportion,
        proportion,
        fc.double({ min: -0.9, max: 0.9, noNaN: true }),
        (c, t, margin) => {
          const control = { rate: c.successes / c.trials, trials: c.trials };
          const treatment = { rate: t.successes / t.trials, trials: t.trials };
          const restricted = restrictedProportions(control, treatment, margin);
          expect(restricted.treatment - restricted.control).toBeCloseTo(margin, 12);
          for (const rate of [restricted.control, restricted.treatment]) {
            expect(rate).toBeGreaterThanOrEqual(-1e-12);
            expect(rate).toBeLessThanOrEqual(1 + 1e-12);
          }
          const pooled = restrictedProportions(control, treatment, 0).control;
          const nearly = restrictedProportions(control, treatment, 1e-9).control;
          expect(nearly).toBeCloseTo(pooled, 6);
        },
      ),
    );
  });

  it('need the pooled variance: the unpooled test is undefined or overconfident with no event in a small arm', () => {
    const control = { successes: 50, trials: 99_000 };
    const treatment = { successes: 0, trials: 1000 };
    each(pooledVariance(control, treatment), (pooled) => {
      each(
        unpooledZTest({ control, treatment, alternative: 'two-sided', alpha: 0.05 }),
        (mutant) => {
          // With 0 of 1000 the small arm seems to have no variance at all: z = -7.1 on half an expected event.
          expect(mutant.statistic).toBeLessThan(-7);
          expect(mutant.estimate / Math.sqrt(pooled)).toBeGreaterThan(-0.8);
        },
      );
    });
  });
});

describe('means', () => {
  it('mirror when the arms are swapped, and contain the estimate', () => {
    fc.assert(
      fc.property(sample, sample, alternative, alpha, (control, treatment, side, level) => {
        const test = welchTTest({ control, treatment, alternative: side, alpha: level });
        const swapped = welchTTest({
          control: treatment,
          treatment: control,
          alternative: MIRROR[side],
          alpha: level,
        });
        if (test.kind !== 'value' || swapped.kind !== 'value') return;
        close(swapped.value.pValue, test.value.pValue, 1e-12);
        opposite(swapped.value.lower, test.value.upper);
        opposite(swapped.value.upper, test.value.lower);
        expect(test.value.lower).toBeLessThan(test.value.estimate);
        expect(test.value.upper).toBeGreaterThan(test.value.estimate);
        // The interval excludes 0 exactly when the test rejects.
        const excludes = test.value.lower > 0 || test.value.upper < 0;
        if (Math.abs(test.value.pValue - level) > 1e-9)
          expect(excludes).toBe(test.value.pValue < level);
      }),
    );
  });

  it('are non-inferior exactly when the bound clears the margin', () => {
    fc.assert(
      fc.property(
        sample,
        sample,
        alpha,
        fc.record({
          margin: fc.double({ min: 0, max: 100, noNaN: true }),
          higherIsBetter: fc.boolean(),
        }),
        (c, t, level, { margin, higherIsBetter }) => {
          each(
            nonInferiorityMeans({ control: c, treatment: t, margin, alpha: level, higherIsBetter }),
            (found) => {
              const cleared = higherIsBetter ? found.bound > -margin : found.bound < margin;
              if (Math.abs(found.pValue - level) > 1e-9) expect(found.nonInferior).toBe(cleared);
            },
          );
        },
      ),
    );
  });
});

describe('relative lift', () => {
  const arm = fc.record({
    mean: fc.double({ min: -1000, max: 1000, noNaN: true }).filter((mean) => Math.abs(mean) > 1e-3),
    variance: fc.double({ min: 1e-9, max: 100, noNaN: true }),
  });

  it('by Fieller contains the estimate, widens with the critical value and is undefined from g = 1', () => {
    fc.assert(
      fc.property(
        arm,
        arm,
        fc.double({ min: 0.1, max: 6, noNaN: true }),
        (control, treatment, z) => {
          const found = liftFieller({ control, treatment, criticalValue: z });
          const g = (z * z * control.variance) / control.mean ** 2;
          if (Math.abs(g - 1) > 1e-9) expect(found.kind).toBe(g < 1 ? 'value' : 'undefined');
          each(found, ({ lower, estimate, upper }) => {
            const slack = 1e-9 * (Math.abs(estimate) + 1);
            expect(lower).toBeLessThanOrEqual(estimate + slack);
            expect(upper).toBeGreaterThanOrEqual(estimate - slack);
            each(liftFieller({ control, treatment, criticalValue: z / 2 }), (narrower) => {
              expect(narrower.lower).toBeGreaterThanOrEqual(lower - slack);
              expect(narrower.upper).toBeLessThanOrEqual(upper + slack);
            });
          });
        },
      ),
    );
  });

  it('changes its sign with the sign of the metric', () => {
    fc.assert(
      fc.property(arm, arm, alpha, (control, treatment, level) => {
        const flip = ({ mean, variance }: typeof control): typeof control => ({
          mean: -mean,
          variance,
        });
        const plain = liftDeltaNormal({ control, treatment, alpha: level });
        const flipped = liftDeltaNormal({
          control: flip(control),
          treatment: flip(treatment),
          alpha: level,
        });
        if (plain.kind !== 'value' || flipped.kind !== 'value') return;
        opposite(flipped.value.estimate, plain.value.estimate);
        opposite(flipped.value.lower, plain.value.upper);
      }),
    );
  });
});

describe('ratios', () => {
  it('with a denominator of 1 have the variance of a mean', () => {
    fc.assert(
      fc.property(fc.array(measurement, { minLength: 2, maxLength: 30 }), (values) => {
        const { n, m2 } = momentsOf(values);
        each(ratioVariance(pairedMomentsOf(values.map((value) => [value, 1]))), (found) => {
          close(found, m2 / (n - 1) / n, 1e-9, m2 / (n - 1) / n + 1e-12);
        });
      }),
    );
  });
});

describe('strata', () => {
  const stratum = fc.record({
    estimate: measurement,
    variance: fc.double({ min: 1e-9, max: 1e6, noNaN: true }),
    controlUnits: fc.integer({ min: 2, max: 1_000_000 }),
    treatmentUnits: fc.integer({ min: 2, max: 1_000_000 }),
  });

  it('weigh to 1 and give an effect between the smallest and the largest', () => {
    const weights = fc.constantFrom('pooled', 'inverse_variance', 'effective_sample');
    fc.assert(
      fc.property(fc.array(stratum, { minLength: 1, maxLength: 10 }), weights, (strata, how) => {
        each(combineStrata({ strata, weights: how }), (found) => {
          close(
            found.weights.reduce((sum, weight) => sum + weight, 0),
            1,
            1e-12,
          );
          const estimates = strata.map(({ estimate }) => estimate);
          const slack = 1e-9 * Math.max(...estimates.map(Math.abs), 1);
          expect(found.estimate).toBeGreaterThanOrEqual(Math.min(...estimates) - slack);
          expect(found.estimate).toBeLessThanOrEqual(Math.max(...estimates) + slack);
        });
      }),
    );
  });

  it('do not show a difference that only the mix of phases makes (kills crude pooling)', () => {
    // Both phases: no effect at all. Treatment met the bad phase more often, so crude totals differ by 4 points.
    const none = { estimate: 0, variance: 1e-4 };
    const strata = [
      { ...none, controlUnits: 9000, treatmentUnits: 1000 },
      { ...none, controlUnits: 1000, treatmentUnits: 9000 },
    ];
    expect(combineStrata({ strata, weights: 'effective_sample' })).toMatchObject({
      value: { estimate: 0 },
    });
  });
});

describe('adjusted p-values', () => {
  const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
    minLength: 1,
    maxLength: 20,
  });

  it('are in [0, 1], not below the raw ones, and ordered Bonferroni >= Holm >= Hochberg >= BH', () => {
    fc.assert(
      fc.property(pValues, (raw) => {
        const columns = [
          multiplicity.bonferroni(raw),
          multiplicity.holm(raw),
          multiplicity.hochberg(raw),
          multiplicity.benjaminiHochberg(raw),
          raw,
        ];
        for (const [column, next] of columns
          .slice(0, -1)
          .map((own, index) => [own, columns[index + 1] ?? own] as const)) {
          for (const [index, p] of column.entries()) {
            expect(p).toBeLessThanOrEqual(1);
            expect(p).toBeGreaterThanOrEqual((next[index] ?? 0) * (1 - 1e-12));
          }
        }
      }),
    );
  });

  it('follow their hypothesis when the order changes', () => {
    fc.assert(
      fc.property(pValues, (raw) => {
        for (const adjust of [
          multiplicity.holm,
          multiplicity.hochberg,
          multiplicity.benjaminiYekutieli,
        ]) {
          expect(adjust(raw.toReversed())).toEqual(adjust(raw).toReversed());
        }
      }),
    );
  });
});
