import { finite } from './estimable.js';

export interface Ranks {
  /** Rank of each value in the order given, from 1; equal values share the mean of theirs. */
  readonly ranks: readonly number[];
  /** sum of t^3 - t over groups of t equal values, exact; 0 when all differ. */
  readonly tieSum: bigint;
}

/** Mid-ranks of finite values. */
export function midRanks(field: string, values: readonly number[]): Ranks {
  for (const [index, value] of values.entries()) finite(`${field}[${String(index)}]`, value);
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const ranks = new Array<number>(values.length).fill(0);
  let tieSum = 0n;
  let start = 0;
  while (start < order.length) {
    let end = start;
    while (order[end]?.value === order[start]?.value && end < order.length) end += 1;
    // Ranks start + 1 to end.
    for (const { index } of order.slice(start, end)) ranks[index] = (start + 1 + end) / 2;
    const tied = BigInt(end - start);
    tieSum += tied ** 3n - tied;
    start = end;
  }
  return { ranks, tieSum };
}

/** Cells of the exact distributions that are computed (1 s); larger samples have the normal p-value alone. */
const MAX_CELLS = 500_000_000;

/** P(X <= k) and P(X >= k) of a count under the null. */
export interface CountTails {
  readonly atMost: number;
  readonly atLeast: number;
}

/** Both tails at k of a distribution on 0..largest that is symmetric, from P(X <= x) for x below the middle. */
function symmetricTails(k: number, largest: number, lower: (x: number) => number): CountTails {
  const cdf = (x: number): number => {
    if (x < 0) return 0;
    return 2 * x < largest ? lower(x) : 1 - (x >= largest ? 0 : lower(largest - x - 1));
  };
  return { atMost: cdf(k), atLeast: cdf(largest - k) };
}

/**
 * Tails of Mann and Whitney's U for samples of n and m values without ties (Mann & Whitney 1947, by their
 * recursion) as probabilities, so that nothing overflows or cancels. Null when too large for that.
 */
export function mannWhitneyTails(u: number, n: number, m: number): CountTails | null {
  if (n * m * (Math.min(u, n * m - u) + 1) > MAX_CELLS) return null;
  return symmetricTails(u, n * m, (k) => mannWhitneyCdf(k, Math.min(n, m), Math.max(n, m)));
}

/** P(U <= k): the largest value of all belongs to the i with probability i/(i + j) and then wins j times. */
function mannWhitneyCdf(k: number, n: number, m: number): number {
  // rows[i][x] = P(U <= x) for samples of i and j values.
  const rows = Array.from({ length: n + 1 }, () => new Float64Array(k + 1).fill(1));
  for (let j = 1; j <= m; j += 1) {
    for (let i = 1; i <= n; i += 1) {
      const own = rows[i] ?? new Float64Array(0);
      const fewer = rows[i - 1] ?? new Float64Array(0);
      const share = i / (i + j);
      for (let x = 0; x <= k; x += 1) {
        const won = x >= j ? (fewer[x - j] ?? 0) : 0;
        own[x] = share * won + (1 - share) * (own[x] ?? 0);
      }
    }
  }
  return rows[n]?.[k] ?? Number.NaN;
}

/**
 * Tails of Wilcoxon's (1945) signed-rank sum W+ of n differences without ties: every rank counts or not with
 * probability 1/2. Null when too large for that.
 */
export function signedRankTails(w: number, n: number): CountTails | null {
  const largest = (n * (n + 1)) / 2;
  if (n * (Math.min(w, largest - w) + 1) > MAX_CELLS) return null;
  return symmetricTails(w, largest, (k) => signedRankCdf(k, n));
}

function signedRankCdf(k: number, n: number): number {
  const cdf = new Float64Array(k + 1).fill(1);
  for (let rank = 1; rank <= n; rank += 1) {
    for (let x = k; x >= 0; x -= 1) {
      cdf[x] = ((cdf[x] ?? 0) + (x >= rank ? (cdf[x - rank] ?? 0) : 0)) / 2;
    }
  }
  return cdf[k] ?? Number.NaN;
}
