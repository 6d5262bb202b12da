import {
  canaryRanges,
  coverageSalt,
  segmentAt,
  variantSalt,
  weightRanges,
  type VariantRange,
} from './assign.js';
import { bucket } from './murmur3.js';
import type { Assignment, ExperimentPlan, ModelPlan, VariantPlan } from './plan.js';

/** A variant's share of hash space, as it is shown: buckets in [from, to). */
export interface ExplainedRange {
  readonly variant: string;
  readonly version: string;
  readonly from: number;
  readonly to: number;
}

/** One question that assignment asked, with the numbers it looked at and what came out. */
export type ExplainStep =
  | { readonly step: 'unit'; readonly unit: string | null; readonly result: string }
  | {
      readonly step: 'ranges' | 'variant';
      readonly experiment: string;
      readonly salt: string;
      readonly bucket: number;
      readonly coverage: number;
      readonly ranges: readonly ExplainedRange[];
      /** `variant` only: the weights in force, and the coverage buckets they hold for. */
      readonly segment: {
        readonly from: number;
        readonly upTo: number;
        readonly weights: readonly number[];
      } | null;
      readonly variant: string | null;
      readonly result: string;
    }
  | {
      readonly step: 'coverage';
      readonly experiment: string;
      readonly salt: string;
      readonly bucket: number;
      readonly coverage: number;
      readonly enrolled: boolean;
      readonly result: string;
    }
  | { readonly step: 'champion'; readonly version: string | null; readonly result: string };

export interface Explanation {
  readonly model: string;
  readonly unit: string | null;
  /** The same value that `assign(model, unit, null)` returns. */
  readonly assignment: Assignment | null;
  readonly steps: readonly ExplainStep[];
}

/**
 * Why a unit gets the version it gets: every step of the assignment in order, each with its bucket, ranges and
 * weights, and the reason in words where an experiment did not take the unit.
 *
 * @param unit the unit's key; null: a request without one
 */
export function explainAssignment(model: ModelPlan, unit: string | null): Explanation {
  const steps: ExplainStep[] = [];
  const done = (assignment: Assignment | null): Explanation => ({
    model: model.name,
    unit,
    assignment,
    steps,
  });
  if (model.champion === null) {
    steps.push({ step: 'champion', version: null, result: 'the model has no champion yet' });
    return done(null);
  }
  if (unit === null) {
    steps.push({ step: 'unit', unit, result: 'no unit: the champion answers, in no experiment' });
    return done({ version: model.champion, reason: 'no_unit', enrolment: null });
  }
  steps.push({ step: 'unit', unit, result: 'the unit is known' });
  for (const experiment of model.experiments) {
    const variant =
      experiment.kind === 'canary'
        ? explainCanary(experiment, unit, steps)
        : explainAb(experiment, unit, steps);
    if (variant !== null) return done(enrolledIn(experiment, variant));
  }
  steps.push({ step: 'champion', version: model.champion, result: 'in no experiment' });
  return done({ version: model.champion, reason: 'champion', enrolment: null });
}

function explainCanary(
  experiment: ExperimentPlan,
  unit: string,
  steps: ExplainStep[],
): VariantPlan | null {
  const place = bucket(experiment.salt, unit);
  const ranges = canaryRanges(experiment);
  const variant = within(ranges, place);
  steps.push({
    step: 'ranges',
    experiment: experiment.name,
    salt: experiment.salt,
    bucket: place,
    coverage: experiment.coverage,
    ranges: ranges.map(shown),
    segment: null,
    variant: variant?.name ?? null,
    result: variant
      ? `bucket ${show(place)} lies in the range of ${variant.name}`
      : `bucket ${show(place)} lies in no range at coverage ${experiment.coverage}`,
  });
  return variant;
}

function explainAb(
  experiment: ExperimentPlan,
  unit: string,
  steps: ExplainStep[],
): VariantPlan | null {
  const coverageBucket = bucket(coverageSalt(experiment), unit);
  const segment = segmentAt(experiment, coverageBucket);
  const enrolled = coverageBucket < experiment.coverage && segment !== null;
  steps.push({
    step: 'coverage',
    experiment: experiment.name,
    salt: coverageSalt(experiment),
    bucket: coverageBucket,
    coverage: experiment.coverage,
    enrolled,
    result: enrolled
      ? `bucket ${show(coverageBucket)} is below coverage ${experiment.coverage}`
      : `bucket ${show(coverageBucket)} is not below coverage ${experiment.coverage}: not enrolled`,
  });
  if (!enrolled) return null;
  const place = bucket(variantSalt(experiment), unit);
  const ranges = weightRanges(experiment.variants, segment.weights);
  const variant = within(ranges, place);
  steps.push({
    step: 'variant',
    experiment: experiment.name,
    salt: variantSalt(experiment),
    bucket: place,
    coverage: experiment.coverage,
    ranges: ranges.map(shown),
    segment,
    variant: variant?.name ?? null,
    result: variant
      ? `bucket ${show(place)} lies in the range of ${variant.name}`
      : 'no variant has any weight',
  });
  return variant;
}

function within(ranges: readonly VariantRange[], place: number): VariantPlan | null {
  return ranges.find(({ from, to }) => place >= from && place < to)?.variant ?? null;
}

function shown({ variant, from, to }: VariantRange): ExplainedRange {
  return { variant: variant.name, version: variant.version, from, to };
}

function show(place: number): string {
  return place.toFixed(6);
}

function enrolledIn(experiment: ExperimentPlan, variant: VariantPlan): Assignment {
  const { id, name, epoch, phase } = experiment;
  return {
    version: variant.version,
    reason: 'experiment',
    enrolment: { experimentId: id, experimentName: name, epoch, phase, variant: variant.name },
  };
}
