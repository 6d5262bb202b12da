import { invariant } from '../kernel/assert.js';
import type { GroupSequentialLook, TestResult } from '../statistics/assessment.js';
import { pValueOf } from '../statistics/inference.js';
import { normalUpperTail } from '../statistics/numerics.js';
import type { Contrast } from './contrast.js';
import { difference, signOf, successAlpha, testable, type TestSetting } from './hypothesis.js';
import { insufficient } from './minimum-evidence.js';
import { boundaryOf } from './spending.js';
import type { Comparison } from './strata.js';

/** Information between two looks, of the planned; so there are at most 100. */
export const MIN_STEP = 0.01;

/** Information of .03 is not below three steps of .01 because of rounding. */
const ROUNDING = 1e-9;

export interface GroupSequential {
  readonly test: TestResult;
  readonly looks: readonly GroupSequentialLook[];
}

/**
 * Is the variant better? Two-sided Lan-DeMets test with O'Brien-Fleming-like spending, of which one side counts. A
 * boundary once crossed stays crossed: the error rate counts a crossing at any look. Between two looks and after
 * the last one (at the planned units, or late) nothing new is tested.
 *
 * @param before the looks so far, oldest first
 */
export function groupSequential(
  comparison: Comparison,
  setting: TestSetting,
  before: readonly GroupSequentialLook[],
): GroupSequential {
  const ready = testable(comparison, setting, difference(comparison, 'better'));
  if (ready.kind === 'insufficient') {
    return {
      test: before.length === 0 ? ready : testOf(before, signOf(comparison)),
      looks: before,
    };
  }
  const { plannedUnits } = setting.design.analysis;
  const information = ready.contrast.effectiveUnits / (plannedUnits / 4);
  const looks = isDue(information, before)
    ? [...before, lookAt(information, ready.contrast, before, successAlpha(setting))]
    : before;
  if (looks.length > 0) return { test: testOf(looks, signOf(comparison)), looks };
  const have = ready.contrast.effectiveUnits;
  return {
    test: insufficient('too_little_information', have, (plannedUnits / 4) * MIN_STEP),
    looks,
  };
}

function isDue(information: number, before: readonly GroupSequentialLook[]): boolean {
  const last = before.at(-1)?.information ?? 0;
  if (last >= 1) return false;
  return information >= 1 || information - last >= MIN_STEP - ROUNDING;
}

function lookAt(
  information: number,
  { estimate, standardError }: Contrast,
  before: readonly GroupSequentialLook[],
  alpha: number,
): GroupSequentialLook {
  const all = [...before.map((look) => look.information), information];
  const { spent, criticalValue } = boundaryOf(all, alpha);
  const statistic = estimate / standardError;
  return { information, spent, criticalValue, estimate, standardError, statistic };
}

/** What the looks say: the first crossing in the good direction, or else the last look. */
function testOf(looks: readonly GroupSequentialLook[], sign: 1 | -1): TestResult {
  const crossing = looks.find(
    ({ statistic, criticalValue }) => criticalValue !== null && sign * statistic >= criticalValue,
  );
  const look = crossing ?? looks.at(-1);
  invariant(look !== undefined, 'there is a look');
  const { criticalValue, estimate, standardError, statistic } = look;
  return {
    kind: 'tested',
    passed: crossing !== undefined,
    pValue: pValueOf(statistic, 'two-sided').pValue,
    alpha: criticalValue === null ? 0 : 2 * normalUpperTail(criticalValue),
    bound: criticalValue === null ? null : estimate - sign * criticalValue * standardError,
    threshold: 0,
    engine: 'group_sequential',
  };
}
