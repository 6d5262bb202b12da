import type { DesignMetric } from '../experiments/experiment.js';
import type { Interval } from '../statistics/assessment.js';
import { asymptoticSequenceInformationTime } from '../statistics/confidence-sequence.js';
import { type Contrast, contrastOf, DIFFERENCE } from './contrast.js';
import { successAlpha, type TestSetting } from './hypothesis.js';
import type { Comparison } from './strata.js';
import { plannedStandardError } from './tests.js';

/** One minus the level that a metric's interval is shown at. */
export function intervalAlpha(setting: TestSetting, role: DesignMetric['role']): number {
  return role === 'success' ? successAlpha(setting) : setting.design.analysis.alpha;
}

/** A difference, and the interval and p-value around it that hold at every look. */
export interface Look {
  readonly contrast: Contrast;
  readonly interval: Interval;
  readonly pValue: number;
}

/** The two-sided sequence around the difference, with the variance as observed; null where it has none. */
export function intervalOf(
  comparison: Comparison,
  setting: TestSetting,
  alpha: number,
): Look | null {
  const contrast = contrastOf(comparison, DIFFERENCE, { kind: 'as_observed' });
  if (contrast === null || !(contrast.standardError > 0)) return null;
  const { estimate, standardError } = contrast;
  const look = asymptoticSequenceInformationTime({
    estimate,
    standardError,
    plannedStandardError: plannedStandardError(contrast, setting.design.analysis.plannedUnits),
    alpha,
    alternative: 'two-sided',
  });
  if (look.kind === 'undefined') return null;
  const { lower, upper, pValue } = look.value;
  return { contrast, interval: { lower, upper }, pValue };
}
