import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { quantileSorted } from 'simple-statistics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { MetricDefinition, QuantileCell } from '../../src/metrics/metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import {
  exposure,
  insertEvents,
  outcome,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import type { EventRows } from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 3, 6, 12);
const Z = 1.959963984540054;

const p95 = defineMetric('p95', {
  kind: 'quantile',
  source: { prediction: 'latency_ms' },
  quantile: 0.95,
  direction: 'decrease',
});
const medianScore = defineMetric('median_score', {
  kind: 'quantile',
  source: { prediction: 'score' },
  quantile: 0.5,
  direction: 'increase',
  window: '1h',
});
const medianWait = defineMetric('median_wait', {
  kind: 'quantile',
  source: { outcome: 'wait' },
  quantile: 0.5,
  direction: 'decrease',
});

let pool: Pool;
let rollups: RollupService;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startRollups();
  pool = started.database.pool;
  ({ rollups, close } = started);
});

afterAll(async () => {
  await close();
});

const UNITS = 60;
/** Uneven numbers of requests, latencies that cluster in units, with ties. */
const latenciesOf = (unit: number): number[] =>
  Array.from({ length: 1 + (unit % 7) }, (_, index) => 20 + (unit % 13) * 10 + ((index * 37) % 9));

function eventsOf(target: RollupTarget): EventRows {
  const { experimentId, model } = target;
  const salt = Number.parseInt(experimentId.slice(0, 6), 16);
  const events = Array.from({ length: UNITS }, (_, unit) =>
    latenciesOf(unit).map((latencyMs, index) => {
      const atMs = T0 + index * 1_000_000;
      const fields = {
        requestId: requestIdAt(atMs, salt + unit * 10 + index),
        atMs,
        unitKey: `u${unit.toString()}`,
        experimentId,
        model,
        variant: unit % 2 === 0 ? 'control' : 'v2',
        phase: unit % 3,
      };
      return {
        exposures: index === 0 ? [exposure(fields)] : [],
        predictions: [prediction({ ...fields, latencyMs, captured: { score: latencyMs / 100 } })],
        outcomes: [
          outcome({
            id: `${unit.toString()}-${index.toString()}`,
            atMs,
            model,
            name: 'wait',
            value: latencyMs * 2,
            ...(index % 2 === 0 ? { unit: fields.unitKey } : { requestId: fields.requestId }),
          }),
        ],
      };
    }),
  ).flat();
  return {
    exposures: events.flatMap((one) => one.exposures),
    predictions: events.flatMap((one) => one.predictions),
    outcomes: events.flatMap((one) => one.outcomes),
  };
}

async function rolledUp(...metrics: MetricDefinition[]): Promise<RollupTarget> {
  const target = { experimentId: randomUUID(), epoch: 1, model: `m-${randomUUID()}`, metrics };
  await insertEvents(pool, eventsOf(target));
  await settle(pool);
  await rollups.rollUp(target);
  return target;
}

/** The definition, step by step. */
function expected(metric: string, level: number, clusters: readonly number[][]) {
  const sorted = clusters.flat().sort((a, b) => a - b);
  const m = sorted.length;
  const reach = Z * Math.sqrt((level * (1 - level)) / m);
  const below = sorted[Math.floor((m - 1) * level)] ?? Number.NaN;
  const y = clusters.map((values) => values.filter((one) => one <= below).length);
  const d = clusters.map((values) => values.length);
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const products = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, one, unit) => sum + (one - mean(a)) * ((b[unit] ?? 0) - mean(b)), 0);
  const near = (value: number): number => expect.closeTo(value, 9) as number;
  return {
    metric,
    n: clusters.length,
    values: m,
    quantile: near(quantileSorted(sorted, level)),
    lower:
      level - reach > 0 && level + reach < 1 ? near(quantileSorted(sorted, level - reach)) : null,
    upper:
      level - reach > 0 && level + reach < 1 ? near(quantileSorted(sorted, level + reach)) : null,
    share: {
      meanY: near(mean(y)),
      m2Y: near(products(y, y)),
      meanD: near(mean(d)),
      m2D: near(products(d, d)),
      coMoment: near(products(y, d)),
    },
  };
}

const arms = ['control', 'v2'] as const;
const unitsOf = (arm: number): number[] =>
  Array.from({ length: UNITS / 2 }, (_, index) => index * 2 + arm);

describe('quantiles', () => {
  it('are of all values of an arm, with what their clustered standard error needs', async () => {
    const target = await rolledUp(p95, medianWait);
    const latency = arms.map((variant, arm) => ({
      variant,
      ...expected('p95', 0.95, unitsOf(arm).map(latenciesOf)),
    }));
    const waits = arms.map((variant, arm) => {
      const clusters = unitsOf(arm).map((unit) => latenciesOf(unit).map((ms) => ms * 2));
      return { variant, ...expected('median_wait', 0.5, clusters) };
    });
    expect(await rollups.quantiles(target)).toEqual([...latency, ...waits]);
  });

  it('count values inside the window, of units whose window is over', async () => {
    const target = await rolledUp(medianScore);
    const cells = arms.map((variant, arm) => {
      const clusters = unitsOf(arm).map((unit) =>
        latenciesOf(unit)
          .slice(0, 4)
          .map((ms) => ms / 100),
      );
      return { variant, ...expected('median_score', 0.5, clusters) };
    });
    expect(await rollups.quantiles(target)).toEqual(cells);
    const late = { ...medianScore, windowMs: Date.now() };
    expect(await rollups.quantiles(await rolledUp(late))).toEqual([]);
  });

  it('have no cells and do not disturb the metrics that have', async () => {
    const sum = defineMetric('waits', {
      kind: 'mean',
      source: { outcome: 'wait' },
      direction: 'decrease',
    });
    const { metricCells } = await rollups.cells(await rolledUp(p95, sum));
    expect(new Set(metricCells.map(({ metric }) => metric))).toEqual(new Set(['waits']));
  });

  it('have no interval where a level beside theirs does not exist', async () => {
    const target = await rolledUp({ ...p95, quantile: 0.999 });
    const cells: QuantileCell[] = await rollups.quantiles(target);
    expect(cells.map(({ lower, upper }) => [lower, upper])).toEqual([
      [null, null],
      [null, null],
    ]);
  });

  it('of another epoch are refused', async () => {
    const target = await rolledUp(p95);
    await expect(rollups.quantiles({ ...target, epoch: 2 })).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});
