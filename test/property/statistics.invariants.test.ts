import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asymptoticSequenceInformationTime,
  intersectRunning,
  NO_LOOKS,
  type RunningSequence,
} from '../../src/statistics/confidence-sequence.js';
import type { Estimable } from '../../src/statistics/estimable.js';
import type { Alternative } from '../../src/statistics/inference.js';
import {
  mergeMoments,
  mergePairedMoments,
  momentsOf,
  NO_MOMENTS,
  NO_PAIRED_MOMENTS,
  pairedMomentsOf,
} from '../../src/statistics/moments.js';
import * as multiplicity from '../../src/statistics/multiplicity.js';
import {
  nonInferiorityMeans,
  restrictedProportions,
} from '../../src/statistics/non-inferiority.js';
import {
  logRegularisedBeta,
  regularisedBeta,
  studentUpperTail,
} from '../../src/statistics/numerics.js';
import { clopperPearsonInterval, wilsonInterval } from '../../src/statistics/one-proportion.js';
import { eventShareEProcess, eventShareLogE } from '../../src/statistics/rare-event.js';
import { ratioVariance } from '../../src/statistics/ratio-metric.js';
import { liftDeltaNormal, liftFieller } from '../../src/statistics/relative-lift.js';
import {
  sampleRatioChiSquare,
  sampleRatioLogBayesFactor,
  sampleRatioSequential,
} from '../../src/statistics/sample-ratio.js';
import { combineStrata } from '../../src/statistics/stratified.js';
import {
  agrestiCaffo,
  newcombeInterval,
  pooledVariance,
  pooledZTest,
  unpooledZTest,
} from '../../src/statistics/two-proportion.js';
import { welchTTest } from '../../src/statistics/welch.js';

const alternative = fc.constantFrom<Alternative>('two-sided', 'greater', 'less');
const alpha = fc.double({ min: 1e-6, max: 0.4, noNaN: true });
const proportion = fc
  .record({
    trials: fc.integer({ min: 1, max: 1_000_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ trials, share }) => ({ trials, successes: Math.round(trials * share) }));
const measurement = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const sample = fc.record({
  n: fc.integer({ min: 2, max: 1_000_000 }),
  mean: measurement,
  variance: fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
});

const MIRROR: Readonly<Record<Alternative, Alternative>> = {
  'two-sided': 'two-sided',
  greater: 'less',
  less: 'greater',
};

function close(got: number, want: number, tolerance: number, scale = Math.abs(want)): void {
  expect(Math.abs(got - want)).toBeLessThanOrEqual(tolerance * Math.max(scale, Number.MIN_VALUE));
}

/** Not `toBe(-want)`, which tells 0 from -0. */
function opposite(got: number, want: number): void {
  expect(got === -want, `${String(got)} against ${String(want)}`).toBe(true);
}

function each<T>(found: Estimable<T>, inspect: (value: T) => void): void {
  if (found.kind === 'value') inspect(found.value);
}

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
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.boolean(),
        (c, t, level, margin, higherIsBetter) => {
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

describe('confidence sequences', () => {
  const look = fc.record({
    estimate: fc.double({ min: -10, max: 10, noNaN: true }),
    standardError: fc.double({ min: 1e-4, max: 10, noNaN: true }),
    plannedStandardError: fc.double({ min: 1e-4, max: 10, noNaN: true }),
  });

  it('contain the estimate, mirror with its sign, and exclude 0 exactly when p < alpha', () => {
    fc.assert(
      fc.property(look, alpha, alternative, (input, level, side) => {
        const found = asymptoticSequenceInformationTime({
          ...input,
          alpha: level,
          alternative: side,
        });
        const mirrored = asymptoticSequenceInformationTime({
          ...input,
          estimate: -input.estimate,
          alpha: level,
          alternative: MIRROR[side],
        });
        if (found.kind !== 'value' || mirrored.kind !== 'value') throw new Error('undefined');
        const { lower, upper, pValue } = found.value;
        expect(lower).toBeLessThanOrEqual(input.estimate);
        expect(upper).toBeGreaterThanOrEqual(input.estimate);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
        close(mirrored.value.pValue, pValue, 1e-12);
        opposite(mirrored.value.lower, upper);
        const excludes = lower > 0 || upper < 0;
        if (Math.abs(pValue / level - 1) > 1e-9) expect(excludes).toBe(pValue < level);
      }),
    );
  });

  it('are wider than the interval of a single look at every moment', () => {
    fc.assert(
      fc.property(look, alpha, (input, level) => {
        each(
          asymptoticSequenceInformationTime({ ...input, alpha: level, alternative: 'two-sided' }),
          (found) => {
            // z_{1 - alpha/2} < sqrt(2 ln(2/alpha)), which is below every boundary of the sequence.
            expect(found.distance / input.standardError).toBeGreaterThan(
              Math.sqrt(-2 * Math.log(level)),
            );
          },
        );
      }),
    );
  });

  it('only shrink as looks are added', () => {
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 20 }), alpha, (looks, level) => {
        let running: RunningSequence = NO_LOOKS;
        for (const input of looks) {
          const found = asymptoticSequenceInformationTime({
            ...input,
            alpha: level,
            alternative: 'two-sided',
          });
          if (found.kind !== 'value') throw new Error('undefined');
          const next = intersectRunning(running, found.value);
          expect(next.lower).toBeGreaterThanOrEqual(running.lower);
          expect(next.upper).toBeLessThanOrEqual(running.upper);
          expect(next.pValue).toBeLessThanOrEqual(running.pValue);
          running = next;
        }
      }),
    );
  });
});

