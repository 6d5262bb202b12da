import type { MetricDefinition } from './metric.js';

/**
 * Pairs: requests that a shadow experiment mirrored, with what both versions answered. Differences are the shadow's
 * value less the primary's. A unit (with all its pairs) is one observation.
 */

/** Sufficient statistics of one metric over the units: all that an analysis sees of its pairs. */
export interface PairCell {
  readonly metric: string;
  /** Units with at least one pair that has a value on both sides. */
  readonly n: number;
  /** Pairs with a value on one side only: in no sum. */
  readonly lopsided: number;
  /** Units whose sum of differences is not 0. */
  readonly differing: number;
  /** Units with a sum above 0. */
  readonly events: { readonly primary: number; readonly shadow: number };
  /** Of each unit the pair that was known first, by which sides were above 0: independent, one per unit. */
  readonly first: FirstPairs;
  /** Mean over units of their sum of absolute differences. */
  readonly meanA: number;
  /** Over units: sum of differences d, sum of the primary's values p, number of pairs m. */
  readonly meanD: number;
  readonly meanP: number;
  readonly meanM: number;
  /** Sums of squared deviations, and of products of deviations, over units. */
  readonly m2D: number;
  readonly m2P: number;
  readonly m2M: number;
  readonly coDP: number;
  readonly coDM: number;
  readonly coPM: number;
}

export interface FirstPairs {
  readonly both: number;
  readonly primaryOnly: number;
  readonly shadowOnly: number;
  readonly neither: number;
}

/** What became of the requests that were to be mirrored. */
export interface MirrorCounts {
  /** Copies that were sent. */
  readonly sent: number;
  /** Of those: both versions answered, or only one of them, or none. */
  readonly answered: number;
  readonly shadowFailed: number;
  readonly primaryFailed: number;
  readonly bothFailed: number;
  /** Requests without a copy, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** One captured output of the units' first answered pairs: `counts` are [primary, shadow, units]. */
export interface OutputTable {
  readonly output: string;
  /** At most {@link MAX_CATEGORIES} and `other`, numbers in ascending order first. */
  readonly categories: readonly Category[];
  /** Indexes into `categories`, and units; without the empty cells. */
  readonly counts: readonly (readonly [number, number, number])[];
  /** Units whose two answers fall into the same category, also among those in `other`. */
  readonly agreeing: number;
}

/** A number is one of a bin [from, to); texts and booleans are themselves, cut off at 64 characters. */
export type Category =
  | { readonly kind: 'bin'; readonly from: number; readonly to: number }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'other' };

/** Milliseconds of the pairs that both answered, in bins of {@link latencyBin}: [bin, pairs]. */
export interface LatencyHistograms {
  readonly primary: readonly (readonly [number, number])[];
  readonly shadow: readonly (readonly [number, number])[];
  readonly difference: readonly (readonly [number, number])[];
}

/** Everything that is kept of the pairs of an experiment. */
export interface PairedCells {
  readonly counts: MirrorCounts;
  /** Units with a pair that both versions answered. */
  readonly units: number;
  readonly cells: readonly PairCell[];
  readonly outputs: readonly OutputTable[];
  readonly latency: LatencyHistograms;
}

/** Categories of an output that are kept apart. */
export const MAX_CATEGORIES = 50;

/** Outputs that have a table, those of most units first. */
export const MAX_OUTPUTS = 8;

/** Bins per unit inside [-1, 1], and per doubling beyond. */
const BINS_INSIDE = 20;
const BINS_PER_DOUBLING = 8;

/** The ends of the bin with a code of paired-sql.ts: 0-19 are twentieths of [0, 1], 20 and up eighths of a doubling. */
export function binOf(code: number): { readonly from: number; readonly to: number } {
  if (code < 0) {
    const { from, to } = binOf(-1 - code);
    return { from: 0 - to, to: 0 - from };
  }
  if (code < BINS_INSIDE) return { from: code / BINS_INSIDE, to: (code + 1) / BINS_INSIDE };
  const octave = code - BINS_INSIDE;
  return { from: 2 ** (octave / BINS_PER_DOUBLING), to: 2 ** ((octave + 1) / BINS_PER_DOUBLING) };
}

/** Bins per doubling of a latency: a quantile read from them is at most 2.2 % off. */
export const LATENCY_BINS_PER_DOUBLING = 16;

/** Milliseconds in the middle of a latency bin: 0 is below a sixteenth of one, negative bins are negative times. */
export function latencyOfBin(bin: number): number {
  if (bin === 0) return 0;
  const size = 2 ** ((Math.abs(bin) - 0.5) / LATENCY_BINS_PER_DOUBLING) / 16;
  return bin < 0 ? -size : size;
}

/** Why a metric cannot be compared request by request; null when it can. */
export function whyNotPaired(metric: MetricDefinition): string | null {
  const { kind, numerator, denominator } = metric;
  const { source, aggregation } = numerator;
  if (source.kind === 'outcome') {
    return 'outcomes follow the answer that the caller got, never the shadow answer';
  }
  if (source.kind === 'prediction' && source.measure === 'fallback') {
    return 'a shadow has no fallback';
  }
  if (kind === 'quantile') return 'quantiles are shown, not compared';
  if (denominator !== null || aggregation !== 'mean') {
    return 'pairs are single requests: use aggregation "mean"';
  }
  return null;
}
