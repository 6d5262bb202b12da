import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_METRICS } from '../../src/metrics/built-in.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { MetricCell, MetricDefinition } from '../../src/metrics/metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import {
  exposure,
  insertEvents,
  outcome,
  prediction,
  requestIdAt,
} from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 0, 5, 12);

const bought = defineMetric('bought', {
  kind: 'proportion',
  source: { outcome: 'purchase' },
  direction: 'increase',
});
const revenue = defineMetric('revenue', {
  kind: 'mean',
  source: { outcome: 'purchase' },
  direction: 'increase',
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

function targetOf(...metrics: MetricDefinition[]): RollupTarget {
  return { experimentId: randomUUID(), epoch: 1, model: `m-${randomUUID()}`, metrics };
}

async function cellsOf(target: RollupTarget): Promise<Record<string, Partial<MetricCell>>> {
  const { metricCells } = await rollups.cells(target);
  return Object.fromEntries(
    metricCells.map((cell) => [`${cell.metric}/${cell.variant}/${cell.phase.toString()}`, cell]),
  );
}

/** Request ids differ between targets: the tables know a request only once. */
function requestIdOf(target: RollupTarget, atMs: number, number: number): string {
  return requestIdAt(atMs, (Number.parseInt(target.experimentId.slice(0, 8), 16) + number) >>> 0);
}

/** Events of one target with fewer words. */
function writer(target: RollupTarget) {
  const { experimentId, model } = target;
  const id = (atMs: number, number: number): string => requestIdOf(target, atMs, number);
  return {
    exposed: (unitKey: string, atMs: number, number: number, variant = 'control', more = {}) =>
      exposure({
        requestId: id(atMs, number),
        atMs,
        unitKey,
        experimentId,
        model,
        variant,
        ...more,
      }),
    answered: (unitKey: string, atMs: number, number: number, more = {}) =>
      prediction({ requestId: id(atMs, number), atMs, unitKey, experimentId, model, ...more }),
    happened: (unit: string, atMs: number, id: string, name: string, value = 1) =>
      outcome({ id, atMs, model, unit, name, value }),
    labelled: (requestId: string, atMs: number, id: string, name: string, value: number) =>
      outcome({ id, atMs, model, requestId, name, value }),
  };
}

describe('rollup', () => {
  it('counts a unit once per metric under the arm of its first exposure', async () => {
    const target = targetOf(bought, revenue, ...BUILT_IN_METRICS);
    const w = writer(target);
    await insertEvents(pool, {
      exposures: [
        w.exposed('a', T0, 1),
        w.exposed('a', T0 + 5, 2),
        w.exposed('b', T0, 3, 'v2', { phase: 1 }),
      ],
      predictions: [
        w.answered('a', T0, 1, { latencyMs: 10 }),
        w.answered('a', T0 + 5, 2, { latencyMs: 20, error: true }),
        w.answered('b', T0, 3, { latencyMs: 5, servedVersion: 'v1', fallback: true }),
      ],
      outcomes: [
        w.happened('a', T0 + 9, 'o1', 'purchase', 3.5),
        w.happened('a', T0 + 10, 'o2', 'purchase', 4),
      ],
    });
    const progress = await rollups.rollUp(target);
    expect(progress).toMatchObject({
      exposures: 3,
      touchedUnits: 2,
      caughtUp: true,
      watermarkMs: T0 + 5,
    });
    const cells = await cellsOf(target);
    expect(cells['bought/control/0']).toMatchObject({ n: 1, meanY: 1, events: 1 });
    expect(cells['bought/v2/1']).toMatchObject({ n: 1, meanY: 0, events: 0 });
    expect(cells['revenue/control/0']).toMatchObject({ n: 1, meanY: 7.5 });
    expect(cells['latency_ms/control/0']).toMatchObject({ n: 1, meanY: 30, meanD: 2 });
    expect(cells['error_rate/control/0']).toMatchObject({ meanY: 1, meanD: 2 });
    expect(cells['fallback_rate/v2/1']).toMatchObject({ meanY: 1, meanD: 1 });
    const { unitCells } = await rollups.cells(target);
    expect(unitCells).toEqual([
      { phase: 0, variant: 'control', units: 1, crossovers: 0 },
      { phase: 1, variant: 'v2', units: 1, crossovers: 0 },
    ]);
  });

  it('does nothing when nothing is new', async () => {
    const target = targetOf(bought);
    const w = writer(target);
    await insertEvents(pool, { exposures: [w.exposed('a', T0, 1)] });
    await rollups.rollUp(target);
    const again = await rollups.rollUp(target);
    expect(again).toMatchObject({ exposures: 0, touchedUnits: 0, caughtUp: true, watermarkMs: T0 });
  });
});
