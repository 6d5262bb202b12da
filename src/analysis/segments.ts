import {
  controlOf,
  type DesignMetric,
  type FrozenDesign,
  type Phase,
} from '../experiments/experiment.js';
import type { Segment, SegmentCells } from '../metrics/metric.js';
import type { Interval, SampleRatioAssessment } from '../statistics/assessment.js';
import { contrastOf, DIFFERENCE } from './contrast.js';
import type { TestSetting } from './hypothesis.js';
import { intervalAlpha, intervalOf } from './interval.js';
import { type Insufficient, insufficient, tooFewToTest } from './minimum-evidence.js';
import { splitOf } from './quality.js';
import { compare, type Comparison, treatmentsOf } from './strata.js';

/** Where an effect or a mismatch sits. Shown, never acted on. */
export interface SegmentsView {
  readonly display: 'diagnostic';
  readonly attribute: string;
  readonly metric: string;
  readonly epoch: number;
  /** The largest first, then the other values together, then the units without a value. */
  readonly segments: readonly SegmentAssessment[];
}

export interface SegmentAssessment {
  readonly segment: Segment;
  /** Units of the segment against the shares of the phases; the p-value is for one look at one segment. */
  readonly sampleRatio: Pick<SampleRatioAssessment, 'arms' | 'chiSquarePValue'>;
  /** Control first. */
  readonly arms: readonly SegmentArm[];
}

export interface SegmentArm {
  readonly variant: string;
  /** Matured units with a value. */
  readonly n: number;
  readonly pending: number;
  /** Mean, share or ratio; null without a unit. */
  readonly value: number | null;
  /** To the control; null for the control itself. */
  readonly difference: SegmentDifference | Insufficient | null;
}

export interface SegmentDifference {
  readonly kind: 'estimated';
  readonly estimate: number;
  readonly standardError: number;
  /** Two-sided confidence sequence at the metric's own level: not corrected for how many segments there are. */
  readonly interval: Interval;
  readonly level: number;
}

export interface SegmentQuestion {
  readonly design: FrozenDesign;
  readonly phases: readonly Phase[];
  readonly metric: DesignMetric;
}

/**
 * One metric inside each segment, compared phase by phase as the whole experiment is, with the same minimum of units
 * and events. Pure, and not a part of any assessment.
 */
export function assessSegments(
  question: SegmentQuestion,
  segments: readonly SegmentCells[],
): readonly SegmentAssessment[] {
  const { design, phases } = question;
  return segments.map(({ segment, unitCells, metricCells }) => ({
    segment,
    sampleRatio: splitOf({ design, phases, unitCells }),
    arms: armsIn(question, metricCells),
  }));
}

function armsIn(
  { design, phases, metric }: SegmentQuestion,
  cells: SegmentCells['metricCells'],
): readonly SegmentArm[] {
  const control = controlOf(design).name;
  const setting: TestSetting = { design, phases, control };
  const comparisons = treatmentsOf(design).map((variant) =>
    compare(cells, metric, { control, variant }),
  );
  const ofControl = comparisons.slice(0, 1).map((comparison) => ({
    ...{ variant: control, ...counted(comparison.control), difference: null },
  }));
  const ofVariants = comparisons.map((comparison) => ({
    ...{ variant: comparison.variant, ...counted(comparison.treatment) },
    difference: differenceOf(comparison, setting),
  }));
  return [...ofControl, ...ofVariants];
}

function counted({
  n,
  pending,
  value,
}: Comparison['control']): Pick<SegmentArm, 'n' | 'pending' | 'value'> {
  return { n, pending, value };
}

function differenceOf(
  comparison: Comparison,
  setting: TestSetting,
): SegmentDifference | Insufficient {
  const tooFew = tooFewToTest(comparison, setting.design.analysis.minUnits, true);
  if (tooFew !== null) return tooFew;
  const alpha = intervalAlpha(setting, comparison.designMetric.role);
  const look = intervalOf(comparison, setting, alpha);
  if (look !== null) {
    const { contrast, interval } = look;
    const { estimate, standardError } = contrast;
    return { kind: 'estimated', estimate, standardError, interval, level: 1 - alpha };
  }
  const contrast = contrastOf(comparison, DIFFERENCE, { kind: 'as_observed' });
  return insufficient(contrast === null ? 'zero_denominator' : 'zero_variance', 0, 1);
}
