// How fast the rollup catches up on events that came in disorder, what it costs of a core (its own CPU and that of its
// database backend, so that others on the machine do not count), how long it keeps the event loop of its worker from
// everything else, and whether the result equals a recomputation. Starts its own database.
// Run: npm run bench:rollup (a million events), npm run bench:rollup -- --quick
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { Database } from '../src/database/database.service.js';
import { EmbeddedPostgres } from '../src/database/embedded-postgres.js';
import { migrate } from '../src/database/migrate.js';
import { defineMetric } from '../src/metrics/define-metric.js';
import { RollupService } from '../src/metrics/rollup.service.js';
import type { RollupProgress, RollupTarget } from '../src/metrics/rollup.service.js';
import { backendsCpuMs, cpuMsBetween, EXPERIMENT_ID, median } from './ingest/stage.js';
import { appendResult } from './results.js';

const IS_QUICK = process.argv.includes('--quick');
const EVENTS = IS_QUICK ? 100_000 : 1_000_000;
/** One exposure and four outcomes each. */
const OUTCOMES_PER_UNIT = 4;
const UNITS = EVENTS / (1 + OUTCOMES_PER_UNIT);
/** Transactions that the outcomes come in: those of a unit lie far apart. */
const PARTS = 40;
const GOAL = 20_000;
const RESULTS = fileURLToPath(new URL('results/rollup.json', import.meta.url));
const model = 'spam';

const metrics = [
  defineMetric('bought', {
    ...{ kind: 'proportion', source: { outcome: 'purchase' }, direction: 'increase' },
  }),
  defineMetric('revenue', {
    ...{ kind: 'mean', source: { outcome: 'purchase' }, direction: 'increase' },
  }),
  defineMetric('visits', {
    ...{ kind: 'mean', source: { outcome: 'visit' }, direction: 'increase' },
  }),
];
const target: RollupTarget = { experimentId: EXPERIMENT_ID, epoch: 1, model, metrics };

