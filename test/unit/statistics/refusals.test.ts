import { describe, expect, it } from 'vitest';
import * as sequence from '../../../src/statistics/confidence-sequence.js';
import * as moments from '../../../src/statistics/moments.js';
import * as margin from '../../../src/statistics/non-inferiority.js';
import { wilsonInterval } from '../../../src/statistics/one-proportion.js';
import * as power from '../../../src/statistics/power.js';
import { eventShareLogE } from '../../../src/statistics/rare-event.js';
import { ratioVariance } from '../../../src/statistics/ratio-metric.js';
import { liftFieller, liftLogRatio } from '../../../src/statistics/relative-lift.js';
import { riskDifferenceScoreTest } from '../../../src/statistics/risk-difference.js';
import {
  sampleRatioChiSquare,
  sampleRatioLogBayesFactor,
} from '../../../src/statistics/sample-ratio.js';
import { combineStrata, stratifiedDifference } from '../../../src/statistics/stratified.js';
import { pooledVariance, pooledZTest } from '../../../src/statistics/two-proportion.js';
import { welchTTest } from '../../../src/statistics/welch.js';
import { winsorCaps, winsorize, winsorizedMoments } from '../../../src/statistics/winsorization.js';

const sample = { n: 100, mean: 5, variance: 4 };
const look = {
  estimate: 0.1,
  standardError: 0.1,
  plannedStandardError: 0.05,
  alpha: 0.05,
  alternative: 'two-sided',
} as const;
const design = { alpha: 0.05, power: 0.8, sides: 2 } as const;
const stratum = { estimate: 1, variance: 1, controlUnits: 10, treatmentUnits: 10 };
const pairs = { n: 10, meanY: 1, m2Y: 4, meanD: 2, m2D: 4, coMoment: 1 };

describe('invalid input is refused with the field that is wrong', () => {
  it.each<[string, () => unknown]>([
    [
      'control.successes',
      () => pooledVariance({ successes: 2, trials: 1 }, { successes: 1, trials: 2 }),
    ],
    [
      'treatment.trials',
      () => pooledVariance({ successes: 0, trials: 1 }, { successes: 1, trials: -2 }),
    ],
    ['alpha', () => wilsonInterval({ successes: 1, trials: 2 }, 1)],
    [
      'treatment.variance',
      () =>
        welchTTest({
          control: sample,
          treatment: { ...sample, variance: -1 },
          alpha: 0.05,
          alternative: 'less',
        }),
    ],
    ['values[1]', () => moments.momentsOf([1, Number.NaN])],
    ['b.m2', () => moments.mergeMoments(moments.NO_MOMENTS, { n: 2, mean: 0, m2: -1 })],
    ['moments.coMoment', () => ratioVariance({ ...pairs, coMoment: 5 })],
    ['successes', () => moments.bernoulliMoments(3, 2)],
    [
      'strata[1].variance',
      () =>
        combineStrata({
          strata: [stratum, { ...stratum, variance: Number.NaN }],
          weights: 'pooled',
        }),
    ],
    ['criticalValue', () => liftFieller({ control: sample, treatment: sample, criticalValue: 0 })],
    [
      'plannedStandardError',
      () => sequence.asymptoticSequenceInformationTime({ ...look, plannedStandardError: 0 }),
    ],
    [
      'alpha',
      () =>
        sequence.asymptoticSequenceInformationTime({ ...look, alternative: 'greater', alpha: 0.5 }),
    ],
    [
      'share',
      () =>
        eventShareLogE(
          { share: 1, concentration: 10, alternative: 'greater' },
          { controlEvents: 0, treatmentEvents: 0 },
        ),
    ],
    [
      'treatmentEvents',
      () =>
        eventShareLogE(
          { share: 0.5, concentration: 10, alternative: 'greater' },
          { controlEvents: 0, treatmentEvents: 0.5 },
        ),
    ],
    ['observed', () => sampleRatioChiSquare({ observed: [1], weights: [1, 1] })],
    [
      'weights',
      () => sampleRatioLogBayesFactor({ observed: [0, 0], weights: [0, 0], concentration: 1 }),
    ],
    ['weights[0]', () => sampleRatioChiSquare({ observed: [1, 1], weights: [-1, 1] })],
    ['sides', () => power.powerZ({ effect: 1, standardError: 1, alpha: 0.05, sides: 3 as 2 })],
    [
      'power',
      () =>
        power.mdeMeans({
          ...design,
          power: 1,
          sdControl: 1,
          sdTreatment: 1,
          nControl: 1,
          nTreatment: 1,
        }),
    ],
    [
      'margin',
      () =>
        margin.nonInferiorityMeans({
          control: sample,
          treatment: sample,
          margin: -1,
          alpha: 0.05,
          higherIsBetter: true,
        }),
    ],
    [
      'lowerMargin',
      () =>
        margin.equivalenceTost({
          control: sample,
          treatment: sample,
          lowerMargin: 1,
          upperMargin: 1,
          alpha: 0.05,
        }),
    ],
    [
      'difference',
      () => margin.restrictedProportions({ rate: 0.5, trials: 2 }, { rate: 0.5, trials: 2 }, 1),
    ],
    ['percentiles.lower', () => winsorCaps([1, 2], { lower: 0.9, upper: 0.1 })],
  ])('%s', (field, act) => {
    const defect: unknown = expect.objectContaining({ field });
    expect(act).toThrow(expect.objectContaining({ code: 'invalid_input', defects: [defect] }));
  });
});

