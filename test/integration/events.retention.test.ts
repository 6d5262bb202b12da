import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.service.js';
import { parseOutcomeBatch } from '../../src/events/outcome.contract.js';
import { OutcomesService } from '../../src/events/outcomes.service.js';
import { OutcomeStore } from '../../src/events/outcome.store.js';
import { RetentionService } from '../../src/events/retention.service.js';
import { RetentionStore } from '../../src/events/retention.store.js';
import type { ModelsService } from '../../src/models/models.service.js';
import { poolOf } from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

const DAY_MS = 86_400_000;
const DAYS = 30;
const config = { retentionDays: DAYS, roles: ['worker'] } as const;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: pg.Pool;
let retention: RetentionService;
let outcomes: OutcomesService;

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await freshDatabase();
  pool = poolOf(database.url);
  const ready = { whenReady: () => Promise.resolve() } as unknown as Database;
  retention = new RetentionService(config, new RetentionStore({ pool }), ready);
  const models = { exists: () => Promise.resolve(true) } as unknown as ModelsService;
  // without a limit of its own, so that days before the window can be filled
  outcomes = new OutcomesService(models, new OutcomeStore({ pool }), { retentionDays: null });
});
afterAll(async () => {
  await pool.end();
  await database.close();
});

const dayAgo = (days: number): string =>
  new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

async function fill(...daysAgo: readonly number[]): Promise<void> {
  const sent = daysAgo.map((days) => ({
    ...{ id: `${days}-${randomUUID()}`, model: 'spam', unit: 'ann', name: 'bought', value: 1 },
    at: `${dayAgo(days)}T10:00:00Z`,
  }));
  const receipt = await outcomes.record(parseOutcomeBatch({ outcomes: sent }));
  expect(receipt.accepted).toBe(sent.length);
}

async function days(table = 'outcomes'): Promise<readonly string[]> {
  const { rows } = await pool.query<{ day: string }>(
    `SELECT DISTINCT day::text FROM ${table} ORDER BY day`,
  );
  return rows.map(({ day }) => day);
}

async function run(daysAgo: number): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `INSERT INTO models (name, settings) VALUES ('spam', '{}') ON CONFLICT DO NOTHING`,
  );
  await pool.query(
    `INSERT INTO experiments (id, name, model, kind, status, definition, frozen, salt, started_at)
     VALUES ($1, $2, 'spam', 'ab', 'running', '{}', $3, 'salt', now() - $4 * interval '1 day')`,
    [
      ...[id, `e-${id}`],
      JSON.stringify({ metrics: [{ covariate: { lookbackMs: 7 * DAY_MS } }] }),
      daysAgo,
    ],
  );
  return id;
}

describe('retention', () => {
  it('lists what it would drop, and drops nothing for that', async () => {
    await fill(0, 10, 29, 30, 45);
    const view = await retention.view();
    expect(view).toMatchObject({ retentionDays: DAYS, keptFrom: dayAgo(29), heldBy: null });
    const due = view.days.filter(({ isDue }) => isDue).map(({ day }) => day);
    expect(due).toEqual([dayAgo(45), dayAgo(30)]);
    expect(await days()).toContain(dayAgo(45));
  });

  it('drops the days of all four tables that are due, and the ids of their outcomes', async () => {
    expect(await retention.drop()).toBe(8);
    expect(await days()).toEqual([dayAgo(29), dayAgo(10), dayAgo(0)]);
    expect(await days('outcome_ids')).toEqual([dayAgo(29), dayAgo(10), dayAgo(0)]);
    const { rows } = await pool.query(
      `SELECT relname FROM pg_class WHERE relname ~ '_${dayAgo(45).replaceAll('-', '')}$'`,
    );
    expect(rows).toEqual([]);
    expect(await retention.drop()).toBe(0);
  });

  it('keeps what a running experiment needs: its start, less the longest look-back of its metrics', async () => {
    const id = await run(50);
    await fill(57, 58, 60, 80);
    expect((await retention.view()).heldBy).toMatchObject({ experiment: `e-${id}`, model: 'spam' });
    await retention.drop();
    expect((await days()).slice(0, 2)).toEqual([dayAgo(58), dayAgo(57)]);
    expect(retention.counters().heldBy).toBe(`e-${id}`);
    await pool.query(`UPDATE experiments SET status = 'completed', ended_at = now()`);
    await retention.drop();
    expect((await days())[0]).toBe(dayAgo(29));
  });

  it('never makes an insert wait, though a long analysis keeps it from detaching', async () => {
    await fill(40);
    const analysis = await pool.connect();
    await analysis.query('BEGIN');
    await analysis.query('SELECT count(*) FROM outcomes');
    const dropping = retention.drop();
    for (let turn = 0; turn < 20; turn += 1) {
      const since = performance.now();
      await fill(0);
      expect(performance.now() - since).toBeLessThan(2_000);
    }
    await analysis.query('COMMIT');
    analysis.release();
    await dropping;
    // It may have given up waiting: then the next turn ends what it began.
    await retention.drop();
    expect((await days())[0]).toBe(dayAgo(29));
    expect(retention.counters().failure).toBeNull();
  });

  it('takes late outcomes of days that have no partition yet, in any order, within the window', async () => {
    await fill(3, 25, 7, 25, 12);
    const view = await retention.view();
    expect(view.days.map(({ day }) => day)).toEqual(view.days.map(({ day }) => day).toSorted());
    expect(await days()).toEqual(
      expect.arrayContaining([dayAgo(25), dayAgo(12), dayAgo(7), dayAgo(3)]),
    );
  });

  it('lets one process at a time drop', async () => {
    await fill(41, 42);
    const counts = await Promise.all([retention.drop(), retention.drop()]);
    expect(counts.toSorted((a, b) => a - b)).toEqual([0, 8]);
  });
});
