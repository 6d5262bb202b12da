import { SluiceError } from '../kernel/errors.js';
import { takenSegments } from './layers.js';
import type {
  ExperimentPlan,
  HoldoutPlan,
  ModelPlan,
  PlanKey,
  TrafficPlan,
  VersionPlan,
} from './plan.js';

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
 * Throws `not_found` for an unknown model or a variant whose version is unknown, and `conflict` when another
 * experiment takes the same units: on one model, only experiments of one layer run beside each other, each on
 * segments of its own. Experiments of kind `shadow` take no unit and are in nobody's way.
 */
export function withExperiment(
  plan: TrafficPlan,
  model: string,
  experiment: ExperimentPlan,
): TrafficPlan {
  const known = need(plan, model);
  for (const variant of experiment.variants) needVersion(known, variant.version, 'variants');
  refuseSharedUnits(plan, known, experiment);
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

/**
 * Gives a model its holdout, or takes it away (null) together with the experiment on it.
 * Throws `not_found` for an unknown model or version.
 */
export function withHoldout(
  plan: TrafficPlan,
  model: string,
  holdout: Omit<HoldoutPlan, 'experiment'> | null,
): TrafficPlan {
  const known = need(plan, model);
  const { holdout: present, ...rest } = known;
  if (holdout === null) return put(plan, rest);
  needVersion(known, holdout.version, 'holdout.version');
  const experiment = present?.experiment;
  return put(plan, {
    ...known,
    holdout: { ...holdout, ...(experiment === undefined ? {} : { experiment }) },
  });
}

/**
 * Says which experiment of kind `holdout` the cohorts of a model's holdout are exposures of, and its entry period;
 * null: none any more. Throws `not_found` for an unknown model, and `conflict` when it has no holdout or another
 * experiment is on it.
 */
export function withHoldoutExperiment(
  plan: TrafficPlan,
  model: string,
  experiment: NonNullable<HoldoutPlan['experiment']> | null,
): TrafficPlan {
  const known = need(plan, model);
  const { holdout } = known;
  if (experiment === null) {
    if (holdout === undefined) return plan;
    const { share, version, salt } = holdout;
    return put(plan, { ...known, holdout: { share, version, salt } });
  }
  if (holdout === undefined) {
    throw new SluiceError('conflict', `model ${model} has no holdout`, [
      {
        field: '/model',
        given: model,
        expected: 'a model with a holdout',
        advice: `PUT /api/v1/models/${model} with holdout: {share, version} first`,
      },
    ]);
  }
  const other = holdout.experiment;
  if (other !== undefined && other.id !== experiment.id) {
    throw new SluiceError('conflict', `${other.name} compares the holdout of ${model} already`, [
      {
        field: '/model',
        given: model,
        expected: 'a holdout that no experiment compares',
        advice: `abort ${other.name} first`,
      },
    ]);
  }
  return put(plan, { ...known, holdout: { ...holdout, experiment } });
}

/** Replaces the data-plane keys. */
export function withKeys(plan: TrafficPlan, keys: readonly PlanKey[]): TrafficPlan {
  return { ...plan, keys };
}

function refuseSharedUnits(plan: TrafficPlan, model: ModelPlan, experiment: ExperimentPlan): void {
  const { id, kind, layer } = experiment;
  if (kind === 'shadow') return;
  const beside = model.experiments.find(
    (other) =>
      other.id !== id &&
      other.kind !== 'shadow' &&
      (layer === undefined || other.layer?.name !== layer.name),
  );
  if (beside !== undefined) throw unitsTaken(model, experiment, beside);
  const taken = layer === undefined ? [] : takenSegments(plan, layer.name);
  for (const { from, to, experiment: holder } of taken) {
    if (holder === id || !layer?.ranges.some((own) => own.from < to && own.to > from)) continue;
    throw new SluiceError('conflict', `segments of layer ${layer.name} are taken`, [
      { field: '/layer', given: layer.ranges, expected: `none of [${from}, ${to})` },
    ]);
  }
}

function unitsTaken(
  model: ModelPlan,
  { name, layer }: ExperimentPlan,
  beside: ExperimentPlan,
): SluiceError {
  const place = beside.layer === undefined ? 'in no layer' : `in layer ${beside.layer.name}`;
  return new SluiceError('conflict', `${beside.name} takes units of ${model.name}, ${place}`, [
    {
      field: '/layer',
      given: layer?.name ?? null,
      expected:
        beside.layer === undefined
          ? `no other experiment beside ${beside.name}`
          : `the layer ${beside.layer.name}`,
      advice:
        beside.layer === undefined
          ? `end ${beside.name} first; experiments of one layer can run beside each other`
          : `put ${name} into layer ${beside.layer.name}, or end ${beside.name} first`,
    },
  ]);
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
