import type { Interval } from '../statistics/assessment.js';

/** The interval that all looks so far have in common; null when there is none. */
export function intersect(
  before: Interval | null | undefined,
  now: Interval | undefined,
): Interval | null {
  if (before === null || before === undefined) return now ?? null;
  if (now === undefined) return before;
  const lower = Math.max(before.lower, now.lower);
  const upper = Math.min(before.upper, now.upper);
  return lower <= upper ? { lower, upper } : null;
}

/** The smallest p-value of all looks so far. */
export function smallest(
  before: number | null | undefined,
  now: number | undefined,
): number | null {
  if (before === null || before === undefined) return now ?? null;
  return now === undefined ? before : Math.min(before, now);
}
