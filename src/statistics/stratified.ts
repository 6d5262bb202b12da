import {
  count,
  type Estimable,
  estimated,
  finite,
  nonNegative,
  notEstimable,
  openUnit,
  refuse,
} from './estimable.js';
import { type Alternative, type Inference, waldInference } from './inference.js';

/** The effect in one stratum (a ramp phase, a segment), its sampling variance and the units behind it. */
export interface Stratum {
  readonly estimate: number;
  readonly variance: number;
  readonly controlUnits: number;
  readonly treatmentUnits: number;
}

/**
 * - `pooled`: share of all units; what a standing population needs
 * - `inverse_variance`: 1/variance; most precise for a common effect, undefined for a zero variance
 * - `effective_sample`: n_c n_t/(n_c + n_t); nearly as precise, and independent of the outcomes
 */
export type StratumWeights = 'pooled' | 'inverse_variance' | 'effective_sample';

export interface StratifiedEffect {
  /** In the order of the strata; they sum to 1. */
  readonly weights: readonly number[];
  readonly estimate: number;
  readonly variance: number;
  readonly standardError: number;
}

/**
 * Weighted effect over strata with the weights taken as fixed: variance = sum w^2 v. Totals are never
 * pooled over phases: under a drifting baseline crude pooling rolled back falsely in 1.00 of the runs
 * (Simpson's paradox; Crook et al. 2009). Undefined without strata or with an arm below two units.
 */
export function combineStrata(input: {
  readonly strata: readonly Stratum[];
  readonly weights: StratumWeights;
}): Estimable<StratifiedEffect> {
  const { strata } = input;
  for (const [index, stratum] of strata.entries())
    checkStratum(`strata[${String(index)}]`, stratum);
  if (strata.length === 0 || strata.some((s) => s.controlUnits < 2 || s.treatmentUnits < 2)) {
    return notEstimable('insufficient_sample');
  }
  if (input.weights === 'inverse_variance' && strata.some((s) => s.variance === 0)) {
    return notEstimable('zero_variance');
  }
  const raw = strata.map((stratum) => rawWeight(stratum, input.weights));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const weights = raw.map((weight) => weight / total);
  let estimate = 0;
  let variance = 0;
  for (const [index, stratum] of strata.entries()) {
    const weight = weights[index] ?? 0;
    estimate += weight * stratum.estimate;
    variance += weight * weight * stratum.variance;
  }
  return estimated({ weights, estimate, variance, standardError: Math.sqrt(variance) });
}

/** The combined effect with its z test and interval; undefined without any variance. */
export function stratifiedDifference(input: {
  readonly strata: readonly Stratum[];
  readonly weights: StratumWeights;
  readonly alpha: number;
  readonly alternative: Alternative;
}): Estimable<Inference & StratifiedEffect> {
  const { alpha, alternative } = input;
  openUnit('alpha', alpha);
  const combined = combineStrata(input);
  if (combined.kind === 'undefined') return combined;
  if (combined.value.variance === 0) return notEstimable('zero_variance');
  const { estimate, standardError } = combined.value;
  return estimated({
    ...combined.value,
    ...waldInference({ estimate, standardError, alpha, alternative }),
  });
}

function rawWeight(stratum: Stratum, weights: StratumWeights): number {
  const { controlUnits, treatmentUnits, variance } = stratum;
  switch (weights) {
    case 'pooled':
      return controlUnits + treatmentUnits;
    case 'inverse_variance':
      return 1 / variance;
    case 'effective_sample':
      return (controlUnits / (controlUnits + treatmentUnits)) * treatmentUnits;
    default:
      return refuse('weights', weights, 'pooled, inverse_variance or effective_sample');
  }
}

function checkStratum(field: string, stratum: Stratum): void {
  finite(`${field}.estimate`, stratum.estimate);
  nonNegative(`${field}.variance`, stratum.variance);
  count(`${field}.controlUnits`, stratum.controlUnits);
  count(`${field}.treatmentUnits`, stratum.treatmentUnits);
}
