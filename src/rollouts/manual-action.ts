import type { Experiment, FrozenDesign } from '../experiments/experiment.js';
import { type ManualVerb, nextStatus } from '../experiments/life-cycle.js';
import { SluiceError } from '../kernel/errors.js';
import { type Action, nextStep } from './change.js';
import { livePhases } from './phases.js';
import type { Verb, VerbBody, WeightsBody } from './rollouts.contract.js';

/** Throws `conflict` naming the verbs that are possible instead. */
export function refuseFromStatus(experiment: Experiment, verb: ManualVerb): void {
  const next = nextStatus(experiment.status, verb);
  if (next.kind === 'allowed') return;
  throw new SluiceError('conflict', `${verb} is not possible while ${experiment.status}`, [
    {
      field: 'verb',
      given: verb,
      expected:
        next.allowed.length > 0 ? `one of ${next.allowed.join(', ')}` : 'no verb: it has ended',
    },
  ]);
}

/** The frozen design of a started experiment. */
export function designOf(experiment: Experiment): FrozenDesign {
  if (experiment.design !== null) return experiment.design;
  throw new SluiceError('internal', `${experiment.name} has no frozen design`);
}

/** What a verb does to an experiment. Throws `conflict` or `invalid_input` when it makes no sense for it. */
export function actionOf(
  experiment: Experiment,
  verb: Exclude<Verb, 'start'>,
  body: VerbBody,
): Action {
  switch (verb) {
    case 'advance':
      return { kind: 'advance', toStep: manualStep(experiment) };
    case 'promote':
      return { kind: 'promote', variant: manualVariant(experiment, body) };
    default:
      return { kind: verb };
  }
}

/** A shadow has no steps: to advance it is to say that it is ready. */
function manualStep(experiment: Experiment): number | null {
  const { rollout, kind } = experiment;
  if (kind === 'shadow') return null;
  const next = rollout === null ? null : nextStep(designOf(experiment), rollout);
  if (next !== null) return next;
  throw new SluiceError('conflict', 'there is no further step with a control', [
    { field: 'verb', given: 'advance', expected: 'promote', advice: 'promote ends the rollout' },
  ]);
}

function manualVariant(experiment: Experiment, body: VerbBody): string {
  if (experiment.kind === 'shadow' || experiment.kind === 'holdout')
    throw promotesNothing(experiment);
  const candidates = openVariants(experiment);
  const wanted = body.variant ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (wanted !== undefined && candidates.includes(wanted)) return wanted;
  throw new SluiceError('invalid_input', 'which variant is to be promoted?', [
    { field: 'variant', given: body.variant ?? null, expected: `one of ${candidates.join(', ')}` },
  ]);
}

function promotesNothing({ name, kind }: Experiment): SluiceError {
  const advice =
    kind === 'shadow'
      ? 'advance says that it is ready, and begins the canary that follows it'
      : 'abort ends the comparison; the holdout of the model stays until it is released';
  return new SluiceError('conflict', `${name} is a ${kind}: it promotes nothing`, [
    { field: 'verb', given: 'promote', expected: 'an ab or a canary', advice },
  ]);
}

/** Closing an arm of an `ab`. Throws `conflict` for other kinds and for the last arm, `invalid_input` for no arm. */
export function closeAction(experiment: Experiment, variant: string): Action {
  refuseOtherThanAb(experiment, 'close');
  const open = openVariants(experiment);
  if (!open.includes(variant)) {
    throw new SluiceError('invalid_input', `${experiment.name} has no open arm ${variant}`, [
      { field: 'variant', given: variant, expected: `one of ${open.join(', ')}` },
    ]);
  }
  if (open.length > 1) return { kind: 'close', variant };
  throw new SluiceError('conflict', `${variant} is the last arm of ${experiment.name}`, [
    {
      field: 'variant',
      given: variant,
      expected: 'an arm beside which another is open',
      advice: 'rollback or abort ends the experiment',
    },
  ]);
}

/** Other weights for units that are not enrolled yet. Throws `conflict` or `invalid_input`. */
export function reweighAction(
  experiment: Experiment,
  { weights, coverage }: Pick<WeightsBody, 'weights' | 'coverage'>,
): Action {
  refuseOtherThanAb(experiment, 'weights');
  const { rollout, name } = experiment;
  const widest = rollout === null ? 0 : (livePhases(rollout).at(-1)?.coverage ?? 0);
  if (widest >= 1) {
    throw new SluiceError('conflict', `every unit of ${name} is enrolled already`, [
      {
        field: 'coverage',
        given: coverage,
        expected: 'an experiment that does not enrol everybody yet',
        advice:
          'no enrolled unit is moved; redesign begins a new epoch in which all are dealt out anew',
      },
    ]);
  }
  if (coverage <= widest) {
    const expected = `more than ${String(widest)}, up to 1: only units that are not enrolled yet get other weights`;
    throw new SluiceError('invalid_input', 'the coverage has to grow', [
      { field: 'coverage', given: coverage, expected },
    ]);
  }
  const control = designOf(experiment).variants.find((variant) => variant.control)?.name ?? '';
  const arms = [control, ...openVariants(experiment)].sort();
  if (Object.keys(weights).sort().join() !== arms.join()) {
    throw new SluiceError('invalid_input', 'the weights do not fit the open arms', [
      { field: 'weights', given: weights, expected: `a weight for each of ${arms.join(', ')}` },
    ]);
  }
  return { kind: 'reweigh', weights, coverage };
}

function openVariants(experiment: Experiment): readonly string[] {
  const closed = experiment.rollout?.closed ?? [];
  return designOf(experiment)
    .variants.filter(({ control, name }) => !control && !closed.includes(name))
    .map(({ name }) => name);
}

function refuseOtherThanAb({ kind, name }: Experiment, verb: string): void {
  if (kind === 'ab') return;
  throw new SluiceError('conflict', `${name} is a ${kind}: ${verb} is for an ab`, [
    { field: 'verb', given: verb, expected: 'an experiment of kind ab' },
  ]);
}
