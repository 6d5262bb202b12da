import type { DesignMetric, FrozenDesign } from '../experiments/experiment.js';
import { type MetricCell, type MetricShape, shapeOf } from '../metrics/metric.js';
import type { Adjustment, ArmSummary } from '../statistics/assessment.js';
import { adjustmentOf } from './adjustment.js';
import type { Stratum } from './stratum.js';

/** One metric of one variant, ready to be tested. */
export interface Comparison {
  readonly designMetric: DesignMetric;
  readonly variant: string;
  readonly shape: MetricShape;
  /** Every y is a count of bad or good things that happen or not, so that events can be counted. */
  readonly isEventLike: boolean;
  /** Phases in which both arms have at least two units; fewer give no variance. */
  readonly strata: readonly Stratum[];
  readonly adjustment: Adjustment;
  readonly control: ArmSummary;
  readonly treatment: ArmSummary;
}

const MIN_UNITS_PER_STRATUM = 2;

/** Pairs the cells of a variant with those of the control, phase by phase. */
export function compare(
  cells: readonly MetricCell[],
  designMetric: DesignMetric,
  arms: { readonly control: string; readonly variant: string },
): Comparison {
  const own = cells.filter((cell) => cell.metric === designMetric.definition.name);
  const ofControl = own.filter((cell) => cell.variant === arms.control);
  const ofVariant = own.filter((cell) => cell.variant === arms.variant);
  const isEventLike = countsEvents(designMetric);
  const shape = shapeOfData(designMetric, isEventLike, [...ofControl, ...ofVariant]);
  const strata: Stratum[] = [];
  for (const control of ofControl) {
    const treatment = ofVariant.find((cell) => cell.phase === control.phase);
    if (treatment === undefined) continue;
    if (Math.min(control.n, treatment.n) < MIN_UNITS_PER_STRATUM) continue;
    strata.push({ phase: control.phase, control, treatment });
  }
  strata.sort((left, right) => left.phase - right.phase);
  return {
    designMetric,
    variant: arms.variant,
    shape,
    isEventLike,
    strata,
    adjustment: adjustmentOf(designMetric.definition, shape, strata),
    control: summarise(ofControl, shape),
    treatment: summarise(ofVariant, shape),
  };
}

/** Variants besides the control, in the design's order. */
export function treatmentsOf(design: FrozenDesign): readonly string[] {
  return design.variants.filter((variant) => !variant.control).map((variant) => variant.name);
}

function countsEvents({ definition }: DesignMetric): boolean {
  if (definition.denominator !== null) return false;
  const { source, aggregation } = definition.numerator;
  if (aggregation === 'any') return true;
  if (aggregation !== 'mean') return false;
  if (source.kind === 'label') return source.loss === 'zero_one';
  if (source.kind !== 'prediction') return false;
  return definition.threshold !== null || ['error', 'timeout', 'fallback'].includes(source.measure);
}

/** A rate per request is a plain proportion while every unit made exactly one request; then the exact rules apply. */
function shapeOfData(
  { definition }: DesignMetric,
  isEventLike: boolean,
  cells: readonly MetricCell[],
): MetricShape {
  const shape = shapeOf(definition);
  if (shape !== 'ratio' || !isEventLike) return shape;
  return cells.every((cell) => cell.n === 0 || (cell.meanD === 1 && cell.m2D === 0))
    ? 'binary'
    : 'ratio';
}

function summarise(cells: readonly MetricCell[], shape: MetricShape): ArmSummary {
  let n = 0;
  let pending = 0;
  let events = 0;
  let capped = 0;
  let sumY = 0;
  let sumD = 0;
  for (const cell of cells) {
    n += cell.n;
    pending += cell.pending;
    events += cell.events;
    capped += cell.capped;
    sumY += cell.n * cell.meanY;
    sumD += cell.n * cell.meanD;
  }
  const total = shape === 'ratio' ? sumD : n;
  return { n, pending, events, capped, value: total > 0 ? sumY / total : null };
}
