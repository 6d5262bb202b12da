import type { Interval } from './assessment.js';
import {
  type Estimable,
  estimated,
  finite,
  nonNegative,
  notEstimable,
  openUnit,
  positive,
} from './estimable.js';
import { type Alternative, type Inference, NORMAL, student, waldInference } from './inference.js';
import { checkSummary, type SampleSummary } from './moments.js';
import { normalUpperQuantile } from './numerics.js';

/** An arm's mean, rate or ratio, and the sampling variance of that estimate (s^2/n, not s^2). */
export interface ArmEstimate {
  readonly mean: number;
  readonly variance: number;
}

/** Two independent arms; lift = (treatment - control)/|control|. */
export interface LiftInput {
  readonly control: ArmEstimate;
  readonly treatment: ArmEstimate;
}

/** The estimate of a sample's mean; undefined below two values. */
export function armEstimate(summary: SampleSummary): Estimable<ArmEstimate> {
  checkSummary('summary', summary);
  if (summary.n < 2) return notEstimable('insufficient_sample');
  return estimated({ mean: summary.mean, variance: summary.variance / summary.n });
}

function check({ control, treatment }: LiftInput): void {
  finite('control.mean', control.mean);
  finite('treatment.mean', treatment.mean);
  nonNegative('control.variance', control.variance);
  nonNegative('treatment.variance', treatment.variance);
}

interface DeltaLift {
  readonly estimate: number;
  readonly standardError: number;
}

/** First-order variance V_t/m_c^2 + m_t^2 V_c/m_c^4 of the ratio (Deng, Knoblich & Lu 2018). */
function deltaLift(input: LiftInput): Estimable<DeltaLift> {
  check(input);
  const { control, treatment } = input;
  if (control.mean === 0) return notEstimable('zero_baseline');
  if (control.variance + treatment.variance === 0) return notEstimable('zero_variance');
  const ratio = treatment.mean / control.mean;
  const spread = Math.hypot(Math.sqrt(treatment.variance), ratio * Math.sqrt(control.variance));
  // A treatment that is 0 throughout: to first order its lift of -1 has no error, which is no inference.
  if (spread === 0) return notEstimable('zero_variance');
  return estimated({
    estimate: (treatment.mean - control.mean) / Math.abs(control.mean),
    standardError: spread / Math.abs(control.mean),
  });
}

export interface DeltaLiftInput extends LiftInput {
  readonly alpha: number;
  /** Two-sided if absent. */
  readonly alternative?: Alternative;
}

/** Relative lift by the delta method against the normal distribution. */
export function liftDeltaNormal(input: DeltaLiftInput): Estimable<Inference> {
  openUnit('alpha', input.alpha);
  const lift = deltaLift(input);
  if (lift.kind === 'undefined') return lift;
  const { alpha, alternative = 'two-sided' } = input;
  return estimated(waldInference({ ...lift.value, alpha, alternative, reference: NORMAL }));
}

/** Relative lift by the delta method against Student's t with `df` (of the difference of means). */
export function liftDeltaT(input: DeltaLiftInput & { readonly df: number }): Estimable<Inference> {
  openUnit('alpha', input.alpha);
  positive('df', input.df);
  const lift = deltaLift(input);
  if (lift.kind === 'undefined') return lift;
  const { alpha, alternative = 'two-sided', df } = input;
  return estimated(waldInference({ ...lift.value, alpha, alternative, reference: student(df) }));
}

export interface FiellerLift extends Interval {
  readonly estimate: number;
  /** Squared relative error of the baseline at this critical value; the interval is bounded while g < 1. */
  readonly g: number;
}

/**
 * Fieller (1954) interval of the lift at any critical value, so that a confidence sequence's boundary can be
 * used as well as a normal quantile. Roots r of (m_c^2 - z^2 V_c) r^2 - 2 m_c m_t r + (m_t^2 - z^2 V_t) = 0,
 * minus 1; the discriminant is written without its cancelling terms. Undefined for g = z^2 V_c/m_c^2 >= 1,
 * where the baseline cannot be told from 0.
 */
export function liftFieller(
  input: LiftInput & { readonly criticalValue: number },
): Estimable<FiellerLift> {
  check(input);
  const z = positive('criticalValue', input.criticalValue);
  const { control, treatment } = input;
  if (control.mean === 0) return notEstimable('zero_baseline');
  const g = z * z * (control.variance / control.mean ** 2);
  if (g >= 1) return notEstimable('baseline_not_distinguishable_from_zero');
  const ratio = treatment.mean / control.mean;
  const relativeT = treatment.variance / control.mean ** 2;
  const relativeC = control.variance / control.mean ** 2;
  const halfWidth = (z * Math.sqrt(relativeT * (1 - g) + ratio * ratio * relativeC)) / (1 - g);
  // r - 1 at the centre ratio/(1 - g): written as a difference of the lift, exact near no effect.
  const lift = (treatment.mean - control.mean) / control.mean;
  const centre = (lift + g) / (1 - g);
  const [lower, upper] =
    control.mean > 0
      ? [centre - halfWidth, centre + halfWidth]
      : [-centre - halfWidth, -centre + halfWidth];
  return estimated({ estimate: control.mean > 0 ? lift : -lift, g, lower, upper });
}

export interface LogRatioLift extends Interval {
  readonly logRatio: number;
  /** Of the log ratio. */
  readonly standardError: number;
}

/** exp(ln(m_t/m_c) -+ z sqrt(V_t/m_t^2 + V_c/m_c^2)) - 1; both means must be positive. */
export function liftLogRatio(
  input: LiftInput & { readonly alpha: number },
): Estimable<LogRatioLift> {
  check(input);
  const z = normalUpperQuantile(openUnit('alpha', input.alpha) / 2);
  const { control, treatment } = input;
  if (control.mean <= 0 || treatment.mean <= 0) return notEstimable('non_positive_mean');
  if (control.variance + treatment.variance === 0) return notEstimable('zero_variance');
  const logRatio = Math.log1p((treatment.mean - control.mean) / control.mean);
  const standardError = Math.hypot(
    Math.sqrt(treatment.variance) / treatment.mean,
    Math.sqrt(control.variance) / control.mean,
  );
  return estimated({
    logRatio,
    standardError,
    lower: Math.expm1(logRatio - z * standardError),
    upper: Math.expm1(logRatio + z * standardError),
  });
}
