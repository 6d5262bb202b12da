import { bucket } from './murmur3.js';
import type {
  Assignment,
  AssignmentReason,
  ExperimentPlan,
  ModelPlan,
  VariantPlan,
  WeightSegment,
} from './plan.js';

/** A stretch of hash space that a variant takes: buckets in [from, to). */
export interface VariantRange {
  readonly variant: VariantPlan;
  readonly from: number;
  readonly to: number;
}

/**
 * Which version a request is assigned to, and why. Order: override, then the experiments as the plan lists them
 * (the first that enrols the unit wins), then the champion.
 *
 * @param unit the unit's key; null: the request carries none, so it gets the champion and enters no experiment
 * @param override a version that the caller asked for and may ask for; one that does not exist is ignored
 * @returns null when the model has no champion (nothing is registered yet) and no override applies
 */
export function assign(
  model: ModelPlan,
  unit: string | null,
  override: string | null,
): Assignment | null {
  if (override !== null && Object.hasOwn(model.versions, override)) {
    return { version: override, reason: 'override', enrolment: null };
  }
  if (model.champion === null) return null;
  if (unit === null) return champion(model.champion, 'no_unit');
  for (const experiment of model.experiments) {
    const variant = variantOf(experiment, unit);
    if (variant !== null) return enrolled(experiment, variant);
  }
  return champion(model.champion, 'champion');
}

/** The variant that a unit has in one experiment; null: not enrolled. */
export function variantOf(experiment: ExperimentPlan, unit: string): VariantPlan | null {
  return experiment.kind === 'canary'
    ? canaryVariant(experiment, bucket(experiment.salt, unit))
    : abVariant(experiment, unit);
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

/** The weights that hold at a coverage bucket, with the segment's lower end; null beyond the last segment. */
export function segmentAt(
  experiment: ExperimentPlan,
  coverageBucket: number,
): (WeightSegment & { readonly from: number }) | null {
  let from = 0;
  for (const segment of experiment.segments) {
    if (coverageBucket < segment.upTo) return { ...segment, from };
    from = segment.upTo;
  }
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

function abVariant(experiment: ExperimentPlan, unit: string): VariantPlan | null {
  const coverageBucket = bucket(coverageSalt(experiment), unit);
  if (coverageBucket >= experiment.coverage) return null;
  const segment = segmentAt(experiment, coverageBucket);
  if (segment === null) return null;
  return variantAt(experiment.variants, segment.weights, bucket(variantSalt(experiment), unit));
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

function enrolled(experiment: ExperimentPlan, variant: VariantPlan): Assignment {
  return {
    version: variant.version,
    reason: 'experiment',
    enrolment: {
      experimentId: experiment.id,
      experimentName: experiment.name,
      epoch: experiment.epoch,
      phase: experiment.phase,
      variant: variant.name,
    },
  };
}

function champion(version: string, reason: AssignmentReason): Assignment {
  return { version, reason, enrolment: null };
}
