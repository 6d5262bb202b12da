import { isInAudience, NO_ATTRIBUTES, type AttributeReader } from './audience.js';
import { layerSegment, liesIn } from './layers.js';
import { bucket } from './murmur3.js';
import {
  HOLDOUT_ARMS,
  type Assignment,
  type AssignmentReason,
  type Enrolment,
  type ExperimentPlan,
  type HoldoutPlan,
  type ModelPlan,
  type VariantPlan,
  type WeightSegment,
} from './plan.js';

/** A stretch of hash space that a variant takes: buckets in [from, to). */
export interface VariantRange {
  readonly variant: VariantPlan;
  readonly from: number;
  readonly to: number;
}

/** A unit's place in one experiment: its variant, and the stratum that its first exposure counts in. */
export interface Placement {
  readonly variant: VariantPlan;
  readonly phase: number;
}

/** The two cohorts of a holdout: `pinned` stays on its version, `shipped` gets champions only. */
export type Cohort = keyof typeof HOLDOUT_ARMS;

/**
 * Which version a request is assigned to, and why. Order: override, then the model's holdout, then the experiments
 * as the plan lists them - each asks layer, audience, coverage and weights, and the first that takes the unit wins -
 * then the champion. A unit whose variant was closed gets the champion and is asked no further.
 *
 * @param unit the unit's key; null: the request carries none, so it gets the champion and enters no experiment
 * @param override a version that the caller asked for and may ask for; one that does not exist is ignored
 * @param attributes of the request; asked only for those that an audience names, and only when it comes to that
 * @returns null when the model has no champion (nothing is registered yet) and no override applies
 */
export function assign(
  model: ModelPlan,
  unit: string | null,
  override: string | null,
  attributes: AttributeReader = NO_ATTRIBUTES,
): Assignment | null {
  if (override !== null && Object.hasOwn(model.versions, override)) {
    return { version: override, reason: 'override', enrolment: null };
  }
  if (model.champion === null) return null;
  if (unit === null) return champion(model.champion, 'no_unit');
  const { holdout } = model;
  const cohort = holdout === undefined ? null : cohortOf(holdout, unit);
  if (holdout !== undefined && cohort !== null) return inCohort(holdout, cohort, model.champion);
  // Experiments of one model that run beside each other share a layer: one hash for all of them.
  let salt: string | null = null;
  let segment = 0;
  for (const experiment of model.experiments) {
    const { kind, layer, audience } = experiment;
    if (kind === 'shadow') continue;
    if (layer !== undefined) {
      if (layer.salt !== salt) {
        salt = layer.salt;
        segment = layerSegment(salt, unit);
      }
      if (!liesIn(layer.ranges, segment)) continue;
    }
    if (audience !== undefined && !isInAudience(audience, attributes)) continue;
    const place = placementOf(experiment, unit);
    if (place === null) continue;
    if (place.variant.closed === true) break;
    return enrolled(experiment, place);
  }
  return champion(model.champion, 'champion');
}

/** The cohort of a unit in a model's holdout; null: neither, it is free for experiments. */
export function cohortOf({ salt, share }: HoldoutPlan, unit: string): Cohort | null {
  const place = bucket(salt, unit);
  if (place >= 1 - share) return 'pinned';
  return place < share ? 'shipped' : null;
}

/** What a unit of a cohort gets, and the exposure it is while an experiment compares the cohorts. */
export function inCohort(
  { version, experiment }: HoldoutPlan,
  cohort: Cohort,
  shipped: string,
): Assignment {
  const enrolment: Enrolment | null =
    experiment === undefined
      ? null
      : {
          experimentId: experiment.id,
          experimentName: experiment.name,
          epoch: experiment.epoch,
          phase: experiment.phase,
          variant: HOLDOUT_ARMS[cohort],
        };
  return cohort === 'pinned'
    ? { version, reason: 'holdout', enrolment }
    : { version: shipped, reason: 'champion', enrolment };
}

/**
 * Whether another version may answer when the assigned one fails. Not for the units of a holdout: they stay on their
 * version, and while the cohorts are compared the other one has no safety net either, or it would count as lift.
 */
export function mayFallBack({
  reason,
  enrolment,
}: Pick<Assignment, 'reason' | 'enrolment'>): boolean {
  return reason !== 'holdout' && (reason !== 'champion' || enrolment === null);
}

/** The place that a unit has in one experiment by coverage and weights; null: not enrolled. */
export function placementOf(experiment: ExperimentPlan, unit: string): Placement | null {
  if (experiment.kind === 'ab') return abPlacement(experiment, unit);
  if (experiment.kind === 'shadow') return null;
  const variant = canaryVariant(experiment, bucket(experiment.salt, unit));
  return variant === null ? null : { variant, phase: experiment.phase };
}

