import type { Evidence } from '../../src/analysis/evidence.js';
import type { DesignMetric, FrozenDesign, Phase } from '../../src/experiments/experiment.js';
import type { MetricCell, MetricDefinition } from '../../src/metrics/metric.js';

/** A metric without any of the options. */
const PLAIN = {
  winsorizeAt: null,
  winsorizePercentile: null,
  threshold: null,
  covariate: null,
  quantile: null,
} as const;

export const mistakes: MetricDefinition = {
  ...PLAIN,
  name: 'mistakes',
  kind: 'mean',
  numerator: {
    source: { kind: 'label', outcome: 'is_spam', output: 'spam', loss: 'zero_one' },
    aggregation: 'mean',
  },
  denominator: null,
  direction: 'decrease',
  windowMs: null,
  missing: 'exclude',
};

export const errorRate: MetricDefinition = {
  ...PLAIN,
  name: 'error_rate',
  kind: 'proportion',
  numerator: { source: { kind: 'prediction', measure: 'error' }, aggregation: 'mean' },
  denominator: null,
  direction: 'decrease',
  windowMs: null,
  missing: 'exclude',
};

export const latency: MetricDefinition = {
  ...errorRate,
  name: 'latency_ms',
  kind: 'mean',
  numerator: { source: { kind: 'prediction', measure: 'latency_ms' }, aggregation: 'mean' },
};

export const revenue: MetricDefinition = {
  ...PLAIN,
  name: 'revenue',
  kind: 'mean',
  numerator: { source: { kind: 'outcome', outcome: 'revenue' }, aggregation: 'sum' },
  denominator: null,
  direction: 'increase',
  windowMs: null,
  missing: 'zero',
};

export function success(definition: MetricDefinition): DesignMetric {
  return { definition, role: 'success', nonInferiorityMargin: null };
}

export function guards(
  definition: MetricDefinition,
  nonInferiorityMargin: DesignMetric['nonInferiorityMargin'],
): DesignMetric {
  return { definition, role: 'guardrail', nonInferiorityMargin };
}

export function designOf(overrides: Partial<FrozenDesign> = {}): FrozenDesign {
  return {
    kind: 'canary',
    model: 'spam',
    hypothesis: 'body text helps',
    unitIsRequest: false,
    variants: [
      { name: 'control', version: 'v1', control: true, weight: 1 },
      { name: 'v2', version: 'v2', control: false, weight: 1 },
    ],
    coverage: 1,
    metrics: [success(mistakes), guards(errorRate, { absolute: 0.02 })],
    analysis: {
      method: 'sequential',
      alpha: 0.05,
      power: 0.8,
      minimumDetectableEffect: { absolute: 0.03 },
      plannedUnits: 4000,
      minUnits: 100,
      minRuntimeMs: 0,
      intervalMs: 1000,
      maxRuntimeMs: 3_600_000,
    },
    steps: [
      { coverage: 0.1, hold: { durationMs: 0, minUnits: 0, approval: false } },
      { coverage: 0.5, hold: { durationMs: 0, minUnits: 0, approval: false } },
      { coverage: 1, hold: { durationMs: 0, minUnits: 0, approval: false } },
    ],
    decision: {
      onSuccess: 'promote',
      onDeterioration: 'rollback',
      onSampleRatioMismatch: 'hold',
      onNoData: 'hold',
      noDataGraceMs: 3_600_000,
      onMaxRuntime: 'inconclusive',
      dryRun: false,
    },
    ...overrides,
  };
}

export function phaseOf(phase: number, coverage = 0.5): Phase {
  const treated = coverage > 0.5 ? coverage : 0.5;
  return { phase, coverage, startedAtMs: 0, shares: { control: 1 - treated, v2: treated } };
}

/** The cell of n units with values y and denominators d (1 each unless given). */
export function cellOf(
  key: { readonly metric: string; readonly variant: string; readonly phase?: number },
  values: readonly number[],
  denominators: readonly number[] = values.map(() => 1),
): MetricCell {
  const n = values.length;
  const mean = (list: readonly number[]): number =>
    n === 0 ? 0 : list.reduce((sum, value) => sum + value, 0) / n;
  const meanY = mean(values);
  const meanD = mean(denominators);
  const products = values.map((y, unit) => (y - meanY) * ((denominators[unit] ?? 0) - meanD));
  return {
    metric: key.metric,
    phase: key.phase ?? 1,
    variant: key.variant,
    n,
    pending: 0,
    meanY,
    m2Y: values.reduce((sum, y) => sum + (y - meanY) ** 2, 0),
    meanD,
    m2D: denominators.reduce((sum, d) => sum + (d - meanD) ** 2, 0),
    coMoment: products.reduce((sum, product) => sum + product, 0),
    events: values.filter((y) => y > 0).length,
    capped: 0,
    covariate: null,
  };
}

/** The cell of a rate: one request per unit, `events` of `n` units with an event. */
export function rateCell(
  key: { readonly metric: string; readonly variant: string; readonly phase?: number },
  events: number,
  n: number,
): MetricCell {
  const meanY = n === 0 ? 0 : events / n;
  return {
    metric: key.metric,
    phase: key.phase ?? 1,
    variant: key.variant,
    n,
    pending: 0,
    meanY,
    m2Y: n * meanY * (1 - meanY),
    meanD: n === 0 ? 0 : 1,
    m2D: 0,
    coMoment: 0,
    events,
    capped: 0,
    covariate: null,
  };
}

export function evidenceOf(
  metricCells: readonly MetricCell[],
  overrides: Partial<Evidence> = {},
): Evidence {
  const phases = overrides.phases ?? [phaseOf(1)];
  const first = metricCells[0]?.metric;
  return {
    experimentId: '018f0000-0000-7000-8000-000000000001',
    epoch: 1,
    design: designOf(),
    designHash: 'hash',
    phases,
    unitCells: metricCells
      .filter((cell) => cell.metric === first)
      .map(({ phase, variant, n }) => ({ phase, variant, units: n, crossovers: 0 })),
    metricCells,
    droppedEvents: 0,
    caughtUp: true,
    watermarkMs: null,
    previous: [],
    previousSampleRatioPValue: 1,
    ...overrides,
  };
}
