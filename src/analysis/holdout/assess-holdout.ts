import {
  controlOf,
  type DesignMetric,
  type FrozenDesign,
  type Phase,
} from '../../experiments/experiment.js';
import type {
  ComparedPeriod,
  HoldoutAssessment,
  LiftWarning,
  PeriodAssessment,
  PeriodMetric,
  Promotion,
} from '../../statistics/assessment.js';
import { signOf, type TestSetting } from '../hypothesis.js';
import { intervalAlpha, intervalOf, liftOf, type Look } from '../interval.js';
import { tooFewToTest } from '../minimum-evidence.js';
import { compare, type Comparison, treatmentsOf } from '../strata.js';
import type { HoldoutEvidence, PeriodEvidence } from './holdout-evidence.js';

/** What the periods of a holdout are compared with. */
export interface HoldoutQuestion {
  readonly design: FrozenDesign;
  readonly phases: readonly Phase[];
}

/**
 * Each period by itself, and warnings. Pure.
 *
 * A promotion at T is warned of when the lift of a whole period after it lies below the lift of the last whole period
 * before it: `before` is the last period that had ended at T, `after` the j-th that began at or after T and ended
 * before the next promotion; the period in which T lies mixes both champions and is left out, and so are periods
 * with too few units. The two periods share
 * units, so that their lifts are dependent in an unknown way: the warning asks for two always-valid Fieller intervals
 * without a common point, which bounds a false one by the sum of two one-sided errors whatever the dependence. Over all
 * success metrics S, promotions k = 1, 2 … and periods j = 1, 2 … the levels alpha / (S k (k + 1) j (j + 1)) sum to at
 * most alpha, however long the holdout lives. The sum of the promotions' own lifts is nowhere used: each was
 * chosen because it looked good.
 */
export function assessHoldout(
  question: HoldoutQuestion,
  evidence: HoldoutEvidence,
): HoldoutAssessment {
  const { share, version, promotions, periods } = evidence;
  return {
    share,
    version,
    promotions,
    periods: periods.map((period) => assessPeriod(question, period)),
    warnings: warningsOf(question, evidence),
  };
}

function assessPeriod(question: HoldoutQuestion, period: PeriodEvidence): PeriodAssessment {
  const { phase, startedAtMs, endedAtMs, isWhole } = period;
  const setting = settingOf(question);
  return {
    period: phase,
    startedAtMs,
    endedAtMs,
    isFinal: period.isFinal,
    isWhole,
    units: question.design.variants.map(({ name }) => ({
      variant: name,
      units: period.unitCells.find(({ variant }) => variant === name)?.units ?? 0,
    })),
    metrics: summed(question.design).map((metric) =>
      periodMetric(comparisonIn(question, metric, period), setting),
    ),
  };
}

function periodMetric(comparison: Comparison, setting: TestSetting): PeriodMetric {
  const { designMetric, control, treatment } = comparison;
  const alpha = intervalAlpha(setting, designMetric.role);
  const look = lookAt(comparison, setting, alpha);
  return {
    metric: designMetric.definition.name,
    control,
    treatment,
    effect: look?.contrast.estimate ?? null,
    standardError: look?.contrast.standardError ?? null,
    interval: look?.interval ?? null,
    lift: look === null ? null : liftOf(comparison, look),
    level: 1 - alpha,
  };
}

function warningsOf(question: HoldoutQuestion, evidence: HoldoutEvidence): readonly LiftWarning[] {
  const metrics = summed(question.design).filter(({ role }) => role === 'success');
  const alpha = question.design.analysis.alpha / Math.max(1, metrics.length);
  return metrics.flatMap((metric) => {
    const periods = evidence.periods.filter((period) => isComparable(question, metric, period));
    return evidence.promotions.flatMap((promotion, index) => {
      const nextMs = evidence.promotions[index + 1]?.atMs ?? Infinity;
      const { before, after } = around(periods, promotion.atMs, nextMs);
      if (before === undefined) return [];
      const share = alpha / ((index + 1) * (index + 2));
      return after.flatMap((period, place) => {
        const level = share / ((place + 1) * (place + 2));
        return fallen(question, { metric, promotion, before, after: period, alpha: level });
      });
    });
  });
}

/** Whole, and with enough units of both cohorts: how much was seen decides, never what was seen. */
function isComparable(
  question: HoldoutQuestion,
  metric: DesignMetric,
  period: PeriodEvidence,
): boolean {
  if (!period.isWhole || period.endedAtMs === null) return false;
  return hasEnough(comparisonIn(question, metric, period), question.design);
}

/** The last period that had ended at a moment, and those between it and the next promotion. */
function around(
  periods: readonly PeriodEvidence[],
  atMs: number,
  nextMs: number,
): { readonly before: PeriodEvidence | undefined; readonly after: readonly PeriodEvidence[] } {
  return {
    before: periods.findLast(({ endedAtMs }) => (endedAtMs ?? Infinity) <= atMs),
    after: periods.filter(
      ({ startedAtMs, endedAtMs }) => startedAtMs >= atMs && (endedAtMs ?? Infinity) <= nextMs,
    ),
  };
}

function fallen(
  question: HoldoutQuestion,
  pair: {
    readonly metric: DesignMetric;
    readonly promotion: Promotion;
    readonly before: PeriodEvidence;
    readonly after: PeriodEvidence;
    readonly alpha: number;
  },
): readonly LiftWarning[] {
  const { metric, promotion, alpha } = pair;
  const before = goodLift(question, metric, pair.before, alpha);
  const after = goodLift(question, metric, pair.after, alpha);
  if (before === null || after === null || after.upper >= before.lower) return [];
  const { name } = metric.definition;
  return [{ code: 'lift_fell_after_promotion', metric: name, promotion, before, after, alpha }];
}

/** The lift of a period with its interval at 1 - alpha, turned so that more is better. */
function goodLift(
  question: HoldoutQuestion,
  metric: DesignMetric,
  period: PeriodEvidence,
  alpha: number,
): ComparedPeriod | null {
  const comparison = comparisonIn(question, metric, period);
  const look = lookAt(comparison, settingOf(question), alpha);
  const lift = look === null ? null : liftOf(comparison, look);
  if (lift === null) return null;
  const { estimate, lower, upper } = lift;
  return signOf(comparison) === 1
    ? { period: period.phase, estimate, lower, upper }
    : { period: period.phase, estimate: -estimate, lower: -upper, upper: -lower };
}

function lookAt(comparison: Comparison, setting: TestSetting, alpha: number): Look | null {
  return hasEnough(comparison, setting.design) ? intervalOf(comparison, setting, alpha) : null;
}

function hasEnough(comparison: Comparison, { analysis }: FrozenDesign): boolean {
  return tooFewToTest(comparison, analysis.minUnits, true) === null;
}

function comparisonIn(
  { design }: HoldoutQuestion,
  metric: DesignMetric,
  { metricCells }: PeriodEvidence,
): Comparison {
  const control = controlOf(design).name;
  const variant = treatmentsOf(design)[0] ?? control;
  // what a unit did before a later period is an effect of the versions too: nothing is adjusted by it
  const plain = { ...metric, definition: { ...metric.definition, covariate: null } };
  return compare(metricCells, plain, { control, variant });
}

/** A quantile has no number per unit. */
function summed({ metrics }: FrozenDesign): readonly DesignMetric[] {
  return metrics.filter(({ definition }) => definition.kind !== 'quantile');
}

function settingOf({ design, phases }: HoldoutQuestion): TestSetting {
  return { design, phases, control: controlOf(design).name };
}
