import { enrolled, inCohort } from './assign.js';
import { NO_ATTRIBUTES, type AttributeReader } from './audience.js';
import {
  explainAudience,
  explainHoldout,
  explainLayer,
  explainMirror,
  explainPlacement,
  type ExplainStep,
} from './explain-steps.js';
import type { Assignment, ModelPlan } from './plan.js';

export interface Explanation {
  readonly model: string;
  readonly unit: string | null;
  /** The same value that `assign(model, unit, null, attributes)` returns. */
  readonly assignment: Assignment | null;
  readonly steps: readonly ExplainStep[];
  /** Names of the `shadow` experiments that copy the unit's requests; absent: the model has none. */
  readonly mirrors?: readonly string[];
}

/**
 * Why a unit gets the version it gets: every step of the assignment in order, each with its bucket, ranges and
 * weights, and the reason in words where an experiment did not take the unit.
 *
 * @param unit the unit's key; null: a request without one
 * @param attributes of the request that is asked about; an audience that names others is not met
 */
export function explainAssignment(
  model: ModelPlan,
  unit: string | null,
  attributes: AttributeReader = NO_ATTRIBUTES,
): Explanation {
  const steps: ExplainStep[] = [];
  const assignment = explained(model, unit, { attributes, steps });
  const shadows = model.experiments.filter(({ kind }) => kind === 'shadow');
  if (shadows.length === 0) return { model: model.name, unit, assignment, steps };
  const isHeldOut = steps.some((step) => step.step === 'holdout' && step.cohort !== null);
  const mirrors =
    unit === null || isHeldOut
      ? []
      : shadows.filter(
          (shadow) =>
            explainAudience(shadow, attributes, steps) && explainMirror(shadow, unit, steps),
        );
  return { model: model.name, unit, assignment, steps, mirrors: mirrors.map(({ name }) => name) };
}

function explained(
  model: ModelPlan,
  unit: string | null,
  { attributes, steps }: { readonly attributes: AttributeReader; readonly steps: ExplainStep[] },
): Assignment | null {
  const { champion, holdout } = model;
  if (champion === null) {
    steps.push({ step: 'champion', version: null, result: 'the model has no champion yet' });
    return null;
  }
  if (unit === null) {
    steps.push({ step: 'unit', unit, result: 'no unit: the champion answers, in no experiment' });
    return { version: champion, reason: 'no_unit', enrolment: null };
  }
  steps.push({ step: 'unit', unit, result: 'the unit is known' });
  const cohort = holdout === undefined ? null : explainHoldout(holdout, unit, steps);
  if (holdout !== undefined && cohort !== null) return inCohort(holdout, cohort, champion);
  for (const experiment of model.experiments) {
    if (experiment.kind === 'shadow') continue;
    if (!explainLayer(experiment, unit, steps)) continue;
    if (!explainAudience(experiment, attributes, steps)) continue;
    const place = explainPlacement(experiment, unit, steps);
    if (place === null) continue;
    if (place.variant.closed !== true) return enrolled(experiment, place);
    const { name } = experiment;
    const result = `${place.variant.name} is closed: its units get the champion, unrecorded`;
    steps.push({ step: 'closed', experiment: name, variant: place.variant.name, result });
    break;
  }
  steps.push({ step: 'champion', version: champion, result: 'in no experiment' });
  return { version: champion, reason: 'champion', enrolment: null };
}
