import { type Estimable, estimated, notEstimable } from './estimable.js';
import { type Alternative, NORMAL, pValueOf } from './inference.js';
import { type CountTails, mannWhitneyTails, midRanks, signedRankTails } from './ranks.js';

export interface RankTest {
  /** Standardised statistic, tie-corrected, without continuity correction. */
  readonly z: number;
  readonly pAsymptotic: number;
  /** The statistic is moved by 1/2 towards its mean. */
  readonly pCorrected: number;
  /** Null when values tie, or the samples are too large for the exact distribution. */
  readonly pExact: number | null;
}

export interface MannWhitney extends RankTest {
  /** Pairs in which the treatment's value is larger, equal ones counted half. */
  readonly u: number;
  /** u/(n_c n_t): the probability that a treatment value exceeds a control value. */
  readonly effectSize: number;
}

/**
 * Mann & Whitney (1947) with the normal approximation and tie correction of Lehmann (1975):
 * var U = n m (N^3 - N - sum(t^3 - t))/(12 N (N - 1)). `greater` = treatment tends to be larger. Undefined when an
 * arm has no values or all values are equal.
 */
export function mannWhitney(input: {
  readonly control: readonly number[];
  readonly treatment: readonly number[];
  readonly alternative: Alternative;
}): Estimable<MannWhitney> {
  const { control, treatment, alternative } = input;
  const n = control.length;
  const m = treatment.length;
  const { ranks, tieSum } = midRanks('values', [...control, ...treatment]);
  if (n === 0 || m === 0) return notEstimable('insufficient_sample');
  const total = BigInt(n + m);
  const untied = Number(total ** 3n - total - tieSum);
  if (untied === 0) return notEstimable('zero_variance');
  const rankSum = ranks.slice(n).reduce((sum, rank) => sum + rank, 0);
  const u = rankSum - (m * (m + 1)) / 2;
  const variance = (n * m * (untied / (n + m))) / (12 * (n + m - 1));
  return estimated({
    u,
    effectSize: u / (n * m),
    ...normalTest({ distance: u - (n * m) / 2, variance, alternative }),
    pExact: tieSum === 0n ? exactP(mannWhitneyTails(u, n, m), alternative) : null,
  });
}

export interface SignedRank extends RankTest {
  /** Sum of the ranks of positive differences. */
  readonly wPlus: number;
  /** Differences other than 0. */
  readonly nUsed: number;
}

/**
 * Wilcoxon's (1945) signed-rank test of differences (treatment - control) around 0: zeros are dropped, ties get
 * mid-ranks, var W+ = n (n + 1)(2 n + 1)/24 - sum(t^3 - t)/48. Undefined without a difference other than 0.
 */
export function wilcoxonSignedRank(input: {
  readonly differences: readonly number[];
  readonly alternative: Alternative;
}): Estimable<SignedRank> {
  const { alternative } = input;
  const used = input.differences.filter((difference) => difference !== 0);
  const { ranks, tieSum } = midRanks('differences', used.map(Math.abs));
  const n = used.length;
  if (n === 0) return notEstimable('insufficient_sample');
  const wPlus = ranks.reduce((sum, rank, index) => sum + ((used[index] ?? 0) > 0 ? rank : 0), 0);
  const distance = wPlus - (n * (n + 1)) / 4;
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - Number(tieSum) / 48;
  return estimated({
    wPlus,
    nUsed: n,
    ...normalTest({ distance, variance, alternative }),
    pExact: tieSum === 0n ? exactP(signedRankTails(wPlus, n), alternative) : null,
  });
}

function normalTest(input: {
  readonly distance: number;
  readonly variance: number;
  readonly alternative: Alternative;
}): Omit<RankTest, 'pExact'> {
  const { distance, alternative } = input;
  const sd = Math.sqrt(input.variance);
  const z = distance / sd;
  return {
    z,
    pAsymptotic: pValueOf(z, alternative).pValue,
    pCorrected: correctedP(distance, sd, alternative),
  };
}

function correctedP(distance: number, sd: number, alternative: Alternative): number {
  if (alternative === 'two-sided') {
    return 2 * NORMAL.upperTail(Math.max(0, Math.abs(distance) - 0.5) / sd);
  }
  const towards = alternative === 'greater' ? distance : -distance;
  return NORMAL.upperTail((towards - 0.5) / sd);
}

function exactP(tails: CountTails | null, alternative: Alternative): number | null {
  if (tails === null) return null;
  if (alternative === 'greater') return tails.atLeast;
  if (alternative === 'less') return tails.atMost;
  // At the mean both tails contain it, so that twice the smaller exceeds 1 by definition.
  return Math.min(1, 2 * Math.min(tails.atMost, tails.atLeast));
}
