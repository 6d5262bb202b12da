import { invariant } from '../kernel/assert.js';
import { type SequentialLook, spendingBoundaries } from '../statistics/group-sequential.js';

const SPENDING = { kind: 'obrien_fleming' } as const;

/** Less than this is not worth a look: it is carried to the next one. */
const SMALLEST_SPEND = 1e-12;

/** Boundaries computed lately: the same design, looked at in the same steps, has the same ones. */
const REMEMBERED = 512;
const remembered = new Map<string, SequentialLook>();

export interface Boundary {
  /** Error spent up to and with this look. */
  readonly spent: number;
  /** |Z| at which the boundary is crossed; null while the spend is carried to the next look. */
  readonly criticalValue: number | null;
}

/**
 * Two-sided boundary of the last of several looks, Lan-DeMets with O'Brien-Fleming-like spending. Spending ends at
 * information 1, so that a last look that comes late spends what is left and no more.
 *
 * @param information of every look so far, increasing and above 0; the last may exceed 1
 * @param alpha level of the whole test, in (0, 1)
 */
export function boundaryOf(information: readonly number[], alpha: number): Boundary {
  const spending: number[] = [];
  let spent = 0;
  let isCarried = true;
  for (const look of information) {
    const t = Math.min(1, look);
    const cumulative = lastOf([t], alpha).alphaSpent;
    isCarried = cumulative - spent < SMALLEST_SPEND;
    if (isCarried) continue;
    spending.push(t);
    spent = cumulative;
  }
  return { spent, criticalValue: isCarried ? null : lastOf(spending, alpha).criticalValue };
}

/** The last of several looks. */
function lastOf(informationFractions: readonly number[], alpha: number): SequentialLook {
  const key = `${String(alpha)} ${informationFractions.join(' ')}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const looks = spendingBoundaries({ spending: SPENDING, informationFractions, alpha, sides: 2 });
  const last = looks.at(-1);
  invariant(last !== undefined, 'there is a look');
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(key, last);
  return last;
}
