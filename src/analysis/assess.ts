import { controlOf } from '../experiments/experiment.js';
import { invariant } from '../kernel/assert.js';
import type { Assessment, MetricAssessment } from '../statistics/assessment.js';
import type { Evidence, RunningResult, Verdict } from './evidence.js';
import { assessHoldout } from './holdout/assess-holdout.js';
import { assessPairs } from './paired/assess-pairs.js';
import { assessLimits } from './limits.js';
import { assessQuality, type CrossoverRule, unitsPerArm } from './quality.js';
import { intersect, smallest } from './running.js';
import { compare, treatmentsOf, type Comparison } from './strata.js';
import type { TestSetting } from './hypothesis.js';
import { intervalAlpha, intervalOf, liftOf } from './interval.js';
import { deterioration } from './tests.js';
import { type MethodVerdict, previousOf, verdictsOf } from './verdicts.js';

/**
 * Every test of one look at the evidence. Pure: the same snapshot gives the same assessment, to the last digit.
 * Only sufficient statistics per phase and arm enter; arms are compared inside a phase and combined with weights
 * n_c n_t / (n_c + n_t), so that drift between phases cancels (Crook et al. 2009 on why crude totals mislead).
 *
 * @param crossoverRule an earlier one for replays of decisions that were taken by it
 */
export function assess(evidence: Evidence, crossoverRule?: CrossoverRule): Assessment {
  if (evidence.paired !== undefined) return assessPairs(evidence, evidence.paired);
  const control = controlOf(evidence.design).name;
  const setting: TestSetting = { design: evidence.design, phases: evidence.phases, control };
  const comparisons = evidence.design.metrics.flatMap((designMetric) =>
    treatmentsOf(evidence.design).map((variant) =>
      compare(evidence.metricCells, designMetric, { control, variant }),
    ),
  );
  const { verdicts, horizon } = verdictsOf(comparisons, setting, evidence);
  const limits = assessLimits(evidence);
  return {
    units: unitsPerArm(evidence),
    metrics: comparisons.map((comparison, index) => {
      const verdict = verdicts[index];
      invariant(verdict !== undefined, 'every comparison has a verdict');
      return assessMetric(comparison, setting, verdict, previousOf(evidence, comparison));
    }),
    quality: assessQuality(evidence, crossoverRule),
    reading: horizon?.reached === false ? 'not_a_test' : 'test',
    horizon,
    ...(limits === undefined ? {} : { limits }),
    ...(evidence.holdout === undefined
      ? {}
      : { holdout: assessHoldout(evidence, evidence.holdout) }),
  };
}

/** What the next look needs to know about this one. */
export function runningResults(assessment: Assessment, before: Evidence): readonly RunningResult[] {
  return assessment.metrics.map((metric) => ({
    metric: metric.metric,
    variant: metric.variant,
    interval: metric.runningInterval,
    empty:
      wasEmpty(before, metric) || (metric.interval !== null && metric.runningInterval === null),
    pValue: metric.runningPValue,
    looks: metric.looks,
    verdict: assessment.horizon?.reached === true ? verdictIn(metric) : null,
  }));
}

function wasEmpty({ previous }: Evidence, { metric, variant }: MetricAssessment): boolean {
  return previous.some(
    (result) => result.metric === metric && result.variant === variant && result.empty,
  );
}

function verdictIn({ superiority, nonInferiority }: MetricAssessment): Verdict {
  return { superiority, nonInferiority };
}

function assessMetric(
  comparison: Comparison,
  setting: TestSetting,
  verdict: MethodVerdict,
  before: RunningResult | undefined,
): MetricAssessment {
  const { designMetric, variant } = comparison;
  const { definition, role } = designMetric;
  const alpha = intervalAlpha(setting, role);
  const look = intervalOf(comparison, setting, alpha);
  return {
    metric: definition.name,
    variant,
    role,
    direction: definition.direction,
    control: comparison.control,
    treatment: comparison.treatment,
    effect: look?.contrast.estimate ?? null,
    standardError: look?.contrast.standardError ?? null,
    interval: look?.interval ?? null,
    runningInterval: before?.empty === true ? null : intersect(before?.interval, look?.interval),
    pValue: look?.pValue ?? null,
    runningPValue: smallest(before?.pValue, look?.pValue),
    level: 1 - alpha,
    lift: look === null ? null : liftOf(comparison, look),
    adjustment: comparison.adjustment,
    looks: verdict.looks,
    margin: marginInUnits(comparison),
    superiority: verdict.superiority,
    nonInferiority: verdict.nonInferiority,
    deterioration: role === 'diagnostic' ? null : deterioration(comparison, setting),
  };
}

function marginInUnits({ designMetric, control }: Comparison): number | null {
  const margin = designMetric.nonInferiorityMargin;
  if (margin === null) return null;
  if ('absolute' in margin) return margin.absolute;
  return control.value === null ? null : Math.abs(control.value) * margin.relative;
}
