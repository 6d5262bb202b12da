import { MIN_EVENTS } from '../../analysis/minimum-evidence.js';
import type { AnalysisMethod, FrozenDesign } from '../../experiments/experiment.js';
import { restrictedProportions } from '../../statistics/non-inferiority.js';
import { normalUpperQuantile } from '../../statistics/numerics.js';
import { mdeMeans, mdeProportions } from '../../statistics/power.js';
import { unitVariance } from './arm.js';
import { armAt, marginOf, type PlannedMetric, sizeOf } from './baseline.js';

/**
 * How many times the units of a fixed-horizon test each method needs for the same power of .8 at alpha .05:
 * simulated, for a boundary tuned at the units that a fixed-horizon test needs.
 */
export const SEQUENTIAL_INFLATION: Readonly<Record<AnalysisMethod, number>> = {
  sequential: 1.67,
  group_sequential: 1.05,
  fixed: 1,
};

export interface Units {
  readonly control: number;
  readonly treatment: number;
  /** Of both compared arms. */
  readonly total: number;
}

/** What one test of one metric needs. */
export interface TestSize {
  readonly metric: string;
  readonly test: 'superiority' | 'non_inferiority';
  /** The change to be shown, or the margin to be excluded, in the metric's unit. */
  readonly size: number;
  readonly alpha: number;
  readonly sides: 1 | 2;
  readonly power: number;
  /** Looked at once. Null when no number of units is enough. */
  readonly fixedHorizon: Units | null;
  /** With the method's inflation: looked at all the time. */
  readonly sequential: Units | null;
}

/** The smallest change that the planned units show with the planned power, in the metric's unit; null: none does. */
export interface DetectableEffect {
  readonly metric: string;
  readonly fixedHorizon: number | null;
  readonly sequential: number | null;
}

/** Inflation of the design's own method. */
export function inflationOf({ analysis }: FrozenDesign): number {
  return SEQUENTIAL_INFLATION[analysis.method];
}

/** Treatment units per control unit: 1 for a canary, by weight for the largest treatment of an `ab`. */
export function allocationRatio({ kind, variants }: FrozenDesign): number {
  if (kind === 'canary') return 1;
  const control = variants.find((variant) => variant.control)?.weight ?? 1;
  const others = variants.filter((variant) => !variant.control).map(({ weight }) => weight);
  return Math.min(...others) / control;
}

/** Level of each superiority test, two-sided: alpha over success metrics and arms (Bonferroni). */
function superiorityAlpha(design: FrozenDesign): number {
  const successes = design.metrics.filter(({ role }) => role === 'success').length;
  return design.analysis.alpha / (successes * (design.variants.length - 1));
}

/** Each of G guardrails is planned at power 1 - beta/(G + 1), so that all of them together leave beta. */
function guardrailPower(design: FrozenDesign): number {
  const guardrails = design.metrics.filter(({ role }) => role === 'guardrail').length;
  return 1 - (1 - design.analysis.power) / (guardrails + 1);
}

/** Units for each test that the design decides by (Schultzberg, Ankargren and Frånberg 2024 on the powers). */
export function testSizes(
  design: FrozenDesign,
  metrics: readonly PlannedMetric[],
): readonly TestSize[] {
  return metrics.map((metric) =>
    metric.designMetric.role === 'success'
      ? superioritySize(design, metric)
      : nonInferioritySize(design, metric),
  );
}

/** Share of the variance that is left when the covariate has explained its part (Deng et al. 2013). */
export function remainingVariance({ baseline }: PlannedMetric): number {
  return 1 - (baseline.covariate?.correlation ?? 0) ** 2;
}

function superioritySize(design: FrozenDesign, metric: PlannedMetric): TestSize {
  const { minimumDetectableEffect, power } = design.analysis;
  const alpha = superiorityAlpha(design);
  const size = sizeOf(minimumDetectableEffect, metric.baseline.value);
  const ratio = allocationRatio(design);
  const treatment = armAt(metric, size);
  const alternative = unitVariance(metric.control) + unitVariance(treatment) / ratio;
  const isShareOfUnits = metric.isEventLike && metric.baseline.requestsPerUnit === 1;
  const control = unitsFor({
    levelZ: normalUpperQuantile(alpha / 2),
    powerZ: normalUpperQuantile(1 - power),
    underNull: isShareOfUnits ? pooled(metric, size, ratio) : alternative,
    alternative,
    size,
  });
  return sized(design, metric, {
    ...{ test: 'superiority', size, alpha, sides: 2, power },
    control: Math.max(control * remainingVariance(metric), design.analysis.minUnits),
  });
}

