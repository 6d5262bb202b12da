import { mean as meanOf } from 'simple-statistics';
import {
  count,
  type Estimable,
  estimated,
  finite,
  nonNegative,
  notEstimable,
  refuse,
} from './estimable.js';

/**
 * What is stored of a sample: count, mean and sum of squared deviations from the mean. Never the sum of
 * squares: at a mean of 1e12 the variance from it came out as -1.8e10.
 */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  readonly m2: number;
}

/** Moments of pairs per unit: y (numerator, outcome) and d (denominator, covariate) with their co-moment. */
export interface PairedMoments {
  readonly n: number;
  readonly meanY: number;
  readonly m2Y: number;
  readonly meanD: number;
  readonly m2D: number;
  /** Sum over units of (y - mean y)(d - mean d). */
  readonly coMoment: number;
}

/** A sample as tests take it: count, mean and sample variance (divisor n - 1). */
export interface SampleSummary {
  readonly n: number;
  readonly mean: number;
  readonly variance: number;
}

/** Rounding may push a co-moment this far (relative) past its Cauchy-Schwarz bound. */
const CAUCHY_SCHWARZ_SLACK = 1e-9;
const ROUNDING = 16 * Number.EPSILON;
/** Squares of deviations below 1e-154 underflow: a sum of squares of 0 may stand for this much. */
const UNDERFLOWN = 1e-300;

export const NO_MOMENTS: Moments = { n: 0, mean: 0, m2: 0 };

export const NO_PAIRED_MOMENTS: PairedMoments = {
  n: 0,
  meanY: 0,
  m2Y: 0,
  meanD: 0,
  m2D: 0,
  coMoment: 0,
};

/**
 * Moments of raw values (may be empty; refuses non-finite ones). Two-pass with the correction of Chan, Golub
 * & LeVeque (1983): what the rounding of the mean adds to m2 is taken out.
 */
export function momentsOf(values: readonly number[]): Moments {
  for (const [index, value] of values.entries()) finite(`values[${String(index)}]`, value);
  if (values.length === 0) return NO_MOMENTS;
  const centre = meanOf([...values]);
  let drift = 0;
  let squares = 0;
  for (const value of values) {
    const deviation = value - centre;
    drift += deviation;
    squares += deviation * deviation;
  }
  return {
    n: values.length,
    mean: centre,
    m2: atLeastZero(squares - (drift * drift) / values.length),
  };
}

/** The squared drift can exceed the squares only by rounding, when all values are equal but their mean rounds. */
function atLeastZero(m2: number): number {
  return m2 > 0 ? m2 : 0;
}

/** Moments of pairs from raw rows [y, d], by the same corrected two-pass formula. */
export function pairedMomentsOf(rows: readonly (readonly [number, number])[]): PairedMoments {
  const y = momentsOf(rows.map((row) => row[0]));
  const d = momentsOf(rows.map((row) => row[1]));
  if (rows.length === 0) return NO_PAIRED_MOMENTS;
  let driftY = 0;
  let driftD = 0;
  let products = 0;
  for (const [rowY, rowD] of rows) {
    driftY += rowY - y.mean;
    driftD += rowD - d.mean;
    products += (rowY - y.mean) * (rowD - d.mean);
  }
  return {
    n: rows.length,
    meanY: y.mean,
    m2Y: y.m2,
    meanD: d.mean,
    m2D: d.m2,
    coMoment: products - (driftY * driftD) / rows.length,
  };
}

/** Moments of the union of two disjoint samples: Chan, Golub & LeVeque (1979). */
export function mergeMoments(a: Moments, b: Moments): Moments {
  checkMoments('a', a);
  checkMoments('b', b);
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const delta = b.mean - a.mean;
  return {
    n,
    mean: mergedMean(a.n, a.mean, b.n, b.mean),
    m2: a.m2 + b.m2 + delta * delta * ((a.n / n) * b.n),
  };
}

