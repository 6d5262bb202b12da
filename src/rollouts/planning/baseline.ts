import { compare } from '../../analysis/strata.js';
import type { DesignMetric, FrozenDesign, Margin } from '../../experiments/experiment.js';
import { type Defect, SluiceError } from '../../kernel/errors.js';
import { type ArmFigures, type ArmModel, controlModel, isPerRequest, modelAt } from './arm.js';

/** What somebody says of a metric in the control; fields left out are looked up. */
export interface Assumption {
  readonly control: number;
  readonly standardDeviation?: number | undefined;
  readonly requestsPerUnit?: number | undefined;
  /** In (-1, 1): of a unit's value with its value in the look-back of the metric's covariate. */
  readonly covariateCorrelation?: number | undefined;
}

/** What the recent events of the model say of a metric in the control. */
export interface Observation {
  readonly value: number;
  readonly standardDeviation: number;
  readonly requestsPerUnit: number;
  readonly units: number;
  /** Null for a metric without covariate, and where too few units have a past. */
  readonly covariate: ObservedCovariate | null;
}

export interface ObservedCovariate {
  readonly correlation: number;
  readonly units: number;
  readonly unitsWithData: number;
}

/** Fewer units say too little of a standard deviation to plan on. */
export const MIN_OBSERVED_UNITS = 100;

/** A metric in the control: what sizes and simulations start from. */
export interface Baseline extends ArmFigures {
  readonly source: 'assumed' | 'observed';
  /** Units that were looked at; null when nothing was. */
  readonly observedUnits: number | null;
  /** What adjusts the metric; null when it has no covariate, or nobody knows how much that says. */
  readonly covariate: PlannedCovariate | null;
}

/** How strongly a unit's value follows what it did before: the variance falls to 1 - correlation^2. */
export interface PlannedCovariate {
  readonly correlation: number;
  readonly source: 'assumed' | 'observed';
  /** Units that it was observed on; null when it was assumed. */
  readonly observedUnits: number | null;
}

/** A metric ready to be planned: its design, its control, and whether units have events or values. */
export interface PlannedMetric {
  readonly designMetric: DesignMetric;
  readonly isEventLike: boolean;
  readonly baseline: Baseline;
  readonly control: ArmModel;
}

export interface KnownBaselines {
  readonly assume: Readonly<Record<string, Assumption>>;
  readonly observed: ReadonlyMap<string, Observation>;
}

/**
 * Every metric that decides something, with its control: from `assume`, else from what was observed.
 *
 * @throws SluiceError `invalid_input` naming each metric whose control is not known and what to give
 */
export function plannedMetrics(
  design: FrozenDesign,
  known: KnownBaselines,
): readonly PlannedMetric[] {
  refuseQuantiles(design);
  const defects: Defect[] = Object.keys(known.assume)
    .filter((name) => !design.metrics.some(({ definition }) => definition.name === name))
    .map((name) => ({
      field: `/assume/${name}`,
      expected: `a metric of the experiment: ${design.metrics.map(({ definition }) => definition.name).join(', ')}`,
    }));
  const planned: PlannedMetric[] = [];
  for (const designMetric of design.metrics) {
    if (designMetric.role === 'diagnostic') continue;
    const found = plannedMetric(designMetric, known);
    if (found.kind === 'found') planned.push(found.metric);
    else defects.push(found.defect);
  }
  defects.push(...planned.flatMap((metric) => reachDefects(design, metric)));
  if (defects.length === 0) return planned;
  const fields = defects.map(({ field }) => field).join(', ');
  throw new SluiceError(
    'invalid_input',
    `the plan needs other or more baselines: ${fields}`,
    defects,
  );
}

/** Order statistics are not drawn: their cells do not follow from a mean and a deviation. */
function refuseQuantiles({ metrics }: FrozenDesign): void {
  const defects = metrics.flatMap(({ definition, role }, index) =>
    definition.quantile === null || role === 'diagnostic'
      ? []
      : [
          {
            field: `/metrics/${String(index)}/metric`,
            given: definition.name,
            expected: 'a proportion, mean or ratio; quantiles only as diagnostic',
          },
        ],
  );
  if (defects.length > 0) throw new SluiceError('not_yet', 'quantiles cannot be planned', defects);
}

type Found =
  | { readonly kind: 'found'; readonly metric: PlannedMetric }
  | { readonly kind: 'defect'; readonly defect: Defect };

