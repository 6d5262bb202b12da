/** What a metric is computed from. */
export type MetricSource =
  | { readonly kind: 'outcome'; readonly outcome: string }
  /** `measure` is `latency_ms`, `error`, `timeout`, `fallback` or `captured:<output name>`. */
  | { readonly kind: 'prediction'; readonly measure: PredictionMeasure }
  /** The loss between a captured output and the label that arrives later as outcome of the same request. */
  | {
      readonly kind: 'label';
      readonly outcome: string;
      readonly output: string;
      readonly loss: LossFunction;
    };

export type PredictionMeasure =
  'latency_ms' | 'error' | 'timeout' | 'fallback' | `captured:${string}`;

export type LossFunction = 'zero_one' | 'log_loss' | 'brier' | 'absolute_error' | 'squared_error';

/**
 * How the events of one unit become its numerator y (and denominator d).
 * `mean`: y = sum, d = number of events, analysed as a ratio of unit totals (delta method);
 * `sum`, `count`: y per unit, d = 1; `any`: y = 1 if any event has value > 0, else 0, d = 1.
 */
export type Aggregation = 'mean' | 'sum' | 'count' | 'any';

export interface Measure {
  readonly source: MetricSource;
  readonly aggregation: Aggregation;
}

/** Definition of a number per unit. Every field is resolved: defaults were filled in when it was defined. */
export interface MetricDefinition {
  readonly name: string;
  readonly kind: 'proportion' | 'mean' | 'ratio' | 'quantile';
  readonly numerator: Measure;
  /** `ratio` only: y of the numerator over y of this measure. */
  readonly denominator: Measure | null;
  /** Which way is better. */
  readonly direction: 'increase' | 'decrease';
  /** Outcomes count only within this time from the unit's first exposure; null: no limit. */
  readonly windowMs: number | null;
  /** A unit without any event of the source: counts as y = 0, or is left out. */
  readonly missing: 'zero' | 'exclude';
  /** A larger y of a unit counts as this much; null: y as it is. Frozen while an experiment runs. */
  readonly winsorizeAt: number | null;
  /** Where an experiment takes `winsorizeAt` from when it starts (`MetricsService.freezeCaps`); null: nowhere. */
  readonly winsorizePercentile: CapPercentile | null;
  /** Predictions of a proportion: an event is a value above this; null: every other metric. */
  readonly threshold: number | null;
  /** CUPED: the same numerator over the look-back before the unit's first exposure; null: not adjusted. */
  readonly covariate: { readonly lookbackMs: number } | null;
  /** Kind `quantile` only: its level in (0, 1). */
  readonly quantile: number | null;
}

/** A metric without any option; designs that were frozen before an option existed lack its field. */
export const NO_OPTIONS = {
  winsorizeAt: null,
  winsorizePercentile: null,
  threshold: null,
  covariate: null,
  quantile: null,
} as const satisfies Partial<MetricDefinition>;

/** A cap at this percentile (in (0, 1), type 7) of the units of the model in the time before the start. */
export interface CapPercentile {
  readonly percentile: number;
  readonly lookbackMs: number;
}

/**
 * How the analysis treats a metric: `binary` (y in {0,1}, d = 1), `mean` (y real, d = 1) or `ratio` (sum y / sum d).
 */
export type MetricShape = 'binary' | 'mean' | 'ratio';

/** The shape that follows from a definition alone; a quantile has none. */
export function shapeOf(metric: Pick<MetricDefinition, 'numerator' | 'denominator'>): MetricShape {
  if (metric.denominator !== null || metric.numerator.aggregation === 'mean') return 'ratio';
  return metric.numerator.aggregation === 'any' ? 'binary' : 'mean';
}

/** Per-arm, per-phase sufficient statistics of one metric: all that an analysis sees of the data. */
export interface MetricCell {
  readonly metric: string;
  readonly phase: number;
  readonly variant: string;
  /** Matured units with a value. */
  readonly n: number;
  /** Units whose outcome window is still open. */
  readonly pending: number;
  readonly meanY: number;
  /** Sum of squared deviations of y from its mean. */
  readonly m2Y: number;
  /** Sum of cubed deviations of y from its mean; evidence of releases before it was kept has none. */
  readonly m3Y?: number;
  readonly meanD: number;
  readonly m2D: number;
  /** Sum of products of deviations of y and d. */
  readonly coMoment: number;
  /** Units with y > 0. */
  readonly events: number;
  /** Units whose y was cut at `winsorizeAt`. */
  readonly capped: number;
  /** Over the same n units, x = 0 for units without pre-period data; null for a metric without covariate. */
  readonly covariate: CovariateMoments | null;
}

/** Moments of what the counted units of a cell did before their first exposure. */
export interface CovariateMoments {
  readonly unitsWithData: number;
  readonly meanX: number;
  readonly m2X: number;
  /** Sum of products of deviations of x and y. */
  readonly coMomentXY: number;
}

/**
 * One arm of a `quantile` metric over all phases, for display: phases are not compared inside themselves, and
 * looking often is not paid for.
 */
export interface QuantileCell {
  readonly metric: string;
  readonly variant: string;
  /** Units with a value; those with an open window are left out. */
  readonly n: number;
  readonly values: number;
  /** Type 7 at the metric's level. */
  readonly quantile: number;
  /** At level - h and level + h, h = z sqrt(level (1 - level) / values); null when one of them leaves (0, 1). */
  readonly lower: number | null;
  readonly upper: number | null;
  /** Over the n units: y = values up to the quantile, d = values. Their ratio's variance is the clustered one. */
  readonly share: Pick<MetricCell, 'meanY' | 'm2Y' | 'meanD' | 'm2D' | 'coMoment'>;
}

/** Exposed units of one arm in one phase. */
export interface UnitCell {
  readonly phase: number;
  readonly variant: string;
  readonly units: number;
  /** Units seen in two variants: excluded from both, counted here under the variant of their first exposure. */
  readonly crossovers: number;
  /**
   * Of `units`: had met a variant that was rolled back, in an earlier experiment of the model. Counted, not excluded:
   * randomisation spreads them over the arms. Evidence of releases before it was counted has none.
   */
  readonly carryOver?: number;
}

/** Units whose first enrolled request had this value of a captured field. */
export type Segment =
  | { readonly kind: 'value'; readonly value: string }
  /** All values after the largest ones. */
  | { readonly kind: 'other'; readonly values: number }
  /** The field was absent, null, or not captured. */
  | { readonly kind: 'missing'; readonly value: null };

/** The cells of one metric inside one segment. */
export interface SegmentCells {
  readonly segment: Segment;
  readonly unitCells: readonly UnitCell[];
  readonly metricCells: readonly MetricCell[];
}

/** The cells of one period: units that were seen in it, by what they did in it. */
export interface PeriodCells {
  readonly unitCells: readonly UnitCell[];
  readonly metricCells: readonly MetricCell[];
}