/** The same for pairs; the co-moment merges with the product of the two mean differences. */
export function mergePairedMoments(a: PairedMoments, b: PairedMoments): PairedMoments {
  checkPairedMoments('a', a);
  checkPairedMoments('b', b);
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const deltaY = b.meanY - a.meanY;
  const deltaD = b.meanD - a.meanD;
  const weight = (a.n / n) * b.n;
  return {
    n,
    meanY: mergedMean(a.n, a.meanY, b.n, b.meanY),
    m2Y: a.m2Y + b.m2Y + deltaY * deltaY * weight,
    meanD: mergedMean(a.n, a.meanD, b.n, b.meanD),
    m2D: a.m2D + b.m2D + deltaD * deltaD * weight,
    coMoment: a.coMoment + b.coMoment + deltaY * deltaD * weight,
  };
}

/** From the larger side, so that the correction is small and swapping the arguments changes nothing. */
function mergedMean(nA: number, meanA: number, nB: number, meanB: number): number {
  if (nA === nB) return meanA / 2 + meanB / 2;
  const share = Math.min(nA, nB) / (nA + nB);
  return nA > nB ? meanA + (meanB - meanA) * share : meanB + (meanA - meanB) * share;
}

/** Sample variance m2/(n - 1); undefined below two values. */
export function variance(moments: Moments): Estimable<number> {
  checkMoments('moments', moments);
  if (moments.n < 2) return notEstimable('insufficient_sample');
  return estimated(moments.m2 / (moments.n - 1));
}

/** Sample covariance of the pairs; undefined below two. */
export function covariance(moments: PairedMoments): Estimable<number> {
  checkPairedMoments('moments', moments);
  if (moments.n < 2) return notEstimable('insufficient_sample');
  return estimated(moments.coMoment / (moments.n - 1));
}

/** Moments as count, mean and variance; undefined below two values. */
export function summaryOf(moments: Moments): Estimable<SampleSummary> {
  const spread = variance(moments);
  if (spread.kind === 'undefined') return spread;
  return estimated({ n: moments.n, mean: moments.mean, variance: spread.value });
}

/** Moments of a sample of zeros and ones, from its counts. */
export function bernoulliMoments(successes: number, trials: number): Moments {
  count('successes', successes);
  count('trials', trials);
  if (successes > trials) refuse('successes', successes, 'at most the number of trials');
  if (trials === 0) return NO_MOMENTS;
  return {
    n: trials,
    mean: successes / trials,
    m2: (successes * (trials - successes)) / trials,
  };
}

function checkMoments(field: string, { n, mean, m2 }: Moments): void {
  count(`${field}.n`, n);
  finite(`${field}.mean`, mean);
  nonNegative(`${field}.m2`, m2);
}

/** Refuses paired moments that no sample can have (NaN, negative sums, co-moment beyond Cauchy-Schwarz). */
export function checkPairedMoments(field: string, moments: PairedMoments): void {
  count(`${field}.n`, moments.n);
  finite(`${field}.meanY`, moments.meanY);
  finite(`${field}.meanD`, moments.meanD);
  nonNegative(`${field}.m2Y`, moments.m2Y);
  nonNegative(`${field}.m2D`, moments.m2D);
  finite(`${field}.coMoment`, moments.coMoment);
  const bound = Math.sqrt(moments.m2Y + UNDERFLOWN) * Math.sqrt(moments.m2D + UNDERFLOWN);
  if (Math.abs(moments.coMoment) > bound * (1 + CAUCHY_SCHWARZ_SLACK) + roundingOf(moments)) {
    refuse(`${field}.coMoment`, moments.coMoment, 'at most sqrt(m2Y m2D) in absolute value');
  }
}

/**
 * What rounding alone may add: merged means are off by an epsilon of themselves, which meets the spread of the
 * other column. Without it a constant column would make a sound stored aggregate look impossible.
 */
function roundingOf({ n, meanY, m2Y, meanD, m2D }: PairedMoments): number {
  const errorY = ROUNDING * Math.abs(meanY) * Math.sqrt(n);
  const errorD = ROUNDING * Math.abs(meanD) * Math.sqrt(n);
  return errorY * Math.sqrt(m2D) + errorD * Math.sqrt(m2Y) + errorY * errorD;
}

/** Refuses a summary with a negative variance, a fractional count or a value that is not finite. */
export function checkSummary(field: string, summary: SampleSummary): void {
  count(`${field}.n`, summary.n);
  finite(`${field}.mean`, summary.mean);
  nonNegative(`${field}.variance`, summary.variance);
}
