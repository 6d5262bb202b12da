import type { FixedHorizon, GroupSequentialLook, TestResult } from '../statistics/assessment.js';
import type { Evidence, RunningResult, Verdict } from './evidence.js';
import { fixedNonInferiority, fixedSuperiority, horizonOf, notReached } from './fixed-test.js';
import { groupSequential } from './group-sequential-test.js';
import type { TestSetting } from './hypothesis.js';
import type { Comparison } from './strata.js';
import { betterEvents, nonInferiority, strongest, superiority } from './tests.js';

/** What the design's method says about one comparison. */
export interface MethodVerdict extends Verdict {
  readonly looks: readonly GroupSequentialLook[];
}

export interface MethodVerdicts {
  /** In the order of the comparisons. */
  readonly verdicts: readonly MethodVerdict[];
  readonly horizon: FixedHorizon | null;
}

/**
 * Superiority of success metrics by the method of the design. Guardrails are shown non-inferior by the sequence,
 * except under `fixed`, where both are one classical test at the horizon and never change afterwards.
 */
export function verdictsOf(
  comparisons: readonly Comparison[],
  setting: TestSetting,
  evidence: Evidence,
): MethodVerdicts {
  switch (setting.design.analysis.method) {
    case 'sequential':
      return always(comparisons, setting, (comparison) => ({
        test: superiority(comparison, setting),
        looks: [],
      }));
    case 'group_sequential':
      return always(comparisons, setting, (comparison) => {
        const before = previousOf(evidence, comparison)?.looks ?? [];
        const { test, looks } = groupSequential(comparison, setting, before);
        return { test: strongest(test, betterEvents(comparison, setting)), looks };
      });
    case 'fixed':
      return once(comparisons, setting, evidence);
  }
}

/** What the looks before had established about a comparison. */
export function previousOf(
  { previous }: Evidence,
  { designMetric, variant }: Comparison,
): RunningResult | undefined {
  const { name } = designMetric.definition;
  return previous.find((result) => result.metric === name && result.variant === variant);
}

function always(
  comparisons: readonly Comparison[],
  setting: TestSetting,
  superiorityOf: (comparison: Comparison) => {
    readonly test: TestResult;
    readonly looks: readonly GroupSequentialLook[];
  },
): MethodVerdicts {
  const verdicts = comparisons.map((comparison): MethodVerdict => {
    const { role } = comparison.designMetric;
    const tested = role === 'success' ? superiorityOf(comparison) : null;
    return {
      superiority: tested?.test ?? null,
      nonInferiority: role === 'guardrail' ? nonInferiority(comparison, setting) : null,
      looks: tested?.looks ?? [],
    };
  });
  return { verdicts, horizon: null };
}

function once(
  comparisons: readonly Comparison[],
  setting: TestSetting,
  evidence: Evidence,
): MethodVerdicts {
  const horizon = horizonOf(comparisons, evidence);
  const successes = comparisons.filter(({ designMetric }) => designMetric.role === 'success');
  const superior = horizon.reached ? fixedSuperiority(successes, setting) : [];
  const verdicts = comparisons.map((comparison): MethodVerdict => {
    const made = previousOf(evidence, comparison)?.verdict ?? null;
    if (made !== null) return { ...made, looks: [] };
    const locked = notReached(horizon);
    const { role } = comparison.designMetric;
    const better = superior[successes.indexOf(comparison)] ?? locked;
    const within = horizon.reached ? fixedNonInferiority(comparison, setting) : locked;
    return {
      superiority: role === 'success' ? better : null,
      nonInferiority: role === 'guardrail' ? within : null,
      looks: [],
    };
  });
  return { verdicts, horizon };
}
