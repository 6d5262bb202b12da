import { parseDuration } from '../kernel/duration.js';

/** What the rules between fields look at: a posted experiment whose fields are each valid. */
interface PostedExperiment {
  readonly kind: string;
  readonly variants: readonly {
    readonly name: string;
    readonly control: boolean;
    readonly weight: number;
  }[];
  readonly coverage: number;
  readonly metrics: readonly {
    readonly metric: string;
    readonly role: 'success' | 'guardrail' | 'diagnostic';
    readonly nonInferiorityMargin?: object | undefined;
  }[];
  readonly analysis: {
    readonly method: string;
    readonly minRuntime: string;
    readonly maxRuntime: string;
    readonly interval: string;
    readonly minUnits: number;
    readonly plannedUnits: number;
  };
  readonly layer: unknown;
  readonly rollout?: PostedRollout | undefined;
  readonly mirror?: object | undefined;
  readonly next?: object | undefined;
  readonly period?: string | undefined;
  readonly decision: {
    readonly limits?: { readonly timeoutRate?: number | null | undefined } | undefined;
  };
}

interface PostedRollout {
  readonly steps: readonly PostedStep[];
  readonly bake?: string | undefined;
  readonly reverseHoldout?: { readonly share: number } | undefined;
}

interface PostedStep {
  readonly coverage: number;
  readonly hold: { readonly duration: string };
}

