import { invariant } from '../kernel/assert.js';
import { parseDuration } from '../kernel/duration.js';
import { hashOf } from '../kernel/hash.js';
import type { MetricDefinition } from '../metrics/metric.js';
import type { UnitSource } from '../routing/plan.js';
import type { ExperimentDefinition } from './experiment.contract.js';
import type {
  AnalysisPlan,
  DecisionPolicy,
  DesignMetric,
  FrozenDesign,
  Margin,
  RolloutStep,
} from './experiment.js';

/**
 * The design that the evidence is about: the definition with its metrics spelled out, durations in milliseconds.
 * Nothing that happens to the metrics or the model afterwards changes it.
 *
 * @param definition of a kind that can be run (refuseNotYet has passed)
 * @param metrics every metric that the definition names; others are ignored
 * @throws SluiceError `internal` when a named metric is missing or the kind cannot be run
 */
export function freeze(
  definition: ExperimentDefinition,
  metrics: readonly MetricDefinition[],
  model: { readonly unit: UnitSource },
): FrozenDesign {
  const { kind, variants, coverage, hypothesis, rollout } = definition;
  invariant(kind === 'ab' || kind === 'canary', `${kind} cannot be run`);
  return {
    kind,
    model: definition.model,
    hypothesis,
    unitIsRequest: 'request' in model.unit,
    variants,
    coverage,
    metrics: definition.metrics.map((named) => frozenMetric(named, metrics)),
    analysis: frozenAnalysis(definition),
    steps: (rollout?.steps ?? []).map(frozenStep),
    decision: frozenDecision(definition),
  };
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

function frozenDecision({ decision }: ExperimentDefinition): DecisionPolicy {
  const { noDataGrace, ...rest } = decision;
  return { ...rest, noDataGraceMs: parseDuration(noDataGrace) };
}

function marginOf(given: {
  readonly absolute?: number | undefined;
  readonly relative?: number | undefined;
}): Margin {
  if (given.absolute !== undefined) return { absolute: given.absolute };
  invariant(given.relative !== undefined, 'a margin is absolute or relative');
  return { relative: given.relative };
}
