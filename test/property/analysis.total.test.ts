import { fc } from '../support/property.js';
import { expect, it } from 'vitest';
import { assess } from '../../src/analysis/assess.js';
import { bayesianFigures } from '../../src/analysis/bayes.js';
import type { FrozenDesign } from '../../src/experiments/experiment.js';
import { decide } from '../../src/rollouts/policy/decide.js';
import type { MetricCell } from '../../src/metrics/metric.js';
import { readyState } from '../support/assessments.js';
import {
  cellOf,
  designOf,
  errorRate,
  evidenceOf,
  guards,
  latency,
  mistakes,
  phaseOf,
  rateCell,
  revenue,
  success,
} from '../support/evidence.js';

/** Counts that hurt: none, one, all, few, many. */
const rate = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 50, 99, 100, 101, 500, 20_000),
    fc.constantFrom(0, 0.001, 0.1, 0.5, 0.99, 1),
  )
  .map(([n, share]) => ({ n, events: Math.round(n * share) }));

const value = fc.constantFrom(0, 0, 1, -1, 0.1, 1e-9, 1e6, -1e6, 1e12, 1e12 + 1);
const values = fc.array(value, { maxLength: 130 });

const designs: readonly FrozenDesign[] = (['sequential', 'group_sequential', 'fixed'] as const).map(
  (method) =>
    designOf({
      metrics: [
        success(mistakes),
        success(revenue),
        guards(errorRate, { absolute: 0.02 }),
        guards(latency, { relative: 0.25 }),
      ],
      analysis: { ...designOf().analysis, method, plannedUnits: 400 },
    }),
);

const cells = fc
  .array(
    fc.record({
      phase: fc.constantFrom(1, 2),
      variant: fc.constantFrom('control', 'v2'),
      rate,
      values,
      per: fc.constantFrom(1, 0, 3),
    }),
    { maxLength: 4 },
  )
  .map((entries) => {
    const byKey = new Map<string, MetricCell>();
    for (const { phase, variant, rate: counts, values: numbers, per } of entries) {
      const put = (cell: MetricCell): Map<string, MetricCell> =>
        byKey.set(`${cell.metric} ${String(phase)} ${variant}`, cell);
      put(rateCell({ metric: 'mistakes', variant, phase }, counts.events, counts.n));
      put(rateCell({ metric: 'error_rate', variant, phase }, counts.events, counts.n));
      const revenues = cellOf({ metric: 'revenue', variant, phase }, numbers);
      const m3Y = numbers.reduce((sum, value) => sum + (value - revenues.meanY) ** 3, 0);
      put(Number.isFinite(m3Y) ? { ...revenues, m3Y } : revenues);
      put(
        cellOf(
          { metric: 'latency_ms', variant, phase },
          numbers,
          numbers.map(() => per),
        ),
      );
    }
    return [...byKey.values()];
  });

it('says something about any evidence that can be stored, and says it again after a round trip', () => {
  fc.assert(
    fc.property(cells, fc.constantFrom(...designs), (metricCells, design) => {
      const evidence = evidenceOf(metricCells, {
        design,
        phases: [phaseOf(1, 0.1), phaseOf(2, 0.5)],
      });
      const assessment = assess(evidence);
      const text = JSON.stringify(assessment);
      expect(JSON.parse(text)).toEqual(assessment);
      const stored = JSON.parse(JSON.stringify(evidence)) as typeof evidence;
      expect(JSON.stringify(assess(stored))).toBe(text);
      const nowMs = readyState.stepStartedAtMs + 1_000;
      const decision = decide({ design, state: readyState, assessment, nowMs });
      expect(['promote', 'rollback', 'hold', 'inconclusive', 'advance']).toContain(decision.kind);
      for (const figure of bayesianFigures(evidence)) {
        expect(figure.chanceToWin).toBeGreaterThanOrEqual(0);
        expect(figure.chanceToWin).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 1_500 },
  );
});

it('takes a difference that swallows its own interval in rounding', () => {
  const revenues = (variant: string, numbers: readonly number[]): MetricCell =>
    cellOf({ metric: 'revenue', variant, phase: 1 }, numbers);
  const evidence = evidenceOf([revenues('control', [0, 1e-9]), revenues('v2', [1e12, 1e12])], {
    design: designs[0] ?? designOf(),
    phases: [phaseOf(1, 0.1)],
  });
  const metric = assess(evidence).metrics.find((one) => one.metric === 'revenue');
  expect(metric?.interval).toEqual({ lower: 1e12, upper: 1e12 });
  expect(metric?.standardError).toBeGreaterThan(0);
  expect(metric?.lift).toBeNull();
});