/** A rule between fields that does not hold; `path` leads to the field to change. */
export interface CrossFieldDefect {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Every rule between fields that a posted experiment breaks; empty when it fits together. Pure. */
export function crossFieldDefects(given: PostedExperiment): readonly CrossFieldDefect[] {
  const common = [
    ...variantDefects(given),
    ...foreignFields(given),
    ...metricDefects(given),
    ...analysisDefects(given),
  ];
  switch (given.kind) {
    case 'canary':
      return [...common, ...equalArms(given), ...canaryDefects(given)];
    case 'shadow':
      return [
        ...common,
        ...equalArms(given),
        ...wholeCoverage(given),
        ...alwaysValid(given),
        ...noTimeoutLimit(given),
      ];
    case 'holdout':
      return [...common, ...wholeCoverage(given), ...periodDefects(given)];
    default:
      return common;
  }
}

/** How many variants a kind has, the control included. */
const ARMS: Readonly<Record<string, { readonly min: number; readonly max: number; why: string }>> =
  {
    ab: { min: 2, max: 10, why: 'a control and at least one variant' },
    canary: { min: 2, max: 2, why: 'a canary has a control and one variant' },
    shadow: { min: 2, max: 2, why: 'a shadow has a control and one variant' },
    holdout: { min: 0, max: 0, why: 'nothing: its arms are the cohorts of the model' },
  };

function variantDefects({ kind, variants }: PostedExperiment): CrossFieldDefect[] {
  const defects: CrossFieldDefect[] = duplicates(variants.map(({ name }) => name)).map((index) => ({
    path: ['variants', index, 'name'],
    message: 'a name that no other variant has',
  }));
  const arms = ARMS[kind];
  if (arms === undefined) return defects;
  if (variants.length < arms.min || variants.length > arms.max) {
    defects.push({ path: ['variants'], message: arms.why });
  }
  const controls = variants.filter(({ control }) => control).length;
  if (arms.max > 0 && controls !== 1) {
    defects.push({ path: ['variants'], message: `exactly one control, given ${controls}` });
  }
  return defects;
}

/** Fields that belong to other kinds. */
const FIELDS_OF: readonly (readonly [keyof PostedExperiment, readonly string[], string])[] = [
  ['rollout', ['canary'], 'nothing: steps belong to a canary'],
  ['mirror', ['shadow'], 'nothing: requests are copied for a shadow'],
  ['next', ['shadow'], 'nothing: only a shadow is followed by a canary'],
  ['period', ['holdout'], 'nothing: entry periods belong to a holdout'],
  ['layer', ['ab', 'canary'], 'null: this kind takes no units from other experiments'],
];

function foreignFields(given: PostedExperiment): CrossFieldDefect[] {
  const defects = FIELDS_OF.filter(
    ([field, kinds]) =>
      given[field] !== undefined && given[field] !== null && !kinds.includes(given.kind),
  ).map(([field, , message]): CrossFieldDefect => ({ path: [field], message }));
  if (given.kind === 'holdout' && given.decision.limits !== undefined) {
    defects.push({
      path: ['decision', 'limits'],
      message: 'nothing: a holdout rolls nothing back',
    });
  }
  return defects;
}

function metricDefects({ metrics }: PostedExperiment): CrossFieldDefect[] {
  const defects: CrossFieldDefect[] = duplicates(metrics.map(({ metric }) => metric)).map(
    (index) => ({ path: ['metrics', index, 'metric'], message: 'a metric not named before' }),
  );
  metrics.forEach(({ role, nonInferiorityMargin }, index) => {
    const path = ['metrics', index, 'nonInferiorityMargin'];
    if (role === 'guardrail' && nonInferiorityMargin === undefined) {
      defects.push({ path, message: 'a guardrail needs {absolute} or {relative}' });
    }
    if (role !== 'guardrail' && nonInferiorityMargin !== undefined) {
      defects.push({ path, message: `nothing: a ${role} metric has no margin` });
    }
  });
  if (!metrics.some(({ role }) => role === 'success')) {
    defects.push({
      path: ['metrics'],
      message: 'at least one success metric: absence of harm alone never promotes',
    });
  }
  return defects;
}

function analysisDefects({ analysis }: PostedExperiment): CrossFieldDefect[] {
  const maxMs = parseDuration(analysis.maxRuntime);
  const defects: CrossFieldDefect[] = [];
  if (parseDuration(analysis.minRuntime) >= maxMs) {
    defects.push({ path: ['analysis', 'minRuntime'], message: 'shorter than maxRuntime' });
  }
  if (parseDuration(analysis.interval) > maxMs) {
    defects.push({ path: ['analysis', 'interval'], message: 'not longer than maxRuntime' });
  }
  if (2 * analysis.minUnits > analysis.plannedUnits) {
    defects.push({
      path: ['analysis', 'minUnits'],
      message: 'at most half of plannedUnits, which counts both arms',
    });
  }
  return defects;
}

/** Arms that a kind makes equally large have no weights. */
function equalArms({ kind, variants }: PostedExperiment): CrossFieldDefect[] {
  return variants.flatMap(({ weight }, index) =>
    weight === 1
      ? []
      : [
          {
            path: ['variants', index, 'weight'],
            message: `1: control and variant of a ${kind} get equal shares`,
          },
        ],
  );
}

/** Pairs are looked at as they come: there is no planned end that another method could wait for. */
function alwaysValid({ analysis }: PostedExperiment): CrossFieldDefect[] {
  if (analysis.method === 'sequential') return [];
  return [{ path: ['analysis', 'method'], message: 'sequential: pairs are tested at every look' }];
}

/** A copy that times out is an unanswered one: its limit is that of errors. `null` is what holds anyway. */
function noTimeoutLimit({ decision }: PostedExperiment): CrossFieldDefect[] {
  if ((decision.limits?.timeoutRate ?? null) === null) return [];
  const message = 'nothing: a copy that times out is an error of the shadow, limited by errorRate';
  return [{ path: ['decision', 'limits', 'timeoutRate'], message }];
}

/** Periods end at looks, so a shorter one is not what was asked for; an interval is at least a second. */
function periodDefects({ period, analysis }: PostedExperiment): CrossFieldDefect[] {
  if (period === undefined || parseDuration(period) >= parseDuration(analysis.interval)) return [];
  return [
    { path: ['period'], message: `not shorter than analysis.interval (${analysis.interval})` },
  ];
}

function wholeCoverage({ kind, coverage }: PostedExperiment): CrossFieldDefect[] {
  const message = `1: ${kind === 'shadow' ? 'mirror.percent' : 'the holdout of the model'} says the share`;
  return coverage === 1 ? [] : [{ path: ['coverage'], message }];
}

function canaryDefects({
  coverage,
  analysis,
  rollout,
  layer,
}: PostedExperiment): CrossFieldDefect[] {
  const defects: CrossFieldDefect[] = [];
  if (coverage !== 1) {
    defects.push({ path: ['coverage'], message: '1: the steps of a canary say its coverage' });
  }
  if (rollout === undefined) {
    return [...defects, { path: ['rollout', 'steps'], message: 'a canary needs steps' }];
  }
  return [
    ...defects,
    ...stepDefects(rollout, parseDuration(analysis.maxRuntime)),
    ...reverseHoldoutDefects(rollout, layer),
  ];
}

/** After the promotion nobody may switch: the cohorts must lie inside of what the arms had at the end. */
function reverseHoldoutDefects(
  { steps, reverseHoldout }: PostedRollout,
  layer: unknown,
): CrossFieldDefect[] {
  if (reverseHoldout !== undefined && layer !== null) {
    const message = 'nothing in a layer: a holdout is of the whole model, others beside it too';
    return [{ path: ['rollout', 'reverseHoldout'], message }];
  }
  const last = steps.findLast(({ coverage }) => coverage < 1)?.coverage;
  if (reverseHoldout === undefined || last === undefined) return [];
  const smaller = Math.min(last, 1 - last);
  if (reverseHoldout.share <= smaller) return [];
  const message = `at most ${smaller}, what each arm has at coverage ${last}: nobody switches`;
  return [{ path: ['rollout', 'reverseHoldout', 'share'], message }];
}

function stepDefects({ steps, bake }: PostedRollout, maxRuntimeMs: number): CrossFieldDefect[] {
  const path = ['rollout', 'steps'];
  const defects: CrossFieldDefect[] = [];
  steps.forEach(({ coverage }, index) => {
    const before = steps[index - 1]?.coverage ?? 0;
    if (coverage > before) return;
    defects.push({
      path: [...path, index, 'coverage'],
      message: `more than the step before (${before}): coverage only grows`,
    });
  });
  if (steps.at(-1)?.coverage !== 1) {
    defects.push({ path: [...path, steps.length - 1, 'coverage'], message: '1 in the last step' });
  }
  if (steps.length < 2) {
    defects.push({
      path,
      message: 'at least one step before coverage 1, where no control is left to compare with',
    });
  }
  const holdMs = steps.reduce((sum, { hold }) => sum + parseDuration(hold.duration), 0);
  if (holdMs + (bake === undefined ? 0 : parseDuration(bake)) > maxRuntimeMs) {
    defects.push({ path, message: 'holds that, with the bake, fit into analysis.maxRuntime' });
  }
  return defects;
}

/** Indexes of the values that occurred before. */
function duplicates(values: readonly string[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []));
}
