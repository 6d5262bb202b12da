import { type Estimable, estimated, notEstimable, openUnit } from './estimable.js';
import { type Alternative, type Inference, waldInference } from './inference.js';
import {
  checkPairedMoments,
  mergePairedMoments,
  type PairedMoments,
  pairedMomentsOf,
} from './moments.js';

/**
 * Where the coefficient comes from: `pooled_total` = all units around the grand means, `pooled_within` = units
 * around the means of their own arm.
 */
export type CupedTheta = 'pooled_total' | 'pooled_within';

export interface CupedInput {
  /** y = outcome, d = pre-period covariate, which must be measured before exposure. */
  readonly control: PairedMoments;
  readonly treatment: PairedMoments;
  readonly theta: CupedTheta;
  readonly alpha: number;
  readonly alternative: Alternative;
}

export interface CupedDifference extends Inference {
  readonly theta: number;
  readonly controlAdjustedMean: number;
  readonly treatmentAdjustedMean: number;
  readonly unadjustedEstimate: number;
  readonly unadjustedStandardError: number;
  /** 1 - adjusted variance/unadjusted variance; negative when the covariate hurts. */
  readonly varianceReduction: number;
  /** Relative to |mean of y in control|, full delta method; undefined for a baseline of 0. */
  readonly lift: Estimable<CupedLift>;
}

export interface CupedLift extends Inference {
  /** The error if both arms had equal covariate means (Deng et al. 2013). */
  readonly standardErrorBalanced: number;
}

/**
 * Difference of means adjusted by a pre-period covariate (Deng, Xu, Kohavi & Walker 2013): mean y - theta
 * (mean x - grand mean x) per arm, variance (var y + theta^2 var x - 2 theta cov)/n; theta = 0 when the
 * covariate does not vary. Undefined below two units in an arm or without variance.
 */
export function cupedDifference(input: CupedInput): Estimable<CupedDifference> {
  return differenceAround(0, input);
}

/**
 * The same from raw rows [y, covariate]. Outcomes are taken from a common origin first: at a mean of 1e9 the
 * rounding of two stored means alone would move the difference by 1e-7.
 */
export function cupedDifferenceRaw(
  input: Omit<CupedInput, 'control' | 'treatment'> & {
    readonly control: readonly (readonly [number, number])[];
    readonly treatment: readonly (readonly [number, number])[];
  },
): Estimable<CupedDifference> {
  const origin = input.control[0]?.[0] ?? 0;
  const shifted = (rows: typeof input.control): PairedMoments =>
    pairedMomentsOf(rows.map(([y, x]) => [y - origin, x]));
  const control = shifted(input.control);
  return differenceAround(origin, { ...input, control, treatment: shifted(input.treatment) });
}

/** Moments of y are around `origin`, which is added back wherever a level and not a difference is meant. */
function differenceAround(origin: number, input: CupedInput): Estimable<CupedDifference> {
  const { control, treatment, alpha, alternative } = input;
  checkPairedMoments('control', control);
  checkPairedMoments('treatment', treatment);
  openUnit('alpha', alpha);
  if (control.n < 2 || treatment.n < 2) return notEstimable('insufficient_sample');
  const theta = thetaOf(input);
  const grandMean = mergePairedMoments(control, treatment).meanD;
  const adjusted = armVariance(control, 1, theta) + armVariance(treatment, 1, theta);
  const unadjusted = armVariance(control, 1, 0) + armVariance(treatment, 1, 0);
  if (adjusted <= 0 || unadjusted <= 0) return notEstimable('zero_variance');
  const unadjustedEstimate = treatment.meanY - control.meanY;
  const estimate = unadjustedEstimate - theta * (treatment.meanD - control.meanD);
  return estimated({
    ...waldInference({ estimate, standardError: Math.sqrt(adjusted), alpha, alternative }),
    theta,
    controlAdjustedMean: origin + control.meanY - theta * (control.meanD - grandMean),
    treatmentAdjustedMean: origin + treatment.meanY - theta * (treatment.meanD - grandMean),
    unadjustedEstimate,
    unadjustedStandardError: Math.sqrt(unadjusted),
    varianceReduction: 1 - adjusted / unadjusted,
    lift: liftOf(input, origin, { theta, estimate }),
  });
}

function thetaOf({ control, treatment, theta }: CupedInput): number {
  const pooled =
    theta === 'pooled_total'
      ? mergePairedMoments(control, treatment)
      : { coMoment: control.coMoment + treatment.coMoment, m2D: control.m2D + treatment.m2D };
  return pooled.m2D > 0 ? pooled.coMoment / pooled.m2D : 0;
}

/** Variance of the mean of (scale y - theta x) in one arm. */
function armVariance(
  { n, m2Y, m2D, coMoment }: PairedMoments,
  scale: number,
  theta: number,
): number {
  return (scale * scale * m2Y + theta * theta * m2D - 2 * scale * theta * coMoment) / (n - 1) / n;
}

function liftOf(
  input: CupedInput,
  origin: number,
  { theta, estimate }: { readonly theta: number; readonly estimate: number },
): Estimable<CupedLift> {
  const { control, treatment, alpha, alternative } = input;
  const baseline = origin + control.meanY;
  if (baseline === 0) return notEstimable('zero_baseline');
  // d lift/d mean(y_c) = -(1 + estimate/m)/|m|: the baseline also moves the denominator.
  const scale = 1 + estimate / baseline;
  const ofTreatment = armVariance(treatment, 1, theta);
  const full = ofTreatment + armVariance(control, scale, theta);
  const balanced = ofTreatment + armVariance(control, (origin + treatment.meanY) / baseline, theta);
  if (full <= 0) return notEstimable('zero_variance');
  const size = Math.abs(baseline);
  const standardError = Math.sqrt(full) / size;
  return estimated({
    ...waldInference({ estimate: estimate / size, standardError, alpha, alternative }),
    standardErrorBalanced: Math.sqrt(balanced) / size,
  });
}
