import { type Estimable, estimated, notEstimable, openUnit } from './estimable.js';
import { type Alternative, type Inference, waldInference } from './inference.js';
import { checkPairedMoments, type PairedMoments, pairedMomentsOf } from './moments.js';
import { type ArmEstimate, liftDeltaNormal } from './relative-lift.js';

/** Two independent arms of units that each contribute a numerator y and a denominator d. */
export interface TwoRatios {
  readonly control: PairedMoments;
  readonly treatment: PairedMoments;
}

export interface RatioTestInput {
  readonly alpha: number;
  readonly alternative: Alternative;
}

export interface RatioDifference extends Inference {
  readonly controlRatio: number;
  readonly treatmentRatio: number;
  /** Relative effect by the delta method; undefined when the control's ratio is 0. */
  readonly lift: Estimable<Inference>;
}

/**
 * Sampling variance of the ratio of means R = mean(y)/mean(d) over randomised units:
 * (var y - 2 R cov + R^2 var d)/(n mean(d)^2) (Deng, Knoblich & Lu 2018). Treating the requests
 * of a user as independent instead gave .24 to .35 false positives at 10 requests a user, ICC .2.
 * Undefined below two units or for a mean denominator of 0.
 */
export function ratioVariance(moments: PairedMoments): Estimable<number> {
  checkPairedMoments('moments', moments);
  const { n, meanY, meanD, m2Y, m2D, coMoment } = moments;
  if (n < 2) return notEstimable('insufficient_sample');
  if (meanD === 0) return notEstimable('zero_denominator');
  const ratio = meanY / meanD;
  const residual = m2Y - 2 * ratio * coMoment + ratio * ratio * m2D;
  // A sum of squares; only rounding of proportional y and d can take it below 0.
  if (residual <= 0) return estimated(0);
  return estimated(residual / (n - 1) / n / meanD ** 2);
}

/** The ratio of an arm with its sampling variance. */
export function ratioEstimate(moments: PairedMoments): Estimable<ArmEstimate> {
  const spread = ratioVariance(moments);
  if (spread.kind === 'undefined') return spread;
  return estimated({ mean: moments.meanY / moments.meanD, variance: spread.value });
}

/** Difference of ratios, normal reference, with the lift by the delta method. */
export function ratioDifference(input: TwoRatios & RatioTestInput): Estimable<RatioDifference> {
  const { alpha, alternative } = input;
  openUnit('alpha', alpha);
  const foundC = ratioEstimate(input.control);
  const foundT = ratioEstimate(input.treatment);
  if (foundC.kind === 'undefined') return foundC;
  if (foundT.kind === 'undefined') return foundT;
  const control = foundC.value;
  const treatment = foundT.value;
  const total = control.variance + treatment.variance;
  if (total === 0) return notEstimable('zero_variance');
  const estimate = treatment.mean - control.mean;
  const standardError = Math.sqrt(total);
  return estimated({
    ...waldInference({ estimate, standardError, alpha, alternative }),
    controlRatio: control.mean,
    treatmentRatio: treatment.mean,
    lift: liftDeltaNormal({ control, treatment, alpha, alternative }),
  });
}

/** The same from raw rows [y, d], one per randomised unit. */
export function ratioDifferenceRaw(
  input: RatioTestInput & {
    readonly control: readonly (readonly [number, number])[];
    readonly treatment: readonly (readonly [number, number])[];
  },
): Estimable<RatioDifference> {
  return ratioDifference({
    ...input,
    control: pairedMomentsOf(input.control),
    treatment: pairedMomentsOf(input.treatment),
  });
}
