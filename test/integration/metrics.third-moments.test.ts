import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { MetricCell } from '../../src/metrics/metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import { exposure, insertEvents, outcome, requestIdAt, settle } from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 5, 1, 12);
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

/** Units with these totals. */
async function add(target: RollupTarget, from: number, values: readonly number[]): Promise<void> {
  const { experimentId, model } = target;
  const salt = Number.parseInt(experimentId.slice(0, 6), 16);
  const rows = values.map((value, index) => {
    const unitKey = `u${String(from + index)}`;
    const requestId = requestIdAt(T0, salt + from + index);
    return {
      exposure: exposure({ requestId, atMs: T0, unitKey, experimentId, model }),
      outcome: outcome({
        id: unitKey,
        atMs: T0 + 1,
        model,
        unit: unitKey,
        name: 'purchase',
        value,
      }),
    };
  });
  await insertEvents(pool, {
    exposures: rows.map((row) => row.exposure),
    outcomes: rows.map((row) => row.outcome),
  });
}

async function cellOf(target: RollupTarget): Promise<MetricCell | undefined> {
  await settle(pool);
  await rollups.rollUp(target);
  return (await rollups.cells(target)).metricCells[0];
}

function cubes(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 3, 0);
}

function newTarget(): RollupTarget {
  return { experimentId: randomUUID(), epoch: 1, model: `m-${randomUUID()}`, metrics: [revenue] };
}

describe('the third moment of an arm', () => {
  it('is there in full after a release that keeps none had rolled up a part', async () => {
    const target = newTarget();
    await add(target, 0, [1, 2, 9]);
    expect((await cellOf(target))?.m3Y).toBeCloseTo(cubes([1, 2, 9]), 9);
    // as the columns are right after an upgrade
    await pool.query(
      'UPDATE metric_cells SET sum_yyy = NULL, cubed_yy = NULL WHERE experiment_id = $1',
      [target.experimentId],
    );
    expect((await rollups.cells(target)).metricCells[0]).not.toHaveProperty('m3Y');
    await add(target, 3, [4]);
    expect((await cellOf(target))?.m3Y).toBeCloseTo(cubes([1, 2, 9, 4]), 9);
  });

  it('is absent rather than wrong while such a release was the last to write', async () => {
    const target = newTarget();
    await add(target, 0, [1, 2, 9]);
    await cellOf(target);
    // what a release without cubes changes when the unit of 9 turns out to have 11
    await pool.query(
      'UPDATE metric_cells SET sum_y = sum_y + 2, sum_yy = sum_yy + 40 WHERE experiment_id = $1',
      [target.experimentId],
    );
    await pool.query(`UPDATE unit_values SET y = 11 WHERE experiment_id = $1 AND unit_key = 'u2'`, [
      target.experimentId,
    ]);
    expect((await rollups.cells(target)).metricCells[0]).not.toHaveProperty('m3Y');
    expect((await cellOf(target))?.m3Y).toBeCloseTo(cubes([1, 2, 11]), 9);
  });

  it('is left out where no double holds it, and the rest of the cell stays', async () => {
    const target = newTarget();
    await add(target, 0, [1e110, 2e110, 9e110]);
    const cell = await cellOf(target);
    expect(cell).not.toHaveProperty('m3Y');
    expect(cell?.meanY).toBeCloseTo(4e110, -100);
  });
});
