import type { ExperimentBody, PlanBody } from '../api/types.js';
import type { Draft, DraftMetric, DraftPredicate, DraftStep } from './draft.js';

/** The body that is posted. Fields that are empty are left out, so that the API says what it needs. */
export function bodyOf(draft: Draft): ExperimentBody {
  const { name, model, kind, hypothesis } = draft;
  return {
    ...{ name, model, kind, hypothesis },
    ...(kind === 'holdout' ? {} : { variants: variantsOf(draft) }),
    ...(kind === 'ab' ? { coverage: numberOf(draft.coverage) } : {}),
    ...(draft.audience.length === 0 ? {} : { audience: draft.audience.map(predicateOf) }),
    ...layerOf(draft),
    metrics: draft.metrics.map(metricOf),
    analysis: analysisOf(draft),
    ...(kind === 'canary' ? { rollout: rolloutOf(draft) } : {}),
    ...(kind === 'shadow' ? shadowOf(draft) : {}),
    ...(kind === 'holdout' ? { period: draft.period } : {}),
    decision: decisionOf(draft),
  };
}

/** The same with what is assumed of the control, and under a name that a plan does not need. */
export function planBodyOf(draft: Draft): PlanBody {
  const assume = Object.fromEntries(
    draft.metrics
      .filter(({ metric, assumed }) => metric !== '' && assumed !== '')
      .map(({ metric, assumed }) => [metric, { control: numberOf(assumed) }]),
  );
  const { name, ...body } = bodyOf(draft);
  return { ...body, ...(name === '' ? {} : { name }), assume };
}

function variantsOf({ kind, control, controlWeight, variants }: Draft) {
  const weight = (text: string) => (kind === 'ab' ? { weight: numberOf(text) } : {});
  return [
    { name: 'control', version: control, control: true, ...weight(controlWeight) },
    ...variants.map((variant) => ({
      name: variant.name === '' ? variant.version : variant.name,
      version: variant.version,
      ...weight(variant.weight),
    })),
  ];
}

function metricOf({ metric, role, marginKind, margin }: DraftMetric) {
  const nonInferiorityMargin = { [marginKind]: numberOf(margin) };
  return { metric, role, ...(role === 'guardrail' ? { nonInferiorityMargin } : {}) };
}

function analysisOf(draft: Draft) {
  return {
    method: draft.method,
    alpha: numberOf(draft.alpha),
    power: numberOf(draft.power),
    minimumDetectableEffect: { [draft.effectKind]: numberOf(draft.effect) },
    plannedUnits: numberOf(draft.plannedUnits),
    minUnits: numberOf(draft.minUnits),
    minRuntime: draft.minRuntime,
    interval: draft.interval,
    maxRuntime: draft.maxRuntime,
  };
}

function layerOf({ kind, layer, layerShare }: Draft) {
  const isMeant = (kind === 'ab' || kind === 'canary') && layer !== '';
  if (!isMeant) return {};
  return { layer: layerShare === '' ? layer : { name: layer, share: numberOf(layerShare) } };
}

function rolloutOf({ steps, bake, reverseShare }: Draft) {
  return {
    steps: steps.map(stepOf),
    ...(bake === '' ? {} : { bake }),
    ...(reverseShare === '' ? {} : { reverseHoldout: { share: numberOf(reverseShare) } }),
  };
}

function stepOf({ coverage, duration, minUnits, approval }: DraftStep) {
  const hold = { duration, minUnits: numberOf(minUnits), approval };
  return { coverage: numberOf(coverage), hold };
}

function shadowOf(draft: Draft) {
  const { mirrorPercent, mirrorTimeoutMs, mirrorUnsafe, hasNext, nextName } = draft;
  return {
    mirror: {
      percent: numberOf(mirrorPercent),
      timeoutMs: numberOf(mirrorTimeoutMs),
      unsafeMethods: mirrorUnsafe,
    },
    ...(hasNext ? { next: { canary: { name: nextName, rollout: rolloutOf(draft) } } } : {}),
  };
}

function decisionOf(draft: Draft) {
  const limits = {
    ...limitOf('errorRate', draft.errorLimit),
    ...(draft.kind === 'shadow' ? {} : limitOf('timeoutRate', draft.timeoutLimit)),
  };
  const hasLimits = draft.kind !== 'holdout' && Object.keys(limits).length > 0;
  return {
    onSuccess: draft.onSuccess,
    onDeterioration: draft.onDeterioration,
    onSampleRatioMismatch: draft.onSampleRatioMismatch,
    onNoData: draft.onNoData,
    noDataGrace: draft.noDataGrace,
    dryRun: draft.dryRun,
    ...(hasLimits ? { limits } : {}),
  };
}

/** Nothing: the API's own limit holds. `none`: no limit. */
function limitOf(name: 'errorRate' | 'timeoutRate', text: string) {
  if (text.trim() === '') return {};
  return { [name]: text.trim() === 'none' ? null : numberOf(text) };
}

function predicateOf({ attribute, condition, not, value, end }: DraftPredicate) {
  const negated = not ? { not: true as const } : {};
  switch (condition) {
    case 'equals':
      return { attribute, equals: valueOf(value), ...negated };
    case 'in':
      return { attribute, in: value.split(',').map((part) => valueOf(part)), ...negated };
    case 'prefix':
      return { attribute, prefix: value, ...negated };
    case 'range': {
      const range = { ...bound('from', value, numberOf), ...bound('to', end, numberOf) };
      return { attribute, range, ...negated };
    }
    case 'semver': {
      const semver = { ...bound('from', value, trim), ...bound('below', end, trim) };
      return { attribute, semver, ...negated };
    }
  }
}

function bound<T>(name: string, text: string, read: (text: string) => T): Record<string, T> {
  return text.trim() === '' ? {} : { [name]: read(text) };
}

function trim(text: string): string {
  return text.trim();
}

/** `7` is a number and `true` a truth, as in JSON; everything else is a text, and so is `"7"`. */
function valueOf(text: string): string | number | boolean {
  try {
    const value: unknown = JSON.parse(text);
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    return isPlain ? (value as string | number | boolean) : text.trim();
  } catch {
    return text.trim();
  }
}

/** What is typed as a number; a text that is none is refused by the API, with the field's name. */
function numberOf(text: string): number {
  const trimmed = text.trim();
  return trimmed === '' ? Number.NaN : Number(trimmed);
}
