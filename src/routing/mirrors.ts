import { cohortOf, coverageSalt } from './assign.js';
import { isInAudience, NO_ATTRIBUTES, type AttributeReader } from './audience.js';
import { bucket } from './murmur3.js';
import type { ExperimentPlan, ModelPlan } from './plan.js';

const NONE: readonly ExperimentPlan[] = [];

/**
 * The `shadow` experiments that copy a unit's requests. Nested: a larger share copies the same units and more. Units
 * of a model's holdout are in no experiment, so nothing of theirs is copied, and neither is a request without a unit.
 */
export function mirrorsOf(
  model: ModelPlan,
  unit: string | null,
  attributes: AttributeReader = NO_ATTRIBUTES,
): readonly ExperimentPlan[] {
  if (unit === null || !model.experiments.some(({ kind }) => kind === 'shadow')) return NONE;
  if (model.holdout !== undefined && cohortOf(model.holdout, unit) !== null) return NONE;
  return model.experiments.filter(
    (experiment) =>
      experiment.kind === 'shadow' &&
      isInAudience(experiment.audience ?? [], attributes) &&
      isMirrored(experiment, unit),
  );
}

/** Whether a unit's bucket lies in the share of units that a `shadow` experiment copies. */
export function isMirrored(experiment: ExperimentPlan, unit: string): boolean {
  return bucket(coverageSalt(experiment), unit) < mirrorShare(experiment);
}

/** Share of units that a `shadow` experiment copies; 0 for one that does not say. */
export function mirrorShare({ mirror }: Pick<ExperimentPlan, 'mirror'>): number {
  return mirror?.share ?? 0;
}