/** The variant that a unit has in one experiment; null: not enrolled. */
export function variantOf(experiment: ExperimentPlan, unit: string): VariantPlan | null {
  return placementOf(experiment, unit)?.variant ?? null;
}

/** The salt whose bucket says whether a unit is enrolled in an `ab` experiment. */
export function coverageSalt(experiment: ExperimentPlan): string {
  return `${experiment.salt}.coverage`;
}

/** The salt whose bucket says which variant an enrolled unit has; independent of the coverage bucket. */
export function variantSalt(experiment: ExperimentPlan): string {
  return `${experiment.salt}.variant`;
}

/**
 * The hash ranges of a canary at its coverage c. At c <= 0.5 the variant has [0, c) and an equally large control
 * runs beside it in [1-c, 1), so that drift cancels; above, the control is the rest, [c, 1). The variant's range
 * only grows with c: a unit of the variant never leaves it, and one of the control leaves it only when c exceeds
 * its bucket, which needs c > 0.5.
 */
export function canaryRanges(experiment: ExperimentPlan): readonly VariantRange[] {
  const { coverage } = experiment;
  const control = experiment.variants.find((variant) => variant.control);
  const treatment = experiment.variants.find((variant) => !variant.control);
  const ranges: VariantRange[] = [];
  if (treatment !== undefined) ranges.push({ variant: treatment, from: 0, to: coverage });
  if (control !== undefined) {
    ranges.push({ variant: control, from: controlFrom(coverage), to: 1 });
  }
  return ranges;
}

/** The weights that hold at a coverage bucket; null beyond the last segment. */
export function segmentAt(
  { segments }: Pick<ExperimentPlan, 'segments'>,
  coverageBucket: number,
): WeightSegment | null {
  for (const segment of segments) if (coverageBucket < segment.upTo) return segment;
  return null;
}

/**
 * Hash ranges in proportion to weights, in the order of the variants. A variant of weight 0 gets none.
 *
 * @param weights one non-negative number per variant; if they sum to 0, nobody gets a range
 */
export function weightRanges(
  variants: readonly VariantPlan[],
  weights: readonly number[],
): readonly VariantRange[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return [];
  const ranges: VariantRange[] = [];
  let sum = 0;
  variants.forEach((variant, index) => {
    const weight = weights[index] ?? 0;
    if (weight <= 0) return;
    const from = sum / total;
    sum += weight;
    ranges.push({ variant, from, to: sum / total });
  });
  return ranges;
}

function controlFrom(coverage: number): number {
  return coverage <= 0.5 ? 1 - coverage : coverage;
}

function canaryVariant(experiment: ExperimentPlan, place: number): VariantPlan | null {
  const isTreatment = place < experiment.coverage;
  if (!isTreatment && place < controlFrom(experiment.coverage)) return null;
  return experiment.variants.find((variant) => variant.control !== isTreatment) ?? null;
}

function abPlacement(experiment: ExperimentPlan, unit: string): Placement | null {
  const coverageBucket = bucket(coverageSalt(experiment), unit);
  if (coverageBucket >= experiment.coverage) return null;
  const segment = segmentAt(experiment, coverageBucket);
  if (segment === null) return null;
  const place = bucket(variantSalt(experiment), unit);
  const variant = variantAt(experiment.variants, segment.weights, place);
  return variant === null ? null : { variant, phase: segment.phase ?? experiment.phase };
}

/** The variant of `weightRanges` that a place lies in, without making the ranges: this runs for every request. */
function variantAt(
  variants: readonly VariantPlan[],
  weights: readonly number[],
  place: number,
): VariantPlan | null {
  let total = 0;
  for (const weight of weights) total += weight;
  let sum = 0;
  for (const [index, variant] of variants.entries()) {
    const weight = weights[index] ?? 0;
    if (weight <= 0) continue;
    sum += weight;
    if (place < sum / total) return variant;
  }
  return null;
}

/** The assignment of a unit that an experiment takes. */
export function enrolled(
  { id, name, epoch }: ExperimentPlan,
  { variant, phase }: Placement,
): Assignment {
  return {
    version: variant.version,
    reason: 'experiment',
    enrolment: { experimentId: id, experimentName: name, epoch, phase, variant: variant.name },
  };
}

function champion(version: string, reason: AssignmentReason): Assignment {
  return { version, reason, enrolment: null };
}
