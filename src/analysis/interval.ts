import type { DesignMetric } from '../experiments/experiment.js';
import type { Interval } from '../statistics/assessment.js';
import {
  asymptoticSequenceInformationTime,
  informationTimeCriticalValue,
} from '../statistics/confidence-sequence.js';
import { liftFieller } from '../statistics/relative-lift.js';
import { armsOf, type Contrast, contrastOf, DIFFERENCE } from './contrast.js';
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
  /** Half the interval's width in standard errors; not read off the interval, which may be lost in its rounding. */
  readonly criticalValue: number;
  readonly pValue: number;
}

/** A relative difference with its interval. */
export interface Lift extends Interval {
  readonly estimate: number;
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
  const at = {
    standardError,
    plannedStandardError: plannedStandardError(contrast, setting.design.analysis.plannedUnits),
    alpha,
    alternative: 'two-sided',
  } as const;
  const look = asymptoticSequenceInformationTime({ estimate, ...at });
  const critical = informationTimeCriticalValue(at);
  if (look.kind === 'undefined' || critical.kind === 'undefined') return null;
  const { lower, upper, pValue } = look.value;
  return { contrast, interval: { lower, upper }, criticalValue: critical.value, pValue };
}

/**
 * The lift over the control with Fieller's interval at the sequence's own critical value, so that it holds at every look
 * too; null where the baseline cannot be told from 0.
 */
export function liftOf(comparison: Comparison, { criticalValue }: Look): Lift | null {
  const arms = armsOf(comparison);
  if (arms === null || !Number.isFinite(criticalValue)) return null;
  const lift = liftFieller({ ...arms, criticalValue });
  if (lift.kind === 'undefined') return null;
  const { estimate, lower, upper } = lift.value;
  return { estimate, lower, upper };
}
