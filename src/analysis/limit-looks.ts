import type { OperationalLimits } from '../experiments/experiment.js';

/** The counts of one arm against one limit at one look, all phases together; sums over its units. */
export interface LimitCounts {
  /** Units with a failure. */
  readonly failures: number;
  readonly requests: number;
  readonly failedRequests: number;
  /** Squares of failed requests. */
  readonly squaredFailed: number;
  readonly units: number;
  /** Squared deviations of requests from their mean. */
  readonly m2Requests: number;
  /** Units that were taken out again because they had met two variants. */
  readonly crossovers: number;
}

/** What later looks need to know of earlier ones: the counts at some of them, oldest first. */
export interface LimitLooks {
  readonly variant: string;
  readonly kind: keyof OperationalLimits;
  /** Looks at which something had changed, those that were let go included. */
  readonly seen: number;
  readonly kept: readonly (LimitCounts & { readonly look: number })[];
}

/** Looks are kept in levels: of level k the two latest that are multiples of 4^k. */
const LEVEL_FACTOR = 4;

/** The looks with this one: at most two per level, so that their number grows as the logarithm of the looks. */
export function withLook(
  before: Pick<LimitLooks, 'seen' | 'kept'>,
  counts: LimitCounts,
): Pick<LimitLooks, 'seen' | 'kept'> {
  const last = before.kept.at(-1);
  const isNews = last === undefined ? counts.requests > 0 : last.requests !== counts.requests;
  if (!isNews) return { seen: before.seen, kept: before.kept };
  const look = before.seen + 1;
  const kept = [...before.kept, { look, ...counts }].filter((one) => isKept(one.look, look));
  return { seen: look, kept };
}

function isKept(look: number, latest: number): boolean {
  for (let step = 1; step <= latest; step *= LEVEL_FACTOR) {
    if (look % step === 0 && latest - look < 2 * step) return true;
  }
  return false;
}

/** What of the level of all restarts a look has: 1/2, 1/6, 1/12, ... The sum over all looks is 1. */
export function logWeightOf(look: number): number {
  return 0 - Math.log(look) - Math.log(look + 1);
}

/**
 * What came after a look: at most as many units that failed at least once as there were, and at least as many requests
 * without a failure, so that an e-value of the two is at most that of the truth.
 *
 * By Cauchy and Schwarz, units that failed F times in all, with squares Q, are at least F^2/Q; the squares that a sum
 * of cells gained are at least those. Units that were taken out since took at most their share and
 * sqrt(c (n - c)/n M2) requests more with them: no c of n values with squared deviations M2 have a larger sum.
 */
export function countsSince(
  before: LimitCounts,
  now: LimitCounts,
): { readonly failures: number; readonly successes: number } {
  const out = now.crossovers - before.crossovers;
  const newlyFailed = Math.max(0, now.failures - before.failures);
  const served = now.requests - now.failedRequests - (before.requests - before.failedRequests);
  if (out !== 0) {
    return { failures: newlyFailed, successes: roundUp(served + largestSum(before, out)) };
  }
  const failed = now.failedRequests - before.failedRequests;
  const squares = now.squaredFailed - before.squaredFailed;
  const again = failed > 0 && squares > 0 ? Math.floor((failed * failed) / squares) : 0;
  return { failures: Math.max(newlyFailed, again), successes: roundUp(served) };
}

function largestSum({ units, requests, m2Requests }: LimitCounts, out: number): number {
  if (out < 0 || out >= units) return requests;
  return (out * requests) / units + Math.sqrt(((out * (units - out)) / units) * m2Requests);
}

function roundUp(requests: number): number {
  return Math.max(0, Math.ceil(requests - 1e-6));
}
