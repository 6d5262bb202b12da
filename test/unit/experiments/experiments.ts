import {
  experimentSchema,
  type ExperimentDefinition,
} from '../../../src/experiments/experiment.contract.js';
import type { Experiment } from '../../../src/experiments/experiment.js';
import { designHash, freeze } from '../../../src/experiments/freeze.js';
import type { MetricDefinition } from '../../../src/metrics/metric.js';

/** What a caller posts for a canary; fields can be replaced. */
export function postedCanary(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    name: 'spam-v2',
    model: 'spam',
    kind: 'canary',
    hypothesis: 'body text lowers log loss',
    variants: [
      { name: 'control', version: 'v1', control: true, weight: 1 },
      { name: 'v2', version: 'v2', weight: 1 },
    ],
    metrics: [
      { metric: 'correct', role: 'success' },
      { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.01 } },
    ],
    analysis: { minimumDetectableEffect: { relative: 0.05 }, plannedUnits: 20_000 },
    rollout: {
      steps: [
        { coverage: 0.05, hold: { duration: '10m', minUnits: 500 } },
        { coverage: 0.5, hold: { approval: true } },
        { coverage: 1 },
      ],
    },
    ...changes,
  };
}

/** What a caller posts for an A/B/n test. */
export function postedAb(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    name: 'eta-abn',
    model: 'eta',
    kind: 'ab',
    variants: [
      { name: 'control', version: 'v1', control: true, weight: 2 },
      { name: 'b', version: 'v2' },
      { name: 'c', version: 'v3' },
    ],
    coverage: 0.4,
    metrics: [{ metric: 'correct', role: 'success' }],
    analysis: { minimumDetectableEffect: { absolute: 0.01 }, plannedUnits: 4_000 },
    ...changes,
  };
}

export function parsed(posted: unknown): ExperimentDefinition {
  return experimentSchema.parse(posted);
}

export const METRICS: readonly MetricDefinition[] = [
  {
    name: 'correct',
    kind: 'proportion',
    numerator: {
      source: { kind: 'label', outcome: 'is_spam', output: 'spam', loss: 'zero_one' },
      aggregation: 'mean',
    },
    denominator: null,
    direction: 'decrease',
    windowMs: null,
    missing: 'exclude',
    winsorizeAt: null,
    winsorizePercentile: null,
    threshold: null,
    covariate: null,
    quantile: null,
  },
  {
    name: 'error_rate',
    kind: 'proportion',
    numerator: { source: { kind: 'prediction', measure: 'error' }, aggregation: 'mean' },
    denominator: null,
    direction: 'decrease',
    windowMs: null,
    missing: 'exclude',
    winsorizeAt: null,
    winsorizePercentile: null,
    threshold: null,
    covariate: null,
    quantile: null,
  },
];

/** A started experiment around a posted definition. */
export function startedExperiment(posted: unknown): Experiment {
  const definition = parsed(posted);
  const design = freeze(definition, METRICS, { unit: { header: 'x-sluice-unit' } });
  return {
    id: '01980000-0000-7000-8000-000000000001',
    name: definition.name,
    model: definition.model,
    kind: design.kind,
    status: 'running',
    definition,
    design,
    designHash: designHash(design),
    epoch: 1,
    salt: 'salt',
    revision: 1,
    rollout: null,
    createdAtMs: 0,
    startedAtMs: 0,
    endedAtMs: null,
    failedAnalyses: 0,
    lastFailure: null,
    parentId: null,
  };
}