function plannedMetric(designMetric: DesignMetric, known: KnownBaselines): Found {
  const { name } = designMetric.definition;
  const assumed = known.assume[name];
  const seen = known.observed.get(name);
  const observed = seen !== undefined && seen.units >= MIN_OBSERVED_UNITS ? seen : undefined;
  const isEventLike = countsEvents(designMetric);
  const field = `/assume/${name}`;
  const value = assumed?.control ?? observed?.value;
  if (value === undefined) return missing(designMetric, isEventLike, seen?.units ?? 0);
  const isRateLike = isEventLike && (value < 0 || value > 1);
  if (isRateLike) {
    const expected = 'a share in [0, 1]';
    return { kind: 'defect', defect: { field: `${field}/control`, given: value, expected } };
  }
  const requestsPerUnit = isPerRequest(designMetric)
    ? (assumed?.requestsPerUnit ?? observed?.requestsPerUnit ?? 1)
    : 1;
  const ofShare = Math.sqrt((value * (1 - value)) / requestsPerUnit);
  const isShareOfUnits = isEventLike && requestsPerUnit === 1;
  const given = isShareOfUnits ? ofShare : assumed?.standardDeviation;
  const fromEvents = isEventLike && assumed !== undefined ? ofShare : undefined;
  const standardDeviation = given ?? fromEvents ?? observed?.standardDeviation;
  if (standardDeviation === undefined || (standardDeviation === 0 && !isEventLike)) {
    const expected = "greater than 0: the deviation of one unit's value in the control";
    return { kind: 'defect', defect: { field: `${field}/standardDeviation`, expected } };
  }
  const source = assumed === undefined ? 'observed' : 'assumed';
  const observedUnits = source === 'observed' ? (observed?.units ?? null) : null;
  const covariate = covariateOf(designMetric, assumed, observed);
  if (covariate !== null && 'expected' in covariate) return { kind: 'defect', defect: covariate };
  const figures = { value, standardDeviation, requestsPerUnit };
  const baseline = { ...figures, source, observedUnits, covariate } as const;
  const plain = controlModel(baseline, isEventLike);
  const control = covariate === null ? plain : { ...plain, correlation: covariate.correlation };
  return { kind: 'found', metric: { designMetric, isEventLike, baseline, control } };
}

/** What is known of the covariate; an assumption about one that the metric has not is a defect. */
function covariateOf(
  designMetric: DesignMetric,
  assumed: Assumption | undefined,
  observed: Observation | undefined,
): PlannedCovariate | (Defect & { readonly expected: string }) | null {
  const { definition } = designMetric;
  const given = assumed?.covariateCorrelation;
  const isAdjusted = (definition.covariate ?? null) !== null && !isPerRequest(designMetric);
  if (!isAdjusted) {
    if (given === undefined) return null;
    const field = `/assume/${definition.name}/covariateCorrelation`;
    return { field, given, expected: 'a metric of units with a covariate' };
  }
  if (given !== undefined) return { correlation: given, source: 'assumed', observedUnits: null };
  const seen = observed?.covariate ?? null;
  if (seen === null) return null;
  return { correlation: seen.correlation, source: 'observed', observedUnits: seen.units };
}

function missing(designMetric: DesignMetric, isEventLike: boolean, seen: number): Found {
  const { name } = designMetric.definition;
  const shape = isEventLike
    ? '{"control": share}'
    : '{"control": mean, "standardDeviation": deviation of one unit\'s value}';
  const defect: Defect = {
    field: `/assume/${name}`,
    expected: shape,
    advice: `recent events of the control's version have ${String(seen)} units with ${name}; ${String(MIN_OBSERVED_UNITS)} would do`,
  };
  return { kind: 'defect', defect };
}

/** A change that the metric has no room for cannot be planned. */
function reachDefects(design: FrozenDesign, metric: PlannedMetric): Defect[] {
  const { designMetric, isEventLike, baseline } = metric;
  const { name } = designMetric.definition;
  const isSuccess = designMetric.role === 'success';
  const margin = isSuccess ? design.analysis.minimumDetectableEffect : marginOf(designMetric);
  const size = sizeOf(margin, baseline.value);
  if (isSuccess && size === 0) {
    return [{ field: `/assume/${name}/control`, given: baseline.value, expected: 'not 0' }];
  }
  if (!isEventLike) return [];
  const target = valueAt(metric, isSuccess ? size : -size);
  if (isSuccess && target > 0 && target < 1 && baseline.value > 0 && baseline.value < 1) return [];
  if (!isSuccess && target >= 0 && target <= 1 && size < 1) return [];
  const field = isSuccess ? '/analysis/minimumDetectableEffect' : `/assume/${name}/control`;
  const expected = `a change that a share of ${String(baseline.value)} has room for`;
  return [{ field, given: size, expected }];
}

/** Whether the metric counts things that happen or do not: what the analysis makes of it without data. */
function countsEvents(designMetric: DesignMetric): boolean {
  return compare([], designMetric, { control: '', variant: '' }).isEventLike;
}

/** A guardrail's margin. */
export function marginOf({ nonInferiorityMargin }: DesignMetric): Margin {
  return nonInferiorityMargin ?? { absolute: 0 };
}

/** A margin in the metric's own unit at a control's value. */
export function sizeOf(margin: Margin, control: number): number {
  return 'absolute' in margin ? margin.absolute : margin.relative * Math.abs(control);
}

/** The variant's value when it is better by `gain` (worse when negative), in the metric's unit. */
export function valueAt({ designMetric, baseline }: PlannedMetric, gain: number): number {
  return baseline.value + (designMetric.definition.direction === 'increase' ? gain : -gain);
}

/** The variant's arm when it is better by `gain`; a share goes no further than 0 or 1. */
export function armAt(metric: PlannedMetric, gain: number): ArmModel {
  const value = valueAt(metric, gain);
  return modelAt(metric.control, metric.isEventLike ? Math.min(1, Math.max(0, value)) : value);
}
