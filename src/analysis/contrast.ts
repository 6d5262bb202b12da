import { invariant } from '../kernel/assert.js';
import type { MetricCell, MetricShape } from '../metrics/metric.js';
import { variance as sampleVariance } from '../statistics/moments.js';
import { restrictedProportions } from '../statistics/non-inferiority.js';
import type { Adjustment } from '../statistics/assessment.js';
import { ratioEstimate } from '../statistics/ratio-metric.js';
import type { ArmEstimate } from '../statistics/relative-lift.js';
import { combineStrata, type Stratum as StratumEffect } from '../statistics/stratified.js';
import { pooledVariance } from '../statistics/two-proportion.js';
import { adjustedVariance, covariateMean } from './adjustment.js';
import type { Comparison } from './strata.js';
import type { Stratum } from './stratum.js';

/** A phase-stratified contrast with its standard error, and how much information it rests on. */
export interface Contrast {
  readonly estimate: number;
  readonly standardError: number;
  /** Sum over phases of n_c n_t / (n_c + n_t): a quarter of the units when the arms are equal. */
  readonly effectiveUnits: number;
  /** Satterthwaite's, for differences of means; null where the normal distribution is the reference. */
  readonly degreesOfFreedom: number | null;
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
  const strata: Part[] = [];
  let effectiveUnits = 0;
  for (const stratum of comparison.strata) {
    const part = stratumContrast(stratum, comparison, linear, under);
    if (part === null) return null;
    strata.push(part);
    effectiveUnits += effectiveSample(stratum);
  }
  const combined = combineStrata({ strata, weights: 'effective_sample' });
  if (combined.kind === 'undefined') return null;
  const { estimate, standardError, variance, weights } = combined.value;
  const isMean = comparison.shape === 'mean' && variance > 0;
  const degreesOfFreedom = isMean ? satterthwaite(variance, weights, strata) : null;
  return { estimate, standardError, effectiveUnits, degreesOfFreedom };
}

/** Degrees of freedom of a weighted sum of sample variances (Satterthwaite 1946), over both arms of every phase. */
function satterthwaite(
  variance: number,
  weights: readonly number[],
  strata: readonly Part[],
): number {
  const spread = strata.reduce((sum, { armVariances }, index) => {
    const weight = weights[index] ?? 0;
    const ofArms = armVariances.map(
      (arm) => ((weight * weight * arm.variance) / variance) ** 2 / (arm.units - 1),
    );
    return sum + ofArms.reduce((total, share) => total + share, 0);
  }, 0);
  return 1 / spread;
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
    const ofControl = armIn(stratum, 'control', comparison);
    const ofTreatment = armIn(stratum, 'treatment', comparison);
    if (ofControl === null || ofTreatment === null) return null;
    control.mean += weight * ofControl.mean;
    control.variance += weight * weight * ofControl.variance;
    treatment.mean += weight * ofTreatment.mean;
    treatment.variance += weight * weight * ofTreatment.variance;
  }
  return { control, treatment };
}

interface Part extends StratumEffect {
  /** Variances of the two arms' means in the contrast, and their units. */
  readonly armVariances: readonly { readonly variance: number; readonly units: number }[];
}

function stratumContrast(
  stratum: Stratum,
  comparison: Comparison,
  { factor, shift }: Linear,
  under: VarianceUnder,
): Part | null {
  const { control, treatment } = stratum;
  const ofControl = armEstimate(control, comparison.shape);
  const ofTreatment = armEstimate(treatment, comparison.shape);
  if (ofControl === null || ofTreatment === null) return null;
  const slope = slopeIn(stratum, comparison.adjustment, factor);
  const estimate =
    ofTreatment.mean - factor * ofControl.mean + shift - slope * covariateDifference(stratum);
  const observed =
    slope === 0
      ? [ofTreatment.variance, factor * factor * ofControl.variance]
      : [adjustedVariance(treatment, 1, slope), adjustedVariance(control, factor, slope)];
  const [variances, total] =
    under.kind === 'as_observed'
      ? [observed, (observed[0] ?? 0) + (observed[1] ?? 0)]
      : [
          [],
          nullVariance({ control, treatment, ofControl, ofTreatment }, under) *
            remainingVariance(comparison.adjustment),
        ];
  const units = { controlUnits: control.n, treatmentUnits: treatment.n };
  const armVariances = variances.map((variance, index) => ({
    variance,
    units: index === 0 ? treatment.n : control.n,
  }));
  return { estimate, variance: total, ...units, armVariances };
}

/**
 * Slope of the contrast on the difference of the covariate's means when both arms are adjusted to their common mean:
 * theta x (n_c + factor n_t) / (n_c + n_t), theta itself for a plain difference.
 */
function slopeIn({ control, treatment }: Stratum, adjustment: Adjustment, factor: number): number {
  if (adjustment.kind === 'none') return 0;
  return (adjustment.theta * (control.n + factor * treatment.n)) / (control.n + treatment.n);
}

function covariateDifference({ control, treatment }: Stratum): number {
  return (treatment.covariate?.meanX ?? 0) - (control.covariate?.meanX ?? 0);
}

/** A variance under a hypothesis shrinks by what the covariate explains, as the observed one does. */
function remainingVariance(adjustment: Adjustment): number {
  return adjustment.kind === 'none' ? 1 : 1 - adjustment.varianceReduction;
}

/** An arm's own estimate, adjusted to the phase's mean of the covariate where the comparison is. */
function armIn(
  stratum: Stratum,
  arm: 'control' | 'treatment',
  { shape, adjustment }: Comparison,
): ArmEstimate | null {
  const cell = stratum[arm];
  const plain = armEstimate(cell, shape);
  if (plain === null || adjustment.kind === 'none') return plain;
  const shift = (cell.covariate?.meanX ?? 0) - covariateMean(stratum);
  return {
    mean: plain.mean - adjustment.theta * shift,
    variance: adjustedVariance(cell, 1, adjustment.theta),
  };
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