/** The test of shares pools the arms under "no effect", and so does its sample size. */
function pooled(metric: PlannedMetric, size: number, ratio: number): number {
  const treatment = armAt(metric, size);
  const shareOf = (arm: typeof treatment): number => (arm.kind === 'events' ? arm.share : 0);
  const share = (shareOf(metric.control) + ratio * shareOf(treatment)) / (1 + ratio);
  return share * (1 - share) * (1 + 1 / ratio);
}

function nonInferioritySize(design: FrozenDesign, metric: PlannedMetric): TestSize {
  const { alpha, minUnits } = design.analysis;
  const power = guardrailPower(design);
  const margin = marginOf(metric.designMetric);
  const size = sizeOf(margin, metric.baseline.value);
  const ratio = allocationRatio(design);
  const ofUnit = unitVariance(metric.control);
  const sign = metric.designMetric.definition.direction === 'increase' ? 1 : -1;
  // treatment - factor x control: the margin as a share of the control takes part of the control's noise along
  const factor =
    'absolute' in margin ? 1 : 1 - sign * (metric.baseline.value < 0 ? -1 : 1) * margin.relative;
  const observed = ofUnit / ratio + factor ** 2 * ofUnit;
  const isExact = metric.isEventLike && 'absolute' in margin && isShareOfUnitsOrNone(metric);
  const underNull = isExact ? restricted(metric, -sign * size, ratio) : observed;
  const control = unitsFor({
    levelZ: normalUpperQuantile(alpha),
    powerZ: normalUpperQuantile(1 - power),
    underNull,
    alternative: observed,
    size,
  });
  const floor = isExact ? Math.max(minUnits, MIN_EVENTS / size) : minUnits;
  return sized(design, metric, {
    ...{ test: 'non_inferiority', size, alpha, sides: 1, power },
    control: Math.max(control * remainingVariance(metric), floor),
  });
}

function isShareOfUnitsOrNone({ baseline }: PlannedMetric): boolean {
  return baseline.requestsPerUnit === 1 || baseline.value === 0;
}

/** Farrington and Manning (1990): the variance under "exactly worse by the margin", which rare events need. */
function restricted({ baseline }: PlannedMetric, difference: number, ratio: number): number {
  const control = { rate: baseline.value, trials: 1 };
  const treatment = { rate: baseline.value, trials: ratio };
  const rates = restrictedProportions(control, treatment, difference);
  return rates.control * (1 - rates.control) + (rates.treatment * (1 - rates.treatment)) / ratio;
}

interface Horizon {
  readonly levelZ: number;
  readonly powerZ: number;
  /** Variances of the contrast times the units of the control. */
  readonly underNull: number;
  readonly alternative: number;
  readonly size: number;
}

/** Units of the control: (z_level sqrt(V_null) + z_power sqrt(V_alternative))^2/size^2; infinite for no size. */
function unitsFor({ levelZ, powerZ, underNull, alternative, size }: Horizon): number {
  const distance = levelZ * Math.sqrt(underNull) + powerZ * Math.sqrt(alternative);
  return (distance / size) ** 2;
}

function sized(
  design: FrozenDesign,
  { designMetric }: PlannedMetric,
  found: Omit<TestSize, 'metric' | 'fixedHorizon' | 'sequential'> & { readonly control: number },
): TestSize {
  const { control, ...test } = found;
  const ratio = allocationRatio(design);
  return {
    metric: designMetric.definition.name,
    ...test,
    fixedHorizon: unitsOf(control, ratio),
    sequential: unitsOf(control * inflationOf(design), ratio),
  };
}