describe('event shares', () => {
  it('have e-values of mean 1 under no effect (two-sided, restricted up and restricted down)', () => {
    const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    const concentration = fc.double({ min: 0.5, max: 500, noNaN: true });
    fc.assert(
      fc.property(
        share,
        concentration,
        alternative,
        fc.integer({ min: 1, max: 60 }),
        (s, k, side, events) => {
          let mean = 0;
          let logChoose = 0;
          for (let t = 0; t <= events; t += 1) {
            const c = events - t;
            const logNull = logChoose + t * Math.log(s) + c * Math.log1p(-s);
            const test = { share: s, concentration: k, alternative: side };
            mean += Math.exp(
              logNull + eventShareLogE(test, { controlEvents: c, treatmentEvents: t }),
            );
            logChoose += Math.log(c / (t + 1));
          }
          close(mean, 1, 1e-9);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('mirror when arms, share and direction are swapped', () => {
    const events = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        events,
        events,
        alternative,
        (share, c, t, side) => {
          const one = eventShareLogE(
            { share, concentration: 10, alternative: side },
            { controlEvents: c, treatmentEvents: t },
          );
          const other = eventShareLogE(
            { share: 1 - share, concentration: 10, alternative: MIRROR[side] },
            { controlEvents: t, treatmentEvents: c },
          );
          close(other, one, 1e-9, Math.max(1, Math.abs(one)));
        },
      ),
    );
  });

  it('refuse counts that fall inside a phase', () => {
    const looks = [
      { controlEvents: 5, treatmentEvents: 5 },
      { controlEvents: 4, treatmentEvents: 6 },
    ];
    const act = () =>
      eventShareEProcess({
        phases: [{ share: 0.5, looks }],
        concentration: 10,
        alternative: 'greater',
        alpha: 0.05,
      });
    expect(act).toThrow('never fall');
  });

  it('stay finite for a billion events', () => {
    const test = { share: 0.5, concentration: 10, alternative: 'greater' } as const;
    const even = eventShareLogE(test, { controlEvents: 1e9, treatmentEvents: 1e9 });
    expect(even).toBeGreaterThan(-30);
    expect(even).toBeLessThan(0);
    const harmless = eventShareLogE(test, { controlEvents: 1e6, treatmentEvents: 1e3 });
    expect(Number.isFinite(harmless)).toBe(true);
  });
});

describe('sample ratios', () => {
  const arms = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 100 })),
    { minLength: 2, maxLength: 5 },
  );

  it('do not depend on the order of the arms or the scale of the weights', () => {
    fc.assert(
      fc.property(arms, fc.double({ min: 0.01, max: 100, noNaN: true }), (pairs, scale) => {
        const observed = pairs.map((pair) => pair[0]);
        const weights = pairs.map((pair) => pair[1]);
        const input = { observed, weights, concentration: 1e4 };
        const other = {
          observed: observed.toReversed(),
          weights: weights.toReversed().map((weight) => weight * scale),
          concentration: 1e4,
        };
        const one = sampleRatioLogBayesFactor(input);
        close(sampleRatioLogBayesFactor(other), one, 1e-9, Math.max(1, Math.abs(one)));
        const chi = sampleRatioChiSquare(input);
        const reversed = sampleRatioChiSquare(other);
        if (chi.kind === 'value' && reversed.kind === 'value') {
          close(
            reversed.value.chiSquare,
            chi.value.chiSquare,
            1e-9,
            Math.max(1, chi.value.chiSquare),
          );
        }
      }),
    );
  });

  it('multiply their evidence over phases, and never forget', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(10_000), fc.nat(10_000)), { minLength: 1, maxLength: 6 }),
        (phases) => {
          const looks = sampleRatioSequential({
            concentration: 1e3,
            phases: phases.map((counts) => ({ weights: [1, 1], looks: [counts] })),
          });
          const sum = phases.reduce(
            (total, observed) =>
              total + sampleRatioLogBayesFactor({ observed, weights: [1, 1], concentration: 1e3 }),
            0,
          );
          const last = looks.at(-1)?.logBayesFactor ?? Number.NaN;
          close(last, sum, 1e-12, Math.max(1, Math.abs(sum)));
          for (const [index, look] of looks.entries()) {
            expect(look.runningP).toBeLessThanOrEqual(looks[index - 1]?.runningP ?? 1);
          }
        },
      ),
    );
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
