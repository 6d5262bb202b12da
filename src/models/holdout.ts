import { SluiceError } from '../kernel/errors.js';
import { canonicalJson } from '../kernel/json.js';
import { modelIn } from '../routing/plan-change.js';
import type { HoldoutPlan, TrafficPlan } from '../routing/plan.js';

/** A model's holdout as it is kept with the model. */
export type Holdout = Omit<HoldoutPlan, 'experiment'>;

/** As it is asked for and shown: the salt is ours. */
export type HoldoutSettings = Omit<Holdout, 'salt'>;

/**
 * The holdout that a model has after its settings were put. Whoever is held out stays so: once it is there, a holdout
 * can be repeated and left out, and nothing else; it ends by its own, audited endpoint.
 *
 * @param asked undefined: left out; null: said to be none
 * @param salt for a holdout that begins
 * @throws SluiceError `conflict` when it would change or end
 */
export function nextHoldout(
  model: string,
  present: Holdout | null,
  { asked, salt }: { readonly asked: HoldoutSettings | null | undefined; readonly salt: string },
): Holdout | null {
  if (asked === undefined) return present;
  if (present === null) return asked === null ? null : { ...asked, salt };
  const { share, version } = present;
  if (asked !== null && asked.share === share && asked.version === version) return present;
  throw new SluiceError('conflict', `model ${model} has a holdout, which cannot be changed`, [
    {
      field: '/holdout',
      given: asked,
      expected: canonicalJson({ share, version }),
      advice: `leave holdout out to keep it; POST /api/v1/models/${model}/holdout/release {reason} ends it`,
    },
  ]);
}

/** Throws `conflict` when a new holdout would take units out of a running experiment; else returns the plan. */
export function refuseTakingUnits(plan: TrafficPlan, model: string): TrafficPlan {
  const running = modelIn(plan, model)?.experiments.find(({ kind }) => kind !== 'shadow');
  if (running === undefined) return plan;
  throw new SluiceError('conflict', `a holdout would take units out of ${running.name}`, [
    {
      field: '/holdout',
      given: model,
      expected: 'a model without a running or paused experiment',
      advice: `end ${running.name} first`,
    },
  ]);
}
