import { controlOf, type Experiment, type FrozenDesign } from '../experiments/experiment.js';
import { experimentPlan } from '../experiments/experiment-plan.js';
import { SluiceError } from '../kernel/errors.js';
import { allocateSegments, freeSegmentCount, layerSalt } from '../routing/layers.js';
import {
  modelIn,
  withExperiment,
  withHoldout,
  withHoldoutExperiment,
  withoutExperiment,
} from '../routing/plan-change.js';
import {
  type ExperimentPlan,
  type HoldoutPlan,
  LAYER_SEGMENTS,
  type LayerPlan,
  type TrafficPlan,
} from '../routing/plan.js';
import { refuseTakingUnits } from '../models/holdout.js';
import { championChanged } from '../models/running-experiments.js';
import type { ReverseHoldout } from './change.js';
import type { Enrolment } from './phases.js';

/**
 * The plan with an experiment enrolled as a change says. Pure; runs under the plan's lock, so that two experiments
 * never get the same units. Throws `conflict` when its units or its layer are taken, or when it begins and its control
 * is not the champion that it has to be.
 */
export function enrolled(
  plan: TrafficPlan,
  experiment: Experiment,
  traffic: Enrolment,
): TrafficPlan {
  const { id, name, model, epoch, kind } = experiment;
  if (kind === 'holdout') {
    return withHoldoutExperiment(plan, model, { id, name, epoch, phase: traffic.phase });
  }
  if (traffic.phase === 1) refuseOtherChampion(plan, experiment);
  const previous = modelIn(plan, model)?.experiments.find((running) => running.id === id) ?? null;
  const layer = layerOf(plan, experiment, previous);
  return withExperiment(plan, model, experimentPlan(experiment, traffic, previous, layer));
}

/** The plan without an experiment: its units, segments and copies go back. */
export function withdrawn(plan: TrafficPlan, { id, model, kind }: Experiment): TrafficPlan {
  if (kind === 'holdout') return withHoldoutExperiment(plan, model, null);
  return withoutExperiment(plan, model, id);
}

/**
 * The plan without a model's holdout; its units are like all others from then on.
 * Throws `conflict` when it has none, or another experiment (null: any) compares it.
 */
export function released(plan: TrafficPlan, model: string, experiment: string | null): TrafficPlan {
  const compared = holdoutIn(plan, model).experiment;
  if ((compared?.id ?? null) === experiment) return withHoldout(plan, model, null);
  throw new SluiceError('conflict', `the holdout of ${model} is compared by another experiment`, [
    { field: 'model', given: model, advice: 'read the model and its experiments, then retry' },
  ]);
}

/**
 * The plan with a holdout that a promotion leaves behind. Throws `conflict` when the model has one already, or another
 * experiment whose units it would take.
 *
 * @param plan without the experiment that is promoted
 */
export function heldBack(plan: TrafficPlan, model: string, holdout: ReverseHoldout): TrafficPlan {
  if (modelIn(plan, model)?.holdout === undefined) {
    return withHoldout(refuseTakingUnits(plan, model), model, holdout);
  }
  throw new SluiceError('conflict', `model ${model} has a holdout already`, [
    {
      field: '/rollout/reverseHoldout',
      given: holdout.share,
      expected: 'a model without a holdout',
      advice: `POST /api/v1/models/${model}/holdout/release ends it, then promote again`,
    },
  ]);
}

/** The holdout of a model. Throws `conflict` when it has none. */
export function holdoutIn(plan: TrafficPlan, model: string): HoldoutPlan {
  const holdout = modelIn(plan, model)?.holdout;
  if (holdout !== undefined) return holdout;
  throw new SluiceError('conflict', `model ${model} has no holdout`, [
    { field: 'model', given: model, expected: 'a model with a holdout' },
  ]);
}

/** What was checked when it was defined, again under the lock: a promotion may have come between. */
function refuseOtherChampion(plan: TrafficPlan, { model, design }: Experiment): void {
  if (design === null || (design.kind !== 'canary' && design.kind !== 'shadow')) return;
  const present = modelIn(plan, model)?.champion ?? null;
  const replaces = controlOf(design).version;
  if (present !== replaces) throw championChanged({ model, present, replaces });
}

/** The segments that an experiment holds: given once, at its start; a redesign with another layer gives them anew. */
function layerOf(
  plan: TrafficPlan,
  { id, model, name, design }: Experiment,
  previous: ExperimentPlan | null,
): LayerPlan | null {
  const wanted = design?.layer;
  if (wanted === undefined) return null;
  if (previous?.layer !== undefined && isStill(previous.layer, wanted)) return previous.layer;
  const others = previous === null ? plan : withoutExperiment(plan, model, id);
  const ranges = allocateSegments(others, wanted.name, wanted.share);
  if (ranges !== null) return { name: wanted.name, salt: layerSalt(wanted.name), ranges };
  const free = freeSegmentCount(others, wanted.name);
  throw new SluiceError('conflict', `layer ${wanted.name} has no room for ${name}`, [
    {
      field: '/layer/share',
      given: wanted.share,
      expected: `at most ${String(free / LAYER_SEGMENTS)}: what other experiments left`,
      advice: 'ask for a smaller share, or end another experiment of the layer first',
    },
  ]);
}

function isStill(held: LayerPlan, wanted: NonNullable<FrozenDesign['layer']>): boolean {
  const segments = held.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  return (
    held.name === wanted.name && segments === Math.max(1, Math.round(wanted.share * LAYER_SEGMENTS))
  );
}
