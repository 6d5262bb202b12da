import { type Estimable, estimated, notEstimable, refuse } from './estimable.js';
import { type Alternative, type PValue, pValueOf } from './inference.js';
import { restrictedProportions } from './non-inferiority.js';
import { checkProportion } from './one-proportion.js';
import type { TwoProportions } from './two-proportion.js';

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
export function riskDifferenceScoreTest(
  input: RiskDifferenceInput,
): Estimable<RiskDifferenceScore> {
  const { control, treatment, nullDifference } = input;
  checkProportion('control', control);
  checkProportion('treatment', treatment);
  if (!(Math.abs(nullDifference) < 1)) {
    refuse('nullDifference', nullDifference, 'a number strictly between -1 and 1');
  }
  if (control.trials === 0 || treatment.trials === 0) return notEstimable('insufficient_sample');
  const rates = restrictedProportions(
    { rate: control.successes / control.trials, trials: control.trials },
    { rate: treatment.successes / treatment.trials, trials: treatment.trials },
    nullDifference,
  );
  const { control: controlRate, treatment: treatmentRate } = rates;
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