describe('what the data do not determine is undefined, with a reason, and never p = 1', () => {
  const none = { successes: 0, trials: 0 };
  const some = { successes: 1, trials: 10 };
  const zero = { successes: 0, trials: 10 };
  it.each<[string, { readonly kind: string }]>([
    ['insufficient_sample', pooledVariance(none, some)],
    ['zero_variance', pooledZTest({ control: zero, treatment: zero, alternative: 'two-sided' })],
    ['insufficient_sample', moments.variance({ n: 1, mean: 2, m2: 0 })],
    ['insufficient_sample', moments.summaryOf(moments.NO_MOMENTS)],
    ['zero_denominator', ratioVariance({ ...pairs, meanD: 0 })],
    [
      'zero_baseline',
      liftFieller({
        control: { mean: 0, variance: 1 },
        treatment: { mean: 1, variance: 1 },
        criticalValue: 2,
      }),
    ],
    [
      'baseline_not_distinguishable_from_zero',
      liftFieller({
        control: { mean: 1, variance: 1 },
        treatment: { mean: 1, variance: 1 },
        criticalValue: 2,
      }),
    ],
    [
      'non_positive_mean',
      liftLogRatio({
        control: { mean: -1, variance: 1 },
        treatment: { mean: 1, variance: 1 },
        alpha: 0.05,
      }),
    ],
    ['insufficient_sample', combineStrata({ strata: [], weights: 'pooled' })],
    [
      'zero_variance',
      combineStrata({ strata: [{ ...stratum, variance: 0 }], weights: 'inverse_variance' }),
    ],
    [
      'zero_variance',
      stratifiedDifference({
        strata: [{ ...stratum, variance: 0 }],
        weights: 'pooled',
        alpha: 0.05,
        alternative: 'less',
      }),
    ],
    ['zero_variance', sequence.asymptoticSequenceInformationTime({ ...look, standardError: 0 })],
    ['zero_variance', sequence.informationTimeCriticalValue({ ...look, standardError: 0 })],
    ['insufficient_sample', sampleRatioChiSquare({ observed: [0, 0], weights: [1, 1] })],
    ['single_arm', sampleRatioChiSquare({ observed: [5], weights: [1] })],
    [
      'insufficient_sample',
      power.powerTwoSampleT({ effect: 1, sd: 1, unitsPerArm: 1, alpha: 0.05, sides: 2 }),
    ],
    [
      'zero_variance',
      power.powerTwoSampleT({ effect: 1, sd: 0, unitsPerArm: 9, alpha: 0.05, sides: 2 }),
    ],
    [
      'zero_variance',
      riskDifferenceScoreTest({
        control: zero,
        treatment: zero,
        nullDifference: 0,
        alternative: 'less',
        varianceCorrection: false,
      }),
    ],
    ['insufficient_sample', winsorCaps([], { upper: 0.99 })],
  ])('%s', (reason, found) => {
    expect(found).toEqual({ kind: 'undefined', reason });
  });
});

