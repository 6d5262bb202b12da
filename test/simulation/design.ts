import type {
  DesignMetric,
  FrozenDesign,
  OperationalLimits,
  RolloutStep,
} from '../../src/experiments/experiment.js';
import type { MetricDefinition } from '../../src/metrics/metric.js';
import type { Random } from '../../src/rollouts/planning/random.js';
import { designOf, errorRate, guards, latency, revenue, success } from '../support/evidence.js';
import { chance, pick, whole } from './draw.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Name of the outcome that applications post later. */
export const OUTCOME = 'bought';

/** Whether a unit bought at all, within a window or ever. */
const conversion: MetricDefinition = {
  ...revenue,
  name: 'conversion',
  kind: 'proportion',
  numerator: { source: { kind: 'outcome', outcome: OUTCOME }, aggregation: 'any' },
};

const spent: MetricDefinition = {
  ...revenue,
  name: 'spent',
  numerator: { source: { kind: 'outcome', outcome: OUTCOME }, aggregation: 'sum' },
};

/** A design as people post it: any of the kinds that enrol units, small enough for a short life. */
export function randomDesign(random: Random, model: string): FrozenDesign {
  const isCanary = chance(random, 0.6);
  const limits = chance(random, 0.4) ? { limits: limitsOf(random) } : {};
  const plain = designOf();
  return {
    ...plain,
    kind: isCanary ? 'canary' : 'ab',
    model,
    variants: variantsOf(random, isCanary ? 2 : whole(random, 2, 4)),
    coverage: isCanary ? 1 : pick(random, [0.3, 0.6, 1]),
    metrics: metricsOf(random),
    steps: isCanary ? stepsOf(random) : [],
    analysis: {
      ...plain.analysis,
      // the others differ in their tests only, which have simulations of their own and cost a hundred times as much
      method: chance(random, 0.05) ? 'fixed' : 'sequential',
      alpha: pick(random, [0.05, 0.1, 0.2]),
      minimumDetectableEffect: { absolute: 0.1 },
      plannedUnits: whole(random, 100, 800),
      minUnits: pick(random, [2, 10, 30, 150]),
      minRuntimeMs: pick(random, [0, 0, 4 * MINUTE_MS, 15 * MINUTE_MS]),
      intervalMs: whole(random, 5, 20) * SECOND_MS,
      maxRuntimeMs: pick(random, [20, 60, 240]) * MINUTE_MS,
    },
    decision: {
      ...plain.decision,
      onSuccess: chance(random, 0.1) ? 'recommend' : 'promote',
      onDeterioration: chance(random, 0.25) ? 'recommend' : 'rollback',
      onSampleRatioMismatch: chance(random, 0.3) ? 'rollback' : 'hold',
      onNoData: chance(random, 0.3) ? 'rollback' : 'hold',
      noDataGraceMs: pick(random, [0, 2, 10]) * MINUTE_MS,
      dryRun: chance(random, 0.1),
    },
    ...(chance(random, 0.4) ? { bakeMs: whole(random, 0, 5) * MINUTE_MS } : {}),
    ...limits,
  };
}

function variantsOf(random: Random, arms: number): FrozenDesign['variants'] {
  return Array.from({ length: arms }, (_, index) => ({
    name: index === 0 ? 'control' : `v${String(index + 1)}`,
    version: `v${String(index + 1)}`,
    control: index === 0,
    weight: chance(random, 0.7) ? 1 : whole(random, 1, 4),
  }));
}

function metricsOf(random: Random): readonly DesignMetric[] {
  const windowMs = chance(random, 0.4) ? whole(random, 1, 5) * MINUTE_MS : null;
  return [
    success({ ...conversion, windowMs }),
    ...(chance(random, 0.2) ? [success(spent)] : []),
    ...(chance(random, 0.6)
      ? [guards(errorRate, { absolute: pick(random, [0.05, 0.15, 0.3]) })]
      : []),
    ...(chance(random, 0.3) ? [guards(latency, { relative: pick(random, [0.3, 0.8]) })] : []),
  ];
}

function stepsOf(random: Random): readonly RolloutStep[] {
  const ladder = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7].filter(() => chance(random, 0.5));
  const coverages = ladder.length === 0 ? [0.3] : ladder;
  return [...coverages, 1].map((coverage) => ({
    coverage,
    hold: {
      durationMs: chance(random, 0.5) ? whole(random, 5, 150) * SECOND_MS : 0,
      minUnits: chance(random, 0.4) ? whole(random, 1, 80) : 0,
      approval: chance(random, 0.2),
    },
  }));
}

function limitsOf(random: Random): OperationalLimits {
  return { errorRate: pick(random, [0.3, 0.5]), timeoutRate: chance(random, 0.3) ? 0.5 : null };
}
