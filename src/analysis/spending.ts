import { alphaSpent } from '../statistics/alpha-spending.js';
import { nextLook, type SolvedLook } from '../statistics/group-sequential.js';

const SPENDING = { kind: 'obrien_fleming' } as const;

/** Less than this is not worth a look: it is carried to the next one. */
const SMALLEST_SPEND = 1e-12;

/** Looks computed lately, by alpha and the times up to them: the next one continues from there. */
const REMEMBERED = 512;
const remembered = new Map<string, SolvedLook>();

export interface Boundary {
  /** Error spent up to and with this look. */
  readonly spent: number;
  /** |Z| at which the boundary is crossed; null while the spend is carried to the next look. */
  readonly criticalValue: number | null;
}

/**
 * Two-sided boundary of the last of several looks, Lan-DeMets with O'Brien-Fleming-like spending. Spending ends at
 * information 1, so that a last look that comes late spends what is left and no more. The same looks have the same
 * boundary to the last digit, whatever is remembered.
 *
 * @param information of every look so far, increasing and above 0; the last may exceed 1
 * @param alpha level of the whole test, in (0, 1)
 */
export function boundaryOf(information: readonly number[], alpha: number): Boundary {
  let key = String(alpha);
  let last: SolvedLook | null = null;
  let isCarried = true;
  for (const look of information) {
    const time = Math.min(1, look);
    const cumulative = alphaSpent(SPENDING, { alpha, sides: 2, time });
    isCarried = cumulative - (last?.alphaSpent ?? 0) < SMALLEST_SPEND;
    if (isCarried) continue;
    key += ` ${String(time)}`;
    last = lookAfter(last, { key, alpha, time });
  }
  return {
    spent: last?.alphaSpent ?? 0,
    criticalValue: isCarried ? null : (last?.criticalValue ?? null),
  };
}

function lookAfter(
  before: SolvedLook | null,
  { key, alpha, time }: { readonly key: string; readonly alpha: number; readonly time: number },
): SolvedLook {
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const look = nextLook(before, {
    spending: SPENDING,
    alpha,
    time,
    smallestSpend: SMALLEST_SPEND,
  });
  // nothing continues from the end, and a last step of almost nothing needs a large grid
  if (time === 1) return look;
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(key, look);
  return look;
}