function unitsOf(controlExact: number, ratio: number): Units | null {
  const control = Math.ceil(controlExact);
  const treatment = Math.ceil(controlExact * ratio);
  const total = control + treatment;
  return Number.isSafeInteger(total) ? { control, treatment, total } : null;
}

/** Units of both compared arms that every test is content with; null when one never is. */
export function requiredUnits(sizes: readonly TestSize[]): number | null {
  const totals = sizes.map(({ sequential }) => sequential?.total ?? null);
  return totals.reduce<number | null>(
    (most, total) => (most === null || total === null ? null : Math.max(most, total)),
    0,
  );
}

/** What adjusting a metric by the past of its units saves. */
export interface CovariateSaving {
  readonly metric: string;
  /** Null: nobody knows; the plan is then made as if nothing were adjusted. */
  readonly correlation: number | null;
  readonly source: 'assumed' | 'observed' | null;
  readonly observedUnits: number | null;
  readonly varianceReduction: number;
  /** Of both compared arms, by the method of the design. */
  readonly unitsWithout: number | null;
  readonly unitsWith: number | null;
  readonly savedUnits: number | null;
  readonly note: string;
}

/** One entry per metric that has a covariate and decides something. */
export function covariateSavings(
  design: FrozenDesign,
  metrics: readonly PlannedMetric[],
): readonly CovariateSaving[] {
  return metrics
    .filter(({ designMetric }) => (designMetric.definition.covariate ?? null) !== null)
    .map((metric) => {
      const { covariate } = metric.baseline;
      const plain = { ...metric, baseline: { ...metric.baseline, covariate: null } };
      const total = (one: PlannedMetric): number | null =>
        testSizes(design, [one])[0]?.sequential?.total ?? null;
      const [unitsWithout, unitsWith] = [total(plain), total(metric)];
      const { name } = metric.designMetric.definition;
      return {
        metric: name,
        correlation: covariate?.correlation ?? null,
        source: covariate?.source ?? null,
        observedUnits: covariate?.observedUnits ?? null,
        varianceReduction: 1 - remainingVariance(metric),
        ...{ unitsWithout, unitsWith },
        savedUnits: unitsWithout === null || unitsWith === null ? null : unitsWithout - unitsWith,
        note: covariate === null ? unknownNote(name) : KNOWN_NOTE,
      };
    });
}

const KNOWN_NOTE =
  'simulated with a past of every unit; units without one keep their whole variance, and below 5 % or 100 units with a past nothing is adjusted';

function unknownNote(metric: string): string {
  return `recent events do not say how the metric follows its past; give assume.${metric}.covariateCorrelation`;
}

/** What the planned units can show of each success metric. */
export function detectableEffects(
  design: FrozenDesign,
  metrics: readonly PlannedMetric[],
): readonly DetectableEffect[] {
  const { plannedUnits } = design.analysis;
  return metrics
    .filter(({ designMetric }) => designMetric.role === 'success')
    .map((metric) => ({
      metric: metric.designMetric.definition.name,
      fixedHorizon: detectable(design, metric, plannedUnits),
      sequential: detectable(design, metric, plannedUnits / inflationOf(design)),
    }));
}

function detectable(design: FrozenDesign, metric: PlannedMetric, planned: number): number | null {
  const ratio = allocationRatio(design);
  // a variance that is smaller by a factor is as good as so many more units
  const units = planned / remainingVariance(metric);
  const nControl = Math.floor(units / (1 + ratio));
  const nTreatment = Math.floor(units - nControl);
  const level = {
    alpha: superiorityAlpha(design),
    power: design.analysis.power,
    sides: 2,
  } as const;
  const { value, requestsPerUnit } = metric.baseline;
  if (metric.isEventLike && requestsPerUnit === 1) {
    const isMoreBetter = metric.designMetric.definition.direction === 'increase';
    const rateControl = isMoreBetter ? value : 1 - value;
    const found = mdeProportions({ ...level, rateControl, nControl, nTreatment });
    return found.kind === 'value' ? found.value.mde : null;
  }
  const sd = Math.sqrt(unitVariance(metric.control));
  const found = mdeMeans({ ...level, sdControl: sd, sdTreatment: sd, nControl, nTreatment });
  return found.kind === 'value' ? found.value : null;
}