Logger.overrideLogger(['error']);
const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-rollup-'));
chmodSync(dir, 0o711);
const server = new EmbeddedPostgres(dir);
try {
  const url = await server.start();
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  const rollups = new RollupService({ pool } as unknown as Database);
  // It begins with nothing: what comes now is news, not history that comes in with its unit.
  await rollups.rollUp(target);
  await load(pool);
  const caughtUp = await catchUp(pool, rollups);
  await check(rollups);
  await pool.end();
  appendResult(RESULTS, { events: EVENTS, metrics: metrics.length, ...caughtUp });
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

/** Exposures and outcomes of today, the outcomes in an order that has nothing to do with their time. */
async function load(pool: pg.Pool): Promise<void> {
  await pool.query(`SELECT ensure_event_day((now() AT TIME ZONE 'UTC')::date)`);
  await pool.query(`SELECT ensure_event_day((now() AT TIME ZONE 'UTC')::date - 1)`);
  for (let part = 0; part < PARTS; part += 1) {
    await pool.query(
      `INSERT INTO exposures (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version,
         config_version)
       SELECT (at AT TIME ZONE 'UTC')::date, 'user-' || md5(i::text), gen_random_uuid(), at, $1, $2, 1, 0,
         CASE i % 2 WHEN 0 THEN 'control' ELSE 'candidate' END, 'v1', 1
       FROM (SELECT i, now() - (1000 + i % 5000) * interval '1 second' AS at
             FROM generate_series($3::integer, $4::integer, $5::integer) AS i) AS t`,
      [model, EXPERIMENT_ID, part, UNITS - 1, PARTS],
    );
  }
  for (let part = 0; part < PARTS; part += 1) {
    await pool.query(
      `INSERT INTO outcomes (day, unit_key, id, model, name, value, at)
       SELECT (at AT TIME ZONE 'UTC')::date, 'user-' || md5(i::text), gen_random_uuid()::text, $1,
         CASE k % 2 WHEN 0 THEN 'purchase' ELSE 'visit' END, 1 + i % 100, at
       FROM (SELECT i, k, now() - ((i * 7919 + k * 104729) % 6000) * interval '1 second' AS at
             FROM generate_series(0, $2::integer) AS i, generate_series(1, $3::integer) AS k
             WHERE (i * 31 + k * 17) % $4 = $5) AS t`,
      [model, UNITS - 1, OUTCOMES_PER_UNIT, PARTS, part],
    );
  }
  await pool.query('ANALYZE');
}

interface CaughtUp {
  readonly eventsPerSecond: number;
  readonly onHalfACore: number;
  readonly workerUsPerEvent: number;
  readonly databaseUsPerEvent: number;
  readonly batchMs: { readonly median: number; readonly largest: number };
  readonly loopDelayMs: { readonly p99: number; readonly largest: number };
}

async function catchUp(pool: pg.Pool, rollups: RollupService): Promise<CaughtUp> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const databaseBefore = await backendsCpuMs(pool);
  const before = process.cpuUsage();
  const batchesMs: number[] = [];
  let read = 0;
  delay.enable();
  const startMs = performance.now();
  for (let progress: RollupProgress | null = null; progress?.caughtUp !== true;) {
    const sinceMs = performance.now();
    progress = await rollups.rollUp(target, { maxBatches: 1 });
    batchesMs.push(performance.now() - sinceMs);
    read += progress.exposures + progress.outcomes;
  }
  const seconds = (performance.now() - startMs) / 1_000;
  delay.disable();
  const used = process.cpuUsage(before);
  const databaseMs = cpuMsBetween(databaseBefore, await backendsCpuMs(pool));
  if (read !== EVENTS) throw new Error(`${read} of ${EVENTS} events were read`);
  const workerUsPerEvent = (used.user + used.system) / EVENTS;
  const databaseUsPerEvent = (databaseMs * 1_000) / EVENTS;
  const onHalfACore = 500_000 / (workerUsPerEvent + databaseUsPerEvent);
  const result = {
    eventsPerSecond: EVENTS / seconds,
    ...{ onHalfACore, workerUsPerEvent, databaseUsPerEvent },
    batchMs: { median: median(batchesMs), largest: Math.max(...batchesMs) },
    loopDelayMs: { p99: delay.percentile(99) / 1e6, largest: delay.max / 1e6 },
  };
  tell(result);
  return result;
}

function tell(one: CaughtUp): void {
  print(`events/s, ${EVENTS} events, ${metrics.length} metrics`, one.eventsPerSecond.toFixed(0));
  print(`events/s on half a core (goal ${GOAL}, next 50000)`, one.onHalfACore.toFixed(0));
  print(
    'CPU µs per event: worker, database',
    `${one.workerUsPerEvent.toFixed(2)}, ${one.databaseUsPerEvent.toFixed(2)}`,
  );
  const { batchMs, loopDelayMs } = one;
  print(
    'ms per batch: median, largest',
    `${batchMs.median.toFixed(0)}, ${batchMs.largest.toFixed(0)}`,
  );
  print(
    'event-loop delay of the worker, ms: p99, largest',
    `${loopDelayMs.p99.toFixed(1)}, ${loopDelayMs.largest.toFixed(1)}`,
  );
}

/** Late and disordered events end in what a recomputation from all of them gives. */
async function check(rollups: RollupService): Promise<void> {
  const kept = JSON.stringify(await rollups.cells(target));
  let progress = await rollups.recompute(target);
  while (!progress.caughtUp) progress = await rollups.rollUp(target);
  const again = JSON.stringify(await rollups.cells(target));
  if (kept !== again) throw new Error(`kept ${kept}, computed again ${again}`);
  print('equal to a recomputation', 'yes');
}

function print(label: string, value: string): void {
  process.stdout.write(`${label.padEnd(66)} ${value}\n`);
}
