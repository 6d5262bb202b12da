import type { Phase } from '../experiments/experiment.js';
import type { Assessment, Interval, MetricAssessment } from '../statistics/assessment.js';

/** What a chart over the looks of an experiment needs of a report. */
export interface ThinReport {
  readonly number: number;
  readonly epoch: number;
  readonly atMs: number;
  readonly watermarkMs: number | null;
  readonly phases: readonly Phase[];
  readonly assessment: Assessment;
}

/** One metric of one variant at one look. */
export interface PathMetric {
  readonly metric: string;
  readonly variant: string;
  readonly effect: number | null;
  readonly interval: Interval | null;
  readonly runningInterval: Interval | null;
  readonly runningPValue: number | null;
  readonly margin: number | null;
  readonly controlN: number;
  readonly treatmentN: number;
}

/** One look. */
export interface PathPoint {
  readonly report: number;
  readonly epoch: number;
  readonly atMs: number;
  readonly watermarkMs: number | null;
  /** Share of units enrolled at the time; null before the first phase. */
  readonly coverage: number | null;
  readonly metrics: readonly PathMetric[];
}

/** A report as a point of the path to the verdict; the figures are the report's own. */
export function pathPointOf(report: ThinReport): PathPoint {
  const { number, epoch, atMs, watermarkMs, phases, assessment } = report;
  return {
    report: number,
    epoch,
    atMs,
    watermarkMs,
    coverage: phases.at(-1)?.coverage ?? null,
    metrics: assessment.metrics.map(pathMetricOf),
  };
}

function pathMetricOf(metric: MetricAssessment): PathMetric {
  const { variant, effect, interval, runningInterval, runningPValue, margin } = metric;
  return {
    metric: metric.metric,
    variant,
    effect,
    interval,
    runningInterval,
    runningPValue,
    margin,
    controlN: metric.control.n,
    treatmentN: metric.treatment.n,
  };
}
