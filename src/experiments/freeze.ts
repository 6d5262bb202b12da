import { invariant } from '../kernel/assert.js';
import { parseDuration } from '../kernel/duration.js';
import { hashOf } from '../kernel/hash.js';
import type { MetricDefinition } from '../metrics/metric.js';
import {
  HOLDOUT_ARMS,
  type HoldoutPlan,
  type MirrorPlan,
  type UnitSource,
} from '../routing/plan.js';
import { predicateOf } from './audience.contract.js';
import { type ExperimentDefinition, successorOf } from './experiment.contract.js';
import type {
  AnalysisPlan,
  DecisionPolicy,
  DesignMetric,
  DesignVariant,
  FrozenDesign,
  Margin,
  OperationalLimits,
  RolloutStep,
} from './experiment.js';

/** Limits of designs that name none: a version of which every fourth request fails is broken, whatever else is. */
export const DEFAULT_LIMITS: OperationalLimits = { errorRate: 0.25, timeoutRate: 0.25 };

/** Entry periods of a holdout that names none. */
const DEFAULT_PERIOD = '30d';

/** What a design takes from its model. */
export interface ModelFacts {
  readonly unit: UnitSource;
  readonly champion?: string | null;
  readonly holdout?: Pick<HoldoutPlan, 'version'> | undefined;
}

/**
 * The design that the evidence is about: the definition with its metrics spelled out, durations in milliseconds.
 * Nothing that happens to the metrics or the model afterwards changes it.
 *
 * @param metrics every metric that the definition names; others are ignored
 * @throws SluiceError `internal` when a named metric is missing, or a holdout's model has none
 */
export function freeze(
  definition: ExperimentDefinition,
  metrics: readonly MetricDefinition[],
  model: ModelFacts,
): FrozenDesign {
  const { kind, coverage, hypothesis, rollout } = definition;
  return {
    kind,
    model: definition.model,
    hypothesis,
    unitIsRequest: 'request' in model.unit,
    variants: kind === 'holdout' ? cohorts(model) : definition.variants,
    coverage,
    metrics: definition.metrics.map((named) => frozenMetric(named, metrics)),
    analysis: frozenAnalysis(definition),
    steps: (rollout?.steps ?? []).map(frozenStep),
    decision: frozenDecision(definition),
    ...ofKind(definition),
  };
}

/** What only some designs have. A field that does not apply is left out, not null: hashes of designs without it stay. */
function ofKind(definition: ExperimentDefinition): Partial<FrozenDesign> {
  const { kind, layer, audience, rollout, mirror, decision } = definition;
  const next = successorOf(definition);
  const limits = limitsOf(kind, decision.limits);
  return {
    ...(layer === null
      ? {}
      : { layer: typeof layer === 'string' ? { name: layer, share: 1 } : layer }),
    ...(audience.length === 0 ? {} : { audience: audience.map(predicateOf) }),
    ...(rollout?.bake === undefined ? {} : { bakeMs: parseDuration(rollout.bake) }),
    ...(rollout?.reverseHoldout === undefined ? {} : { reverseHoldout: rollout.reverseHoldout }),
    ...(limits === null ? {} : { limits }),
    ...(kind === 'shadow' ? { mirror: frozenMirror(mirror) } : {}),
    ...(next === null ? {} : { next }),
    ...(kind === 'holdout' ? { periodMs: parseDuration(definition.period ?? DEFAULT_PERIOD) } : {}),
  };
}

function limitsOf(
  kind: ExperimentDefinition['kind'],
  given: ExperimentDefinition['decision']['limits'],
): OperationalLimits | null {
  // a holdout rolls nothing back; of a shadow a time-out is one of its errors, and not counted apart
  if (kind === 'holdout') return null;
  const errorRate = given?.errorRate;
  const timeoutRate = kind === 'shadow' ? null : given?.timeoutRate;
  const limits = {
    errorRate: errorRate === undefined ? DEFAULT_LIMITS.errorRate : errorRate,
    timeoutRate: timeoutRate === undefined ? DEFAULT_LIMITS.timeoutRate : timeoutRate,
  };
  return limits.errorRate === null && limits.timeoutRate === null ? null : limits;
}

/** The two cohorts of the model's holdout: the one that stays is what the other is compared with. */
function cohorts({ champion, holdout }: ModelFacts): readonly DesignVariant[] {
  invariant(holdout !== undefined, 'the model of a holdout has one');
  const { pinned, shipped } = HOLDOUT_ARMS;
  return [
    { name: pinned, version: holdout.version, control: true, weight: 1 },
    { name: shipped, version: champion ?? holdout.version, control: false, weight: 1 },
  ];
}

/** Raised only together with measurements of what copies do to callers (docs/experiments.md). */
const DEFAULT_MIRROR = {
  percent: 100,
  timeoutMs: 1_000,
  unsafeMethods: false,
  maxInFlight: 32,
  maxBodyBytes: 65_536,
} as const;

function frozenMirror(given: ExperimentDefinition['mirror']): MirrorPlan {
  const { percent, ...rest } = given ?? DEFAULT_MIRROR;
  return { share: percent / 100, ...rest };
}

/** SHA-256 of a design as 64 hex digits, the same whatever the order of keys. */
export function designHash(design: FrozenDesign): string {
  return hashOf(design);
}

function frozenMetric(
  named: ExperimentDefinition['metrics'][number],
  metrics: readonly MetricDefinition[],
): DesignMetric {
  const definition = metrics.find(({ name }) => name === named.metric);
  invariant(definition !== undefined, `metric ${named.metric} was looked up`);
  const { role, nonInferiorityMargin } = named;
  return {
    definition,
    role,
    nonInferiorityMargin:
      nonInferiorityMargin === undefined ? null : marginOf(nonInferiorityMargin),
  };
}

function frozenAnalysis({ analysis }: ExperimentDefinition): AnalysisPlan {
  const { method, alpha, power, plannedUnits, minUnits } = analysis;
  return {
    method,
    alpha,
    power,
    minimumDetectableEffect: marginOf(analysis.minimumDetectableEffect),
    plannedUnits,
    minUnits,
    minRuntimeMs: parseDuration(analysis.minRuntime),
    intervalMs: parseDuration(analysis.interval),
    maxRuntimeMs: parseDuration(analysis.maxRuntime),
  };
}

type PostedStep = NonNullable<ExperimentDefinition['rollout']>['steps'][number];

function frozenStep({ coverage, hold }: PostedStep): RolloutStep {
  const { duration, minUnits, approval } = hold;
  return { coverage, hold: { durationMs: parseDuration(duration), minUnits, approval } };
}

/** The limits stand beside the policy in a design, where designs before them have nothing. */
function frozenDecision({ decision }: ExperimentDefinition): DecisionPolicy {
  const { onSuccess, onDeterioration, onSampleRatioMismatch, onNoData, noDataGrace } = decision;
  const { onMaxRuntime, dryRun } = decision;
  return {
    ...{ onSuccess, onDeterioration, onSampleRatioMismatch, onNoData },
    ...{ noDataGraceMs: parseDuration(noDataGrace), onMaxRuntime, dryRun },
  };
}

function marginOf(given: {
  readonly absolute?: number | undefined;
  readonly relative?: number | undefined;
}): Margin {
  if (given.absolute !== undefined) return { absolute: given.absolute };
  invariant(given.relative !== undefined, 'a margin is absolute or relative');
  return { relative: given.relative };
}
