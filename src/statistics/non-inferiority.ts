import {
  type Estimable,
  estimated,
  finite,
  nonNegative,
  notEstimable,
  openUnit,
  positive,
  probability,
  refuse,
} from './estimable.js';
import { NORMAL, type PValue, pValueOf, student } from './inference.js';
import type { ArmEstimate, LiftInput } from './relative-lift.js';
import { meansDifference, type TwoSamples } from './welch.js';

/** Halving (0, 1) this often reaches the last bit of any rate above 1e-44. */
const BISECTIONS = 200;

export interface NonInferiorityInput extends TwoSamples {
  /** Largest tolerable loss, in the metric's unit, at least 0. */
  readonly margin: number;
  readonly alpha: number;
  readonly higherIsBetter: boolean;
}

export interface NonInferiority extends PValue {
  readonly estimate: number;
  readonly standardError: number;
  readonly df: number;
  readonly statistic: number;
  /** The one-sided bound of confidence 1 - alpha that is compared with the margin. */
  readonly bound: number;
  readonly nonInferior: boolean;
}

/**
 * One-sided Welch test of "worse by the margin or more": H0 d <= -margin where higher is better, H0 d >= margin
 * otherwise. This gate let .015 of the versions at the margin through; "ship if inconclusive" .39.
 */
export function nonInferiorityMeans(input: NonInferiorityInput): Estimable<NonInferiority> {
  const { margin, alpha, higherIsBetter } = input;
  nonNegative('margin', margin);
  openUnit('alpha', alpha);
  const found = meansDifference(input);
  if (found.kind === 'undefined') return found;
  const { estimate, standardError, df } = found.value;
  const reference = student(df);
  const distance = reference.upperQuantile(alpha) * standardError;
  const statistic = (estimate + (higherIsBetter ? margin : -margin)) / standardError;
  const p = pValueOf(statistic, higherIsBetter ? 'greater' : 'less', reference);
  const bound = higherIsBetter ? estimate - distance : estimate + distance;
  const nonInferior = p.pValue < alpha;
  return estimated({ estimate, standardError, df, statistic, ...p, bound, nonInferior });
}

export interface EquivalenceInput extends TwoSamples {
  readonly lowerMargin: number;
  readonly upperMargin: number;
  readonly alpha: number;
}

export interface Equivalence {
  readonly estimate: number;
  readonly standardError: number;
  readonly df: number;
  readonly statisticLower: number;
  readonly statisticUpper: number;
  readonly pLower: number;
  readonly pUpper: number;
  readonly pValue: number;
  /** Confidence 1 - 2 alpha: inside the margins exactly when equivalent. */
  readonly lower: number;
  readonly upper: number;
  readonly equivalent: boolean;
}

/** Two one-sided Welch tests (Schuirmann 1987). */
export function equivalenceTost(input: EquivalenceInput): Estimable<Equivalence> {
  const { lowerMargin, upperMargin, alpha } = input;
  finite('lowerMargin', lowerMargin);
  finite('upperMargin', upperMargin);
  openUnit('alpha', alpha, 0.5);
  if (lowerMargin >= upperMargin) refuse('lowerMargin', lowerMargin, 'below upperMargin');
  const found = meansDifference(input);
  if (found.kind === 'undefined') return found;
  const { estimate, standardError, df } = found.value;
  const reference = student(df);
  const distance = reference.upperQuantile(alpha) * standardError;
  const statisticLower = (estimate - lowerMargin) / standardError;
  const statisticUpper = (estimate - upperMargin) / standardError;
  const pLower = pValueOf(statisticLower, 'greater', reference).pValue;
  const pUpper = pValueOf(statisticUpper, 'less', reference).pValue;
  const pValue = Math.max(pLower, pUpper);
  return estimated({
    estimate,
    standardError,
    df,
    statisticLower,
    statisticUpper,
    pLower,
    pUpper,
    pValue,
    lower: estimate - distance,
    upper: estimate + distance,
    equivalent: pValue < alpha,
  });
}

