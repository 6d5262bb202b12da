import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_METRICS } from '../../src/metrics/built-in.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import {
  ensureDays,
  exposure,
  insertEvents,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import type { EventRows } from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 1, 5, 12);
const WRITERS = 4;
const ROUNDS = 40;
/** Those of the writers, and two of transactions that surely end in another order than they began. */
const ROWS = WRITERS * ROUNDS + 2;

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

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function rowOf(target: RollupTarget, number: number): ReturnType<typeof exposure> {
  const salt = Number.parseInt(target.experimentId.slice(0, 8), 16);
  const requestId = requestIdAt(T0, (salt + number) >>> 0);
  const { experimentId, model } = target;
  return exposure({ requestId, atMs: T0, unitKey: `u${number.toString()}`, experimentId, model });
}

const predicted = (row: ReturnType<typeof rowOf>): EventRows => ({
  exposures: [row],
  predictions: [prediction(row)],
});

/** Transactions of different lengths, so that they end in another order than they began. */
async function write(client: PoolClient, target: RollupTarget, writer: number): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    await client.query('BEGIN');
    const row = rowOf(target, writer * ROUNDS + round);
    await insertEvents(client, predicted(row));
    await pause((writer * 7 + round * 5) % 25);
    await client.query('COMMIT');
  }
}

/** The mutant: everything beyond the last row read, without waiting for older transactions to end. */
async function readNaively(
  target: RollupTarget,
  cursor: string,
): Promise<{ read: number; last: string }> {
  const { rows } = await pool.query<{ read: number; last: string | null }>(
    `SELECT count(*)::integer AS read, (SELECT x::text FROM event_exposures WHERE experiment_id = $1
       AND x > $2::xid8 ORDER BY x DESC LIMIT 1) AS last
     FROM event_exposures WHERE experiment_id = $1 AND x > $2::xid8`,
    [target.experimentId, cursor],
  );
  return { read: rows[0]?.read ?? 0, last: rows[0]?.last ?? cursor };
}

describe('rollup beside writers', () => {
  it('loses no row to transactions that end late, where a plain cursor does', async () => {
    const metrics = BUILT_IN_METRICS;
    const target: RollupTarget = { experimentId: randomUUID(), epoch: 1, model: 'spam', metrics };
    await ensureDays(pool, { exposures: [rowOf(target, 0)] });
    const clients = await Promise.all(Array.from({ length: WRITERS }, () => pool.connect()));
    let writing = true;
    // the first transaction to begin ends after a read that has seen the second: a plain cursor has passed it by then
    const [slow, fast] = [await pool.connect(), await pool.connect()];
    await slow.query('BEGIN');
    await insertEvents(slow, predicted(rowOf(target, ROWS - 2)));
    await insertEvents(fast, predicted(rowOf(target, ROWS - 1)));
    let mutant = await readNaively(target, '0');
    expect(mutant.read).toBe(1);
    await rollups.rollUp(target, { batchRows: 7 });
    await slow.query('COMMIT');
    for (const client of [slow, fast]) client.release();
    const reader = async (): Promise<void> => {
      while (writing) {
        await rollups.rollUp(target, { batchRows: 7 });
        const more = await readNaively(target, mutant.last);
        mutant = { read: mutant.read + more.read, last: more.last };
      }
    };
    const reading = reader();
    await Promise.all(clients.map((client, writer) => write(client, target, writer)));
    writing = false;
    await reading;
    for (const client of clients) client.release();
    await settle(pool);
    await rollups.rollUp(target);
    mutant = { ...mutant, read: mutant.read + (await readNaively(target, mutant.last)).read };

    const { metricCells, unitCells } = await rollups.cells(target);
    expect(unitCells).toEqual([
      { phase: 0, variant: 'control', units: ROWS, crossovers: 0, carryOver: 0 },
    ]);
    expect(metricCells.map((cell) => [cell.n, cell.meanD])).toEqual(metrics.map(() => [ROWS, 1]));
    expect(mutant.read).toBeLessThan(ROWS);
  });

  it('keeps its place when transaction numbers get one digit longer', async () => {
    const target: RollupTarget = {
      experimentId: randomUUID(),
      epoch: 1,
      model: 'spam',
      metrics: BUILT_IN_METRICS,
    };
    await ensureDays(pool, { exposures: [rowOf(target, 0)] });
    // each block with an exception handler that writes takes a transaction number
    await pool.query(`DO $$ DECLARE now bigint := pg_current_xact_id()::text::bigint; BEGIN
      CREATE TEMP TABLE burnt (n integer);
      FOR i IN 1..(10 ^ length(now::text))::bigint - now - 6 LOOP
        BEGIN INSERT INTO burnt VALUES (1); EXCEPTION WHEN division_by_zero THEN NULL; END;
      END LOOP; END $$`);
    for (let number = 0; number < 12; number += 1) {
      await insertEvents(pool, { exposures: [rowOf(target, number)] });
    }
    await settle(pool);
    expect(await rollups.rollUp(target)).toMatchObject({ exposures: 12, caughtUp: true });
    expect(await rollups.rollUp(target)).toMatchObject({ exposures: 0, caughtUp: true });
  });

  it('gives the same cells when several processes roll up at once', async () => {
    const target: RollupTarget = {
      experimentId: randomUUID(),
      epoch: 1,
      model: 'spam',
      metrics: BUILT_IN_METRICS,
    };
    const exposures = Array.from({ length: 60 }, (_, number) => rowOf(target, number));
    await insertEvents(pool, { exposures, predictions: exposures.map((row) => prediction(row)) });
    await settle(pool);
    await Promise.all(
      [1, 2, 3].map((batchRows) => rollups.rollUp(target, { batchRows: batchRows * 5 })),
    );
    const cells = await rollups.cells(target);
    expect(cells.unitCells).toMatchObject([{ units: 60 }]);
    await rollups.recompute(target);
    expect(await rollups.cells(target)).toEqual(cells);
  });

  it('costs by arms, not by events', async () => {
    const bought = defineMetric('bought', {
      kind: 'proportion',
      source: { outcome: 'buy' },
      direction: 'increase',
    });
    const metrics = [...BUILT_IN_METRICS, bought];
    const times: number[] = [];
    for (const events of [500, 10_000]) {
      const target: RollupTarget = { experimentId: randomUUID(), epoch: 1, model: 'spam', metrics };
      const exposures = Array.from({ length: events }, (_, number) => rowOf(target, number));
      await insertEvents(pool, { exposures, predictions: exposures.map((row) => prediction(row)) });
      await settle(pool);
      const progress = await rollups.rollUp(target);
      expect(progress).toMatchObject({ caughtUp: true, touchedUnits: events });
      const each = [];
      for (let round = 0; round < 15; round += 1) {
        const since = performance.now();
        await rollups.cells(target);
        each.push(performance.now() - since);
      }
      times.push(each.sort((a, b) => a - b)[7] ?? Number.NaN);
    }
    const [few = 1, many = 1] = times;
    console.info(
      `cells: ${few.toFixed(2)} ms at 1k events, ${many.toFixed(2)} ms at 20k: x ${(many / few).toFixed(2)}`,
    );
  });
});
