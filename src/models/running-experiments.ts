import { SluiceError } from '../kernel/errors.js';
import { canonicalJson } from '../kernel/json.js';
import { modelIn, versionIn } from '../routing/plan-change.js';
import type {
  AttributeSource,
  CapturePlan,
  ExperimentPlan,
  ModelPlan,
  TrafficPlan,
  UnitSource,
} from '../routing/plan.js';

/** What a version of a running experiment would become. */
export interface NewUrl {
  readonly model: string;
  readonly version: string;
  readonly urls: readonly string[];
}

/** A comparison with one version says nothing about replacing another. */
export function championChanged(found: {
  readonly model: string;
  readonly present: string | null;
  readonly replaces: string;
}): SluiceError {
  const { model, present, replaces } = found;
  const now = present ?? 'none';
  return new SluiceError('conflict', `the champion of ${model} is ${now}, no longer ${replaces}`, [
    {
      field: 'champion',
      given: replaces,
      expected: now,
      advice: `compare with ${now} in a new experiment, or promote by hand`,
    },
  ]);
}

/**
 * Throws `conflict` when another URL would put a different model behind a version that is being compared. A replica may
 * be taken out: what is left was there before.
 */
export function refuseNewUrl(plan: TrafficPlan, { model, version, urls }: NewUrl): void {
  const known = modelIn(plan, model);
  const present = known === null ? null : versionIn(known, version);
  if (known === null || present === null) return;
  const expected = present.urls ?? [present.url];
  const url = urls.find((one) => !expected.includes(one));
  if (url === undefined) return;
  const user =
    known.experiments.find(({ variants }) =>
      variants.some((variant) => variant.version === version),
    ) ?? (known.holdout?.version === version ? known.holdout.experiment : undefined);
  if (user === undefined) return;
  throw new SluiceError(
    'conflict',
    `version ${version} is in the running experiment ${user.name}`,
    [
      {
        field: urls.length > 1 ? 'urls' : 'url',
        given: url,
        expected: expected.length > 1 ? `some of ${expected.join(', ')}` : present.url,
        advice: 'register it as a new version, or end the experiment first',
      },
    ],
  );
}

/** Throws `conflict` when a change of settings would change what a running experiment or a holdout is about. */
export function refuseNewMeaning(
  plan: TrafficPlan,
  model: string,
  settings: {
    readonly unit: UnitSource;
    readonly capture: CapturePlan;
    readonly attributes: Readonly<Record<string, AttributeSource>>;
  },
): void {
  const known = modelIn(plan, model);
  if (known === null) return;
  refuseNewUnits(known, settings.unit);
  refuseNewAttributes(known, settings.attributes);
  const running = known.experiments[0] ?? known.holdout?.experiment;
  if (running === undefined) return;
  for (const direction of ['output', 'input'] as const) {
    for (const [name, pointer] of Object.entries(known.capture[direction])) {
      const given = settings.capture[direction][name] ?? null;
      if (given === pointer) continue;
      throw frozen(running, { field: `capture.${direction}.${name}`, given, expected: pointer });
    }
  }
}

/** Other units would not be those that were enrolled or held out. */
function refuseNewUnits({ name, unit, experiments, holdout }: ModelPlan, given: UnitSource): void {
  if (canonicalJson(unit) === canonicalJson(given)) return;
  const running = experiments[0];
  if (running !== undefined) throw frozen(running, { field: 'unit', given, expected: unit });
  if (holdout === undefined) return;
  throw new SluiceError('conflict', `unit is frozen while ${name} has a holdout`, [
    {
      field: 'unit',
      given,
      expected: canonicalJson(unit),
      advice: `POST /api/v1/models/${name}/holdout/release {reason} first`,
    },
  ]);
}

function refuseNewAttributes(
  { experiments, attributes = {} }: ModelPlan,
  given: Readonly<Record<string, AttributeSource>>,
): void {
  for (const running of experiments) {
    for (const { attribute } of running.audience ?? []) {
      const expected = attributes[attribute] ?? null;
      const next = Object.hasOwn(given, attribute) ? given[attribute] : null;
      if (canonicalJson(next) === canonicalJson(expected)) continue;
      throw frozen(running, { field: `attributes.${attribute}`, given: next, expected });
    }
  }
}

/** Throws `conflict` while any experiment of the model runs; else returns the plan. */
export function refuseWhileRunning(plan: TrafficPlan, model: string): TrafficPlan {
  const running = modelIn(plan, model)?.experiments[0];
  if (running === undefined) return plan;
  throw new SluiceError('conflict', `the experiment ${running.name} decides about ${model}`, [
    {
      field: 'model',
      given: model,
      expected: 'a model without a running or paused experiment',
      advice: `promote, roll back or abort the experiment ${running.name} first`,
    },
  ]);
}

function frozen(
  running: Pick<ExperimentPlan, 'name'>,
  defect: { readonly field: string; readonly given: unknown; readonly expected: unknown },
): SluiceError {
  return new SluiceError(
    'conflict',
    `${defect.field} is frozen while the experiment ${running.name} runs`,
    [
      {
        field: defect.field,
        given: defect.given,
        expected: canonicalJson(defect.expected),
        advice: `end the experiment ${running.name} first`,
      },
    ],
  );
}
