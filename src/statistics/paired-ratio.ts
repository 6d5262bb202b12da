import {
  count,
  type Estimable,
  estimated,
  finite,
  nonNegative,
  notEstimable,
} from './estimable.js';

/**
 * Units that each contribute pairs of measurements: d the sum of their differences (treatment - control), p the sum of
 * the control's values, m the number of pairs; means over units and centred sums of squares and products.
 */
export interface PairMoments {
  readonly n: number;
  readonly meanD: number;
  readonly meanP: number;
  readonly meanM: number;
  readonly m2D: number;
  readonly m2P: number;
  readonly m2M: number;
  readonly coDP: number;
  readonly coDM: number;
  readonly coPM: number;
}

export interface PairedContrast {
  /** Per pair. */
  readonly estimate: number;
  /** Sampling variance of the estimate with the unit as cluster. */
  readonly variance: number;
  /** The same if the contrast were 0: sum of squared totals of the units over (sum of m)^2. */
  readonly nullVariance: number;
}

/**
 * The contrast treatment - factor x control + shift per pair, as a ratio of totals of units with the delta method's
 * variance (Deng, Knoblich & Lu 2018), R = sum c / sum m with c = d + (1 - factor) p + shift m. For 0/1 measurements and
 * one pair a unit `nullVariance` is McNemar's (b + c)/n^2. Undefined below two units and without a pair.
 */
export function pairedContrast(
  moments: PairMoments,
  { factor, shift }: { readonly factor: number; readonly shift: number },
): Estimable<PairedContrast> {
  checkMoments(moments);
  const { n, meanD, meanP, meanM, m2D, m2P, m2M, coDP, coDM, coPM } = moments;
  if (n < 2) return notEstimable('insufficient_sample');
  if (meanM === 0) return notEstimable('zero_denominator');
  const g = 1 - finite('factor', factor);
  const spread = (h: number): number =>
    m2D + g * g * m2P + h * h * m2M + 2 * (g * coDP + h * coDM + g * h * coPM);
  const perPair = (meanD + g * meanP) / meanM;
  const meanC = meanD + g * meanP + finite('shift', shift) * meanM;
  // sums of squares; only rounding of proportional columns can take them below 0
  const residual = Math.max(0, spread(-perPair));
  const squares = Math.max(0, spread(shift)) + n * meanC * meanC;
  return estimated({
    estimate: perPair + shift,
    variance: residual / (n - 1) / n / meanM ** 2,
    nullVariance: squares / n ** 2 / meanM ** 2,
  });
}

/** How many times more a unit's pairs vary together than as many units with one pair, if all its pairs were alike. */
export function clusterFactor({ n, meanM, m2M }: PairMoments): number {
  return meanM === 0 ? 1 : 1 + m2M / n / meanM ** 2;
}

function checkMoments(moments: PairMoments): void {
  count('moments.n', moments.n);
  for (const field of ['meanD', 'meanP', 'coDP', 'coDM', 'coPM'] as const) {
    finite(`moments.${field}`, moments[field]);
  }
  for (const field of ['meanM', 'm2D', 'm2P', 'm2M'] as const) {
    nonNegative(`moments.${field}`, moments[field]);
  }
}

/** Pairs of events in which only one side has the event, among all. Real numbers: they may be averages. */
export interface Discordance {
  readonly pairs: number;
  readonly controlOnly: number;
  readonly treatmentOnly: number;
}

/**
 * Variance of one pair's difference of 0/1 measurements under E[treatment - control] = `difference`, in (-1, 1): with
 * the maximum-likelihood share q of control-only pairs among tables with that difference, 2q + |d|(1 - |d|) for d >= 0
 * (Tango 1998, Statistics in Medicine 17:891-908, equations 9 and 10). Positive also when no pair is discordant.
 */
export function restrictedPairVariance(observed: Discordance, difference: number): number {
  const { pairs: n } = observed;
  nonNegative('pairs', n);
  const size = Math.abs(finite('difference', difference));
  // for a negative difference the sides change places
  const b = difference >= 0 ? observed.controlOnly : observed.treatmentOnly;
  const c = difference >= 0 ? observed.treatmentOnly : observed.controlOnly;
  const linear = (2 * n + b - c) * size - (b + c);
  const root = Math.sqrt(linear * linear + 8 * n * b * size * (1 - size));
  // the root of 2n q^2 + linear q - b size (1 - size) without a difference of like numbers
  const q = linear > 0 ? (2 * b * size * (1 - size)) / (linear + root) : (root - linear) / (4 * n);
  return 2 * q + size * (1 - size);
}