export interface RelativeMarginInput extends LiftInput {
  /** Largest tolerable relative loss, strictly between 0 and 1. */
  readonly relativeMargin: number;
  readonly higherIsBetter: boolean;
}

/** The contrast treatment - (control -+ r |control|), which is linear, so that no ratio needs to be estimated. */
export interface RelativeContrast {
  readonly contrast: number;
  readonly standardError: number;
}

/**
 * The contrast of a relative margin and its standard error; also what a confidence sequence takes for a
 * relative margin: non-inferior when the contrast is above 0 (higher is better) or below 0. Undefined
 * without variance.
 */
export function relativeContrast(input: RelativeMarginInput): Estimable<RelativeContrast> {
  const r = openUnit('relativeMargin', input.relativeMargin);
  checkArm('control', input.control);
  checkArm('treatment', input.treatment);
  const { control, treatment, higherIsBetter } = input;
  // Towards the loss: (1 - r) m_c where higher is better and m_c > 0, (1 + r) m_c where lower is.
  const factor = higherIsBetter === control.mean >= 0 ? 1 - r : 1 + r;
  const total = treatment.variance + factor * factor * control.variance;
  if (total === 0) return notEstimable('zero_variance');
  return estimated({
    contrast: treatment.mean - factor * control.mean,
    standardError: Math.sqrt(total),
  });
}

export interface RelativeNonInferiority extends RelativeContrast, PValue {
  readonly statistic: number;
}

/** One-sided z test of the contrast of a relative margin. */
export function nonInferiorityRelative(
  input: RelativeMarginInput,
): Estimable<RelativeNonInferiority> {
  const found = relativeContrast(input);
  if (found.kind === 'undefined') return found;
  const statistic = found.value.contrast / found.value.standardError;
  const p = pValueOf(statistic, input.higherIsBetter ? 'greater' : 'less', NORMAL);
  return estimated({ ...found.value, statistic, ...p });
}

function checkArm(field: string, arm: ArmEstimate): void {
  finite(`${field}.mean`, arm.mean);
  nonNegative(`${field}.variance`, arm.variance);
}

/** An observed rate in [0, 1] and the trials behind it (real: may be an effective number). */
export interface ObservedRate {
  readonly rate: number;
  readonly trials: number;
}

export interface RestrictedRates {
  readonly control: number;
  readonly treatment: number;
}

/**
 * Maximum-likelihood rates among those with treatment - control = `difference`, in (-1, 1): the null at a
 * margin (Farrington & Manning 1990). Their variance keeps the error rate of a margin test on rare events,
 * as the pooled variance does for no effect. The likelihood is concave, so its derivative falls and bisection
 * cannot fail; the closed trigonometric form loses half the digits near a double root.
 */
export function restrictedProportions(
  control: ObservedRate,
  treatment: ObservedRate,
  difference: number,
): RestrictedRates {
  checkRate('control', control);
  checkRate('treatment', treatment);
  if (!(Math.abs(difference) < 1)) {
    refuse('difference', difference, 'a number strictly between -1 and 1');
  }
  if (difference === 0) {
    const total = control.trials + treatment.trials;
    const pooled = (control.rate * control.trials + treatment.rate * treatment.trials) / total;
    return { control: pooled, treatment: pooled };
  }
  let low = Math.max(0, -difference);
  let high = Math.min(1, 1 - difference);
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (score(control, middle) + score(treatment, middle + difference) > 0) low = middle;
    else high = middle;
  }
  const rate = (low + high) / 2;
  return { control: rate, treatment: rate + difference };
}

/** Derivative of an arm's log-likelihood at `at`. */
function score({ rate, trials }: ObservedRate, at: number): number {
  const up = rate === 0 ? 0 : rate / at;
  const down = rate === 1 ? 0 : (1 - rate) / (1 - at);
  return trials * (up - down);
}

function checkRate(field: string, { rate, trials }: ObservedRate): void {
  probability(`${field}.rate`, rate);
  positive(`${field}.trials`, trials);
}