describe('small promises', () => {
  it('a unit in an arm of weight 0 is certain evidence of a mismatch', () => {
    const stray = { observed: [50, 50, 1], weights: [1, 1, 0] };
    expect(sampleRatioChiSquare(stray)).toMatchObject({ value: { pValue: 0 } });
    expect(sampleRatioLogBayesFactor({ ...stray, concentration: 10 })).toBe(Infinity);
  });

  it('no units are no evidence about the ratio', () => {
    const empty = { observed: [0, 0], weights: [1, 3], concentration: 1e4 };
    expect(Math.abs(sampleRatioLogBayesFactor(empty))).toBeLessThan(1e-12);
  });

  it('moments of zeros and ones come from counts as from the values', () => {
    const counted = moments.bernoulliMoments(2, 5);
    const measured = moments.momentsOf([1, 0, 0, 1, 0]);
    expect(counted.mean).toBeCloseTo(measured.mean, 15);
    expect(counted.m2).toBeCloseTo(measured.m2, 14);
    expect(moments.bernoulliMoments(0, 0)).toEqual(moments.NO_MOMENTS);
  });

  it('the rounding of a mean adds nothing to m2 (kills the plain two-pass formula, .005 too large here)', () => {
    const values = [1e15, 1e15 + 1, 1e15 + 1];
    expect(moments.momentsOf(values).m2).toBeCloseTo(2 / 3, 12);
  });

  it('a constant column is a sound aggregate even when its merged mean is rounded', () => {
    const thirds = Array.from({ length: 7 }, (_, index): [number, number] => [0.1, index * 1e6]);
    const merged = thirds
      .map((row) => moments.pairedMomentsOf([row]))
      .reduce(moments.mergePairedMoments, moments.NO_PAIRED_MOMENTS);
    expect(ratioVariance(merged).kind).toBe('value');
  });

  it('the critical value of a look is its distance in standard errors', () => {
    for (const alternative of ['two-sided', 'greater', 'less'] as const) {
      const found = sequence.asymptoticSequenceInformationTime({ ...look, alternative });
      const critical = sequence.informationTimeCriticalValue({ ...look, alternative });
      if (found.kind !== 'value' || critical.kind !== 'value') throw new Error('undefined');
      expect(critical.value * look.standardError).toBeCloseTo(found.value.distance, 12);
    }
  });

  it('the relative contrast follows the loss for either sign of the baseline and either direction', () => {
    const at = (mean: number, treatment: number, higherIsBetter: boolean) =>
      margin.relativeContrast({
        control: { mean, variance: 1 },
        treatment: { mean: treatment, variance: 1 },
        relativeMargin: 0.1,
        higherIsBetter,
      });
    // At the margin the contrast is 0: 10 % below (above, where lower is better) the baseline's own size.
    for (const [mean, treatment, higher] of [
      [10, 9, true],
      [10, 11, false],
      [-10, -11, true],
      [-10, -9, false],
    ] as const) {
      const found = at(mean, treatment, higher);
      expect(found.kind === 'value' ? Math.abs(found.value.contrast) : Number.NaN).toBeLessThan(
        1e-12,
      );
    }
  });

  it('winsorizing moves values to the nearer cap and leaves an absent side alone', () => {
    expect(winsorize(5, { upper: 3 })).toBe(3);
    expect(winsorize(-5, { upper: 3 })).toBe(-5);
    expect(winsorize(-5, { lower: -1, upper: 3 })).toBe(-1);
    expect(winsorizedMoments([1, 2, 300], { upper: 3 })).toMatchObject({ n: 3, mean: 2 });
  });

  it('one-sided power counts one tail, two-sided both', () => {
    const at = (sides: 1 | 2) => power.powerZ({ effect: 0, standardError: 1, alpha: 0.05, sides });
    expect(at(1)).toMatchObject({ value: expect.closeTo(0.05, 12) as number });
    expect(at(2)).toMatchObject({ value: expect.closeTo(0.05, 12) as number });
  });
});
