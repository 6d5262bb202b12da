import { SluiceError } from '../kernel/errors.js';
import type { ExperimentPlan, ModelPlan, PlanKey, TrafficPlan, VersionPlan } from './plan.js';

/** What a model's definition says; its champion, versions, experiments and holdout have their own changes. */
export type ModelSettings = Omit<ModelPlan, 'champion' | 'versions' | 'experiments' | 'holdout'>;

/** The plan before anything was registered; its version 0 is older than every stored plan. */
export function emptyPlan(): TrafficPlan {
  return { version: 0, models: {}, keys: [] };
}

/** A model of the plan by name, or null. Names like `constructor` are ordinary: only own properties count. */
export function modelIn(plan: TrafficPlan, name: string): ModelPlan | null {
  return Object.hasOwn(plan.models, name) ? (plan.models[name] ?? null) : null;
}

/** A version of a model by name, or null. */
export function versionIn(model: ModelPlan, name: string): VersionPlan | null {
  return Object.hasOwn(model.versions, name) ? (model.versions[name] ?? null) : null;
}

/**
 * Registers a model or replaces its settings; champion, versions and experiments stay. Like every change here it
 * returns a new plan, leaves the given one alone and does not touch `version`, which belongs to whoever stores it.
 */
export function withModel(plan: TrafficPlan, settings: ModelSettings): TrafficPlan {
  const known = modelIn(plan, settings.name);
  return put(plan, {
    ...settings,
    champion: known?.champion ?? null,
    versions: known?.versions ?? {},
    experiments: known?.experiments ?? [],
    ...(known?.holdout === undefined ? {} : { holdout: known.holdout }),
  });
}

/** Registers or replaces a version. Throws `not_found` for an unknown model. */
export function withVersion(plan: TrafficPlan, model: string, version: VersionPlan): TrafficPlan {
  const known = need(plan, model);
  return put(plan, { ...known, versions: { ...known.versions, [version.name]: version } });
}

/** Makes a version the champion. Throws `not_found` for an unknown model or version. */
export function withChampion(plan: TrafficPlan, model: string, version: string): TrafficPlan {
  const known = need(plan, model);
  needVersion(known, version, 'champion');
  return put(plan, { ...known, champion: version });
}

/**
 * Adds an experiment, or replaces the one with the same id at its place in the order.
 * Throws `not_found` for an unknown model or a variant whose version is unknown.
 */
export function withExperiment(
  plan: TrafficPlan,
  model: string,
  experiment: ExperimentPlan,
): TrafficPlan {
  const known = need(plan, model);
  for (const variant of experiment.variants) needVersion(known, variant.version, 'variants');
  const replaces = known.experiments.some(({ id }) => id === experiment.id);
  const experiments = replaces
    ? known.experiments.map((old) => (old.id === experiment.id ? experiment : old))
    : [...known.experiments, experiment];
  return put(plan, { ...known, experiments });
}

/** Takes an experiment out; without effect when it is not there. Throws `not_found` for an unknown model. */
export function withoutExperiment(
  plan: TrafficPlan,
  model: string,
  experimentId: string,
): TrafficPlan {
  const known = need(plan, model);
  return put(plan, {
    ...known,
    experiments: known.experiments.filter(({ id }) => id !== experimentId),
  });
}

/** Replaces the data-plane keys. */
export function withKeys(plan: TrafficPlan, keys: readonly PlanKey[]): TrafficPlan {
  return { ...plan, keys };
}

function put(plan: TrafficPlan, model: ModelPlan): TrafficPlan {
  return { ...plan, models: { ...plan.models, [model.name]: model } };
}

function need(plan: TrafficPlan, name: string): ModelPlan {
  const model = modelIn(plan, name);
  if (model !== null) return model;
  throw new SluiceError('not_found', `the plan has no model ${name}`, [
    { field: 'model', given: name, expected: 'a registered model', advice: 'register it first' },
  ]);
}

function needVersion(model: ModelPlan, name: string, field: string): void {
  if (versionIn(model, name) !== null) return;
  throw new SluiceError('not_found', `model ${model.name} has no version ${name}`, [
    { field, given: name, expected: 'a registered version', advice: 'register it first' },
  ]);
}
