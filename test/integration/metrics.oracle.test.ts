import { randomUUID } from 'node:crypto';
import { fc } from '../support/property.js';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_METRICS } from '../../src/metrics/built-in.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { MetricBody } from '../../src/metrics/metric.contract.js';
import type { MetricCell } from '../../src/metrics/metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import {
  ensureDays,
  exposure,
  insertEvents,
  outcome,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import type { EventRows } from '../support/metric-events.js';
import { oracleCells } from '../support/metric-oracle.js';
import { startRollups } from '../support/rollups.js';

const DAY = 86_400_000;
/** A whole day away from both ends of the windows below, so that no run depends on how long it takes. */
const LONG_AGO = Date.now() - 5 * DAY;
const JUST_NOW = Date.now() - 60_000;

const defined = (
  name: string,
  body: Omit<MetricBody, 'direction'>,
): ReturnType<typeof defineMetric> => defineMetric(name, { direction: 'increase', ...body });
const label = (loss: 'zero_one' | 'log_loss' | 'brier' | 'absolute_error' | 'squared_error') => ({
  label: { outcome: 'truth', output: 'p', loss },
});

const METRICS = [
  ...BUILT_IN_METRICS,
  defined('any', { kind: 'proportion', source: { outcome: 'buy' } }),
  defined('any_error', { kind: 'proportion', source: { prediction: 'error' }, aggregation: 'any' }),
  defined('sum', { kind: 'mean', source: { outcome: 'buy' } }),
  defined('sum_1d', { kind: 'mean', source: { outcome: 'buy' }, window: '1d' }),
  defined('sum_5m', { kind: 'mean', source: { outcome: 'buy' }, window: '5m' }),
  defined('count', {
    kind: 'mean',
    source: { outcome: 'buy' },
    aggregation: 'count',
    missing: 'exclude',
  }),
  defined('mean', { kind: 'mean', source: { outcome: 'buy' }, aggregation: 'mean' }),
  defined('score', { kind: 'mean', source: { prediction: 'p' } }),
  defined('wrong', { kind: 'proportion', source: label('zero_one') }),
  defined('wrong_5m', { kind: 'proportion', source: label('zero_one'), window: '5m' }),
  defined('brier', { kind: 'mean', source: label('brier') }),
  defined('absolute', { kind: 'mean', source: label('absolute_error') }),
  defined('squared', { kind: 'mean', source: label('squared_error'), missing: 'zero' }),
  defined('log', { kind: 'mean', source: label('log_loss') }),
  defined('per_request', {
    kind: 'ratio',
    source: { outcome: 'buy' },
    denominator: { source: { prediction: 'latency_ms' }, aggregation: 'count' },
  }),
  defined('per_truth', {
    kind: 'ratio',
    source: { outcome: 'buy' },
    aggregation: 'count',
    denominator: { source: { outcome: 'truth' } },
    missing: 'exclude',
  }),
  defined('slow', { kind: 'proportion', source: { prediction: 'latency_ms' }, threshold: 500.5 }),
  defined('any_high', {
    kind: 'proportion',
    source: { prediction: 'p' },
    threshold: 0.25,
    aggregation: 'any',
  }),
  defined('sum_capped', { kind: 'mean', source: { outcome: 'buy' }, winsorize: { at: 0.3 } }),
  defined('adjusted', { kind: 'mean', source: { outcome: 'buy' }, covariate: { lookback: '5m' } }),
  defined('adjusted_capped', {
    kind: 'mean',
    source: { outcome: 'buy' },
    window: '5m',
    winsorize: { at: 500 },
    covariate: { lookback: '28d' },
  }),
  defined('adjusted_any', {
    kind: 'proportion',
    source: { outcome: 'buy' },
    missing: 'exclude',
    covariate: { lookback: '2m' },
  }),
  defined('adjusted_count', {
    kind: 'mean',
    source: { outcome: 'buy' },
    aggregation: 'count',
    covariate: { lookback: '1d' },
    window: '1d',
  }),
];

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

const unit = fc.integer({ min: 0, max: 4 });
const minute = fc.integer({ min: 0, max: 12 * 60 }).map((seconds) => seconds * 1_000);
const value = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.1, 0.2, 1e12, 1e12 + 0.001, 5e-324),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
);
const capturedValue = fc.option(
  fc.oneof(
    fc.boolean(),
    fc.constantFrom(0, 1, 0.25, 2),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constant('spam'),
  ),
);

