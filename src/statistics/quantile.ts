import { quantileSorted } from 'simple-statistics';
import type { Interval } from './assessment.js';
import {
  count,
  type Estimable,
  estimated,
  finite,
  notEstimable,
  openUnit,
  probability,
} from './estimable.js';
import { type Inference, waldInference } from './inference.js';
import { pairedMomentsOf } from './moments.js';
import { binomialTails, normalUpperQuantile } from './numerics.js';
import { ratioVariance } from './ratio-metric.js';

/** Sample quantile of type 7 (Hyndman & Fan 1996) at a level in [0, 1]; undefined for no values. */
export function sampleQuantile(values: readonly number[], level: number): Estimable<number> {
  probability('level', level);
  const sorted = ascending('values', values);
  return sorted.length === 0
    ? notEstimable('insufficient_sample')
    : estimated(quantileSorted(sorted, level));
}

/** A quantile and the interval width that it is judged by. */
export interface QuantileLevel {
  /** Strictly between 0 and 1: .99 is the 99th percentile. */
  readonly level: number;
  readonly alpha: number;
}

interface QuantileEstimate {
  readonly quantile: number;
  readonly standardError: number;
}

/**
 * Standard error from the width of the order-statistic interval: (Q(v + h) - Q(v - h))/(2 z) with
 * h = z sqrt(v (1 - v)/n), z = z_{1 - alpha/2} (the inverse of Woodruff 1952; the bandwidth of Deng, Knoblich
 * & Lu 2018). Undefined where v -+ h leaves (0, 1), or both ends are the same value.
 */
function quantileEstimate(
  sorted: number[],
  { level, alpha }: QuantileLevel,
): Estimable<QuantileEstimate> {
  if (sorted.length === 0) return notEstimable('insufficient_sample');
  const z = normalUpperQuantile(alpha / 2);
  const reach = z * Math.sqrt((level * (1 - level)) / sorted.length);
  if (level - reach <= 0 || level + reach >= 1) return notEstimable('insufficient_sample');
  const width = quantileSorted(sorted, level + reach) - quantileSorted(sorted, level - reach);
  if (width === 0) return notEstimable('zero_variance');
  return estimated({ quantile: quantileSorted(sorted, level), standardError: width / (2 * z) });
}

export interface QuantileDifference extends Inference {
  readonly control: QuantileEstimate;
  readonly treatment: QuantileEstimate;
}

/**
 * Difference of the quantiles of two independent samples of independent values, two-sided, normal reference.
 * For values that cluster in units (requests of a user) take the standard errors of `clusteredQuantile`.
 */
export function quantileDifference(
  input: QuantileLevel & {
    readonly control: readonly number[];
    readonly treatment: readonly number[];
  },
): Estimable<QuantileDifference> {
  checkLevel(input);
  const { alpha } = input;
  const sortedC = ascending('control', input.control);
  const sortedT = ascending('treatment', input.treatment);
  const control = quantileEstimate(sortedC, input);
  const treatment = quantileEstimate(sortedT, input);
  if (control.kind === 'undefined') return control;
  if (treatment.kind === 'undefined') return treatment;
  const estimate = treatment.value.quantile - control.value.quantile;
  const standardError = Math.hypot(control.value.standardError, treatment.value.standardError);
  return estimated({
    ...waldInference({ estimate, standardError, alpha, alternative: 'two-sided' }),
    control: control.value,
    treatment: treatment.value,
  });
}

export interface ClusteredQuantile extends QuantileEstimate {
  /** What it would be if the values were independent. */
  readonly iidStandardError: number;
  /** Variance of the share of values up to the quantile over randomised units, relative to independent values. */
  readonly designEffect: number;
}

/**
 * Quantile of the values of all units with a standard error that knows that values of a unit belong together
 * (Deng, Knoblich & Lu 2018): that of independent values times the root of the design effect.
 * Undefined below two units, or when every unit has the same share below the quantile.
 */
export function clusteredQuantile(
  input: QuantileLevel & { readonly clusters: readonly (readonly number[])[] },
): Estimable<ClusteredQuantile> {
  checkLevel(input);
  const { clusters, level } = input;
  const sorted = clusters
    .flatMap((values, index) => ascending(`clusters[${String(index)}]`, values))
    .sort((a, b) => a - b);
  const iid = quantileEstimate(sorted, input);
  if (iid.kind === 'undefined') return iid;
  // A value is at most the quantile exactly when it is at most the order statistic below; rounding in the
  // interpolation must not decide on which side the next one falls.
  const below = sorted[Math.floor((sorted.length - 1) * level)] ?? Number.NaN;
  const counts = clusters.map(
    (values) => [values.filter((value) => value <= below).length, values.length] as const,
  );
  const spread = ratioVariance(pairedMomentsOf(counts));
  if (spread.kind === 'undefined') return spread;
  // In whole numbers: the variance itself may be a rounding error away from 0.
  const total = counts.reduce((sum, [hits]) => sum + hits, 0);
  if (counts.every(([hits, size]) => hits * sorted.length === total * size)) {
    return notEstimable('zero_variance');
  }
  const designEffect = spread.value / ((level * (1 - level)) / sorted.length);
  const { quantile, standardError: iidStandardError } = iid.value;
  const standardError = iidStandardError * Math.sqrt(designEffect);
  return estimated({ quantile, iidStandardError, designEffect, standardError });
}

/** Ranks (from 1) of the order statistics that enclose a quantile. */
export interface QuantileRanks extends Interval {
  /** P(lower <= Bin(n, level) <= upper - 1), at least 1 - alpha for any continuous distribution. */
  readonly coverage: number;
}

/**
 * Distribution-free interval for a quantile by order statistics (Thompson 1936; Conover 1999): the
 * largest rank l with P(Bin(n, level) <= l - 1) <= alpha/2 and the smallest rank u with P(Bin >= u) <= alpha/2.
 * Undefined when the sample has no such ranks.
 */
export function quantileRanks(
  input: QuantileLevel & { readonly n: number },
): Estimable<QuantileRanks> {
  checkLevel(input);
  const { level, alpha } = input;
  const n = count('n', input.n);
  const atMost = (k: number): number => binomialTails(k, n, level).lower;
  const above = (k: number): number => binomialTails(k, n, level).upper;
  // The first k in [0, n] at which a tail has become too heavy, or light enough.
  const lower = firstWhere(n, (k) => atMost(k) > alpha / 2);
  const upper = firstWhere(n, (k) => above(k) <= alpha / 2) + 1;
  if (lower < 1 || upper > n) return notEstimable('insufficient_sample');
  return estimated({ lower, upper, coverage: 1 - atMost(lower - 1) - above(upper - 1) });
}

/** The smallest k in [0, n] for which `holds`, which once true stays true and holds at n. */
function firstWhere(n: number, holds: (k: number) => boolean): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkLevel({ level, alpha }: QuantileLevel): void {
  openUnit('level', level);
  openUnit('alpha', alpha);
}

function ascending(field: string, values: readonly number[]): number[] {
  for (const [index, value] of values.entries()) finite(`${field}[${String(index)}]`, value);
  return values.toSorted((a, b) => a - b);
}
