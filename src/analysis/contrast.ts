import { invariant } from '../kernel/assert.js';
import type { MetricCell, MetricShape } from '../metrics/metric.js';
import { variance as sampleVariance } from '../statistics/moments.js';
import { restrictedProportions } from '../statistics/non-inferiority.js';
import { ratioEstimate } from '../statistics/ratio-metric.js';
import type { ArmEstimate } from '../statistics/relative-lift.js';
import { combineStrata, type Stratum as StratumEffect } from '../statistics/stratified.js';
import { pooledVariance } from '../statistics/two-proportion.js';
import type { Comparison, Stratum } from './strata.js';

/** A phase-stratified contrast with its standard error, and how much information it rests on. */
export interface Contrast {
  readonly estimate: number;
  readonly standardError: number;
  /** Sum over phases of n_c n_t / (n_c + n_t): a quarter of the units when the arms are equal. */
  readonly effectiveUnits: number;
}

/** The contrast treatment - factor x control + shift; no effect is factor 1, shift 0. */
export interface Linear {
  readonly factor: number;
  readonly shift: number;
}

export const DIFFERENCE: Linear = { factor: 1, shift: 0 };

/** Which hypothesis the variance is computed under. */
export type VarianceUnder =
  /** The arms as observed: Welch, delta method, unpooled proportions. For intervals. */
  | { readonly kind: 'as_observed' }
  /** Proportions pooled under "no effect": the only variance that keeps its level with rare events. */
  | { readonly kind: 'no_effect' }
  /** Proportions restricted to treatment - control = difference (Farrington and Manning 1990). */
  | { readonly kind: 'difference'; readonly difference: number };

/**
 * Combines the phases with weights n_c n_t / (n_c + n_t). Null while there is no phase with two units in each arm
 * or a ratio has nothing in its denominator.
 */
export function contrastOf(
  comparison: Comparison,
  linear: Linear,
  under: VarianceUnder,
): Contrast | null {
  const strata: StratumEffect[] = [];
  let effectiveUnits = 0;
  for (const stratum of comparison.strata) {
    const part = stratumContrast(stratum, comparison.shape, linear, under);
    if (part === null) return null;
    strata.push(part);
    effectiveUnits += effectiveSample(stratum);
  }
  const combined = combineStrata({ strata, weights: 'effective_sample' });
  if (combined.kind === 'undefined') return null;
  const { estimate, standardError } = combined.value;
  return { estimate, standardError, effectiveUnits };
}

/** The arms' own estimates, weighted over phases like the contrast, for relative effects. */
export function armsOf(
  comparison: Comparison,
): { readonly control: ArmEstimate; readonly treatment: ArmEstimate } | null {
  const total = comparison.strata.reduce((sum, stratum) => sum + effectiveSample(stratum), 0);
  if (total === 0) return null;
  const control = { mean: 0, variance: 0 };
  const treatment = { mean: 0, variance: 0 };
  for (const stratum of comparison.strata) {
    const weight = effectiveSample(stratum) / total;
    const ofControl = armEstimate(stratum.control, comparison.shape);
    const ofTreatment = armEstimate(stratum.treatment, comparison.shape);
    if (ofControl === null || ofTreatment === null) return null;
    control.mean += weight * ofControl.mean;
    control.variance += weight * weight * ofControl.variance;
    treatment.mean += weight * ofTreatment.mean;
    treatment.variance += weight * weight * ofTreatment.variance;
  }
  return { control, treatment };
}

function stratumContrast(
  { control, treatment }: Stratum,
  shape: MetricShape,
  { factor, shift }: Linear,
  under: VarianceUnder,
): StratumEffect | null {
  const ofControl = armEstimate(control, shape);
  const ofTreatment = armEstimate(treatment, shape);
  if (ofControl === null || ofTreatment === null) return null;
  const estimate = ofTreatment.mean - factor * ofControl.mean + shift;
  const variance =
    under.kind === 'as_observed'
      ? ofTreatment.variance + factor * factor * ofControl.variance
      : nullVariance({ control, treatment, ofControl, ofTreatment }, under);
  return { estimate, variance, controlUnits: control.n, treatmentUnits: treatment.n };
}

interface ObservedPair {
  readonly control: MetricCell;
  readonly treatment: MetricCell;
  readonly ofControl: ArmEstimate;
  readonly ofTreatment: ArmEstimate;
}

/**
 * Variance of a difference of proportions under a hypothesis. For rates per request the units are clusters; with
 * too few events to estimate how strongly requests of a unit hang together, complete dependence is assumed:
 * Var(R) <= q (1 - q) E[d^2] / (n E[d]^2).
 */
function nullVariance(
  { control, treatment, ofControl, ofTreatment }: ObservedPair,
  under: Exclude<VarianceUnder, { kind: 'as_observed' }>,
): number {
  if (under.kind === 'no_effect') {
    const pooled = pooledVariance(
      { successes: control.events, trials: control.n },
      { successes: treatment.events, trials: treatment.n },
    );
    invariant(pooled.kind === 'value', 'a stratum has units in both arms');
    return pooled.value;
  }
  const restricted = restrictedProportions(
    { rate: ofControl.mean, trials: control.n },
    { rate: ofTreatment.mean, trials: treatment.n },
    under.difference,
  );
  const ofArm = (p: number, cell: MetricCell): number =>
    (p * (1 - p) * clusterFactor(cell)) / cell.n;
  return ofArm(restricted.control, control) + ofArm(restricted.treatment, treatment);
}

function clusterFactor(cell: MetricCell): number {
  if (cell.meanD === 0) return 1;
  return 1 + cell.m2D / cell.n / (cell.meanD * cell.meanD);
}

function armEstimate(cell: MetricCell, shape: MetricShape): ArmEstimate | null {
  const { n, meanY: mean, m2Y } = cell;
  if (shape === 'ratio') {
    const ratio = ratioEstimate(cell);
    return ratio.kind === 'value' ? ratio.value : null;
  }
  if (shape === 'binary') return { mean, variance: (mean * (1 - mean)) / n };
  const spread = sampleVariance({ n, mean, m2: m2Y });
  return spread.kind === 'value' ? { mean, variance: spread.value / n } : null;
}

function effectiveSample({ control, treatment }: Stratum): number {
  return (control.n * treatment.n) / (control.n + treatment.n);
}