const request = fc.record({
  kind: fc.constant('request' as const),
  unit,
  offset: minute,
  crosses: fc.integer({ min: 0, max: 19 }).map((roll) => roll === 0),
  epoch: fc.constantFrom(1, 1, 1, 1, 2),
  exposed: fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0),
  answered: fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0),
  lag: fc.constantFrom(0, 0, -3, 40),
  latencyMs: fc.double({ min: 0.01, max: 5_000, noNaN: true }),
  error: fc.boolean(),
  p: capturedValue,
});
const byUnit = fc.record({
  kind: fc.constant('byUnit' as const),
  unit,
  offset: fc.oneof(
    minute,
    minute.map((ms) => -ms),
  ),
  value,
});
const byRequest = fc.record({
  kind: fc.constant('byRequest' as const),
  of: fc.nat(),
  delay: fc.constantFrom(-5_000, 0, 100, 100, 400_000),
  name: fc.constantFrom('truth', 'truth', 'buy'),
  value: fc.oneof(fc.constantFrom(0, 1, 1, 0.25, 3), value),
});
const story = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 16 }),
  outcomes: fc.array(fc.oneof(byUnit, byRequest), { maxLength: 16 }),
  order: fc.infiniteStream(fc.nat()),
  steps: fc.array(
    fc.record({
      take: fc.integer({ min: 1, max: 9 }),
      batchRows: fc.integer({ min: 1, max: 6 }),
      late: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

function eventsOf(target: RollupTarget, told: Story): EventRows[] {
  const { experimentId, model } = target;
  const salt = Number.parseInt(experimentId.slice(0, 8), 16);
  const start = (which: number): number => (which === 4 ? JUST_NOW : LONG_AGO);
  const events: EventRows[] = [];
  const made = told.requests.map((one, index) => {
    const atMs = start(one.unit) + one.offset;
    const fields = {
      requestId: requestIdAt(atMs, (salt + index) >>> 0),
      atMs,
      experimentId,
      model,
      unitKey: `u${one.unit.toString()}`,
      epoch: one.epoch,
      variant: (one.unit % 2 === 0) !== one.crosses ? 'control' : 'v2',
      phase: one.offset < 300_000 ? 0 : 1,
    };
    if (one.exposed) events.push({ exposures: [exposure(fields)] });
    if (one.answered) {
      const answer = {
        ...fields,
        atMs: atMs + one.lag,
        latencyMs: one.latencyMs,
        error: one.error,
      };
      events.push({ predictions: [prediction({ ...answer, captured: { p: one.p } })] });
    }
    return { requestId: fields.requestId, atMs };
  });
  for (const [index, one] of told.outcomes.entries()) {
    const id = `o${index.toString()}`;
    const of = made[one.kind === 'byRequest' ? one.of % made.length : 0];
    const row =
      one.kind === 'byUnit'
        ? { unit: `u${one.unit.toString()}`, atMs: start(one.unit) + one.offset, name: 'buy' }
        : { requestId: of?.requestId ?? '', atMs: (of?.atMs ?? 0) + one.delay, name: one.name };
    events.push({ outcomes: [outcome({ id, model, value: one.value, ...row })] });
  }
  return events;
}

function joined(events: readonly EventRows[]): EventRows {
  return {
    exposures: events.flatMap((one) => one.exposures ?? []),
    predictions: events.flatMap((one) => one.predictions ?? []),
    outcomes: events.flatMap((one) => one.outcomes ?? []),
  };
}

function shuffled<T>(items: readonly T[], order: Iterable<number>): T[] {
  const draws = order[Symbol.iterator]();
  const rest = [...items];
  return items.flatMap(() => rest.splice(Number(draws.next().value) % rest.length, 1));
}

/** Every stored digit of the rollup, except when it was computed. */
async function tables(experimentId: string): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `SELECT m::text AS row FROM metric_cells m WHERE experiment_id = $1
     UNION ALL SELECT c::text FROM unit_cells c WHERE experiment_id = $1
     UNION ALL SELECT v::text FROM unit_values v WHERE experiment_id = $1
     UNION ALL SELECT (unit_key, epoch, variant, phase, first_exposed_at, first_request, crossover)::text
       FROM experiment_units WHERE experiment_id = $1
     UNION ALL SELECT (epoch, fingerprint, watermark)::text FROM rollup_targets WHERE experiment_id = $1`,
    [experimentId],
  );
  return rows.map((one) => one.row).sort();
}

/** Writes the events in the given order and rolls up in between; part of them in a transaction that ends last. */
async function live(
  target: RollupTarget,
  events: readonly EventRows[],
  told: Story,
): Promise<void> {
  const rest = [...events];
  // a new partition locks its parent to the end of the transaction: the slow one must find them all
  for (const one of events) await ensureDays(pool, one);
  const slow = await pool.connect();
  try {
    await slow.query('BEGIN');
    for (const step of told.steps) {
      const some = rest.splice(0, step.take);
      await insertEvents(step.late ? slow : pool, joined(some));
      await rollups.rollUp(target, { batchRows: step.batchRows, maxBatches: 3 });
      if (!step.late) await insertEvents(pool, joined(some));
    }
    await insertEvents(pool, joined(rest));
    await rollups.rollUp(target, { batchRows: 4 });
    await slow.query('COMMIT');
  } finally {
    slow.release();
  }
  await settle(pool);
  const last = await rollups.rollUp(target, { batchRows: 3 });
  expect(last.caughtUp).toBe(true);
}

/** Logarithms of two libraries may differ in the last digit; everything else is exact. */
function split(cells: readonly MetricCell[]): {
  readonly exact: MetricCell[];
  readonly logs: MetricCell[];
} {
  return {
    exact: cells.filter((cell) => cell.metric !== 'log'),
    logs: cells.filter((cell) => cell.metric === 'log'),
  };
}

async function check(told: Story): Promise<void> {
  const target: RollupTarget = {
    experimentId: randomUUID(),
    epoch: 1,
    model: `m-${randomUUID()}`,
    metrics: METRICS,
  };
  const events = eventsOf(target, told);
  await live(target, shuffled(events, told.order), told);
  const cells = await rollups.cells(target);
  const stored = await tables(target.experimentId);

  const expected = oracleCells(target, joined(events), Date.now());
  expect(cells.unitCells).toEqual(expected.unitCells);
  const [got, want] = [split(cells.metricCells), split(expected.metricCells)];
  expect(got.exact).toEqual(want.exact);
  expect(got.logs.map(({ n, events: count }) => [n, count])).toEqual(
    want.logs.map(({ n, events: count }) => [n, count]),
  );
  for (const [index, cell] of got.logs.entries()) {
    expect(cell.meanY).toBeCloseTo(want.logs[index]?.meanY ?? Number.NaN, 9);
  }

  await rollups.recompute(target);
  expect(await tables(target.experimentId)).toEqual(stored);
}

describe('incremental rollup', () => {
  it('equals a recomputation and a plain count, whatever the order, split, repetition and delay', async () => {
    await fc.assert(fc.asyncProperty(story, check), { numRuns: 80 });
  });
});
