import { type Estimable, estimated, notEstimable, refuse } from './estimable.js';
import { type Alternative, type PValue, pValueOf } from './inference.js';
import { checkProportion, type Proportion } from './one-proportion.js';
import type { TwoProportions } from './two-proportion.js';

/** Halving (0, 1) this often reaches the last bit of any rate above 1e-44. */
const BISECTIONS = 200;

export interface RiskDifferenceInput extends TwoProportions {
  /** p_t - p_c under the null, strictly between -1 and 1. */
  readonly nullDifference: number;
  readonly alternative: Alternative;
  /** Multiplies the variance by N/(N - 1) (Miettinen & Nurminen 1985). */
  readonly varianceCorrection: boolean;
}

export interface RiskDifferenceScore extends PValue {
  readonly estimate: number;
  /** Maximum-likelihood rates among those that differ by `nullDifference`. */
  readonly controlRate: number;
  readonly treatmentRate: number;
  readonly standardError: number;
  readonly statistic: number;
}

/**
 * Score test of a difference of rates (Farrington & Manning 1990): the variance is taken at the maximum
 * likelihood under the null, so that rates near 0 or 1 and non-zero margins keep their error rate.
 * Undefined without trials or when the restricted rates leave no variance.
 */
export function riskDifferenceScoreTest(input: RiskDifferenceInput): Estimable<RiskDifferenceScore> {
  const { control, treatment, nullDifference } = input;
  checkProportion('control', control);
  checkProportion('treatment', treatment);
  if (!(Math.abs(nullDifference) < 1)) {
    refuse('nullDifference', nullDifference, 'a number strictly between -1 and 1');
  }
  if (control.trials === 0 || treatment.trials === 0) return notEstimable('insufficient_sample');
  const controlRate = restrictedControlRate(control, treatment, nullDifference);
  const treatmentRate = controlRate + nullDifference;
  const units = control.trials + treatment.trials;
  const spread =
    (controlRate * (1 - controlRate)) / control.trials +
    (treatmentRate * (1 - treatmentRate)) / treatment.trials;
  if (spread <= 0) return notEstimable('zero_variance');
  const correction = input.varianceCorrection ? units / (units - 1) : 1;
  const standardError = Math.sqrt(spread * correction);
  const estimate = treatment.successes / treatment.trials - control.successes / control.trials;
  const statistic = (estimate - nullDifference) / standardError;
  const p = pValueOf(statistic, input.alternative);
  return estimated({ estimate, controlRate, treatmentRate, standardError, statistic, ...p });
}

/**
 * The control's rate at which the score of the restricted likelihood is 0. The likelihood is concave, so
 * the score falls and bisection cannot fail; the closed trigonometric form loses half the digits near a
 * double root.
 */
function restrictedControlRate(control: Proportion, treatment: Proportion, shift: number): number {
  if (shift === 0) {
    return (control.successes + treatment.successes) / (control.trials + treatment.trials);
  }
  let low = Math.max(0, -shift);
  let high = Math.min(1, 1 - shift);
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (score(control, middle) + score(treatment, middle + shift) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function score({ successes, trials }: Proportion, rate: number): number {
  const up = successes === 0 ? 0 : successes / rate;
  const down = successes === trials ? 0 : (trials - successes) / (1 - rate);
  return up - down;
}
