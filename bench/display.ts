// What the diagnostics that read every unit cost: a metric by segments and quantiles of the arms, at 50,000, 500,000 and
// 2,000,000 units. Nothing waits for them but the person who asks, for at most 30 s. Starts its own database.
// Run: npm run bench:display (50,000 and 500,000 units), npm run bench:display -- --full (2,000,000 as well; minutes)
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Database } from '../src/database/database.service.js';
import { EmbeddedPostgres } from '../src/database/embedded-postgres.js';
import { migrate } from '../src/database/migrate.js';
import { defineMetric } from '../src/metrics/define-metric.js';
import { fingerprintOf, type RollupTarget } from '../src/metrics/rollup.js';
import { RollupService } from '../src/metrics/rollup.service.js';

const SIZES = [50_000, 500_000, ...(process.argv.includes('--full') ? [2_000_000] : [])];
const UNITS_PER_INSERT = 100_000;
/** Days that the exposures are spread over: each is a partition. */
const DAYS = 5;
const TURNS = 3;
/** What the on-demand queries may take. */
const LIMIT_MS = 30_000;

const revenue = defineMetric('revenue', {
  kind: 'mean',
  source: { outcome: 'purchase' },
  direction: 'increase',
});
const p95 = defineMetric('p95', {
  kind: 'quantile',
  source: { prediction: 'latency_ms' },
  quantile: 0.95,
  direction: 'decrease',
});
const median = defineMetric('median', {
  kind: 'quantile',
  source: { outcome: 'purchase' },
  quantile: 0.5,
  direction: 'increase',
});

const UNIT = `(SELECT i, 'unit-' || i AS unit_key, md5($2::text || i)::uuid AS request_id, CASE i % 2 WHEN 0 THEN 'a' ELSE 'control' END AS variant,
    1 + i % 3 AS phase, current_date - i % ${String(DAYS)} AS day, (current_date - i % ${String(DAYS)})::timestamptz AS at
  FROM generate_series($3::integer, $4::integer) AS i) AS units`;
const EVERY_PARAMETER = '$1::uuid IS NOT NULL AND $2::text IS NOT NULL';

const INSERTS = [
  `INSERT INTO exposures (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version, config_version)
   SELECT day, unit_key, request_id, at, $2, $1, 1, phase, variant, 'v1', 1 FROM ${UNIT}`,
  // 200 countries of very different sizes, and one request in fifty without
  `INSERT INTO predictions (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, assigned_version,
     served_version, reason, status, error, timeout, fallback, latency_ms, attempts, captured, config_version)
   SELECT day, unit_key, request_id, at, $2, $1, 1, phase, variant, 'v1', 'v1', 'experiment', 200, false, false, false,
     10 + abs(hashint4(i)) % 10000 / 100.0, 1,
     CASE WHEN i % 50 > 0 THEN jsonb_build_object('country', 'c' || (sqrt(abs(hashint4(i + 7)) % 40000))::integer) END, 1
   FROM ${UNIT}`,
  `INSERT INTO outcomes (day, unit_key, id, model, name, value, at)
   SELECT day, unit_key, 'o' || i, $2, 'purchase', abs(hashint4(i)) % 100, at + interval '1 second'
   FROM ${UNIT} WHERE ${EVERY_PARAMETER}`,
  `INSERT INTO experiment_units (experiment_id, unit_key, epoch, variant, phase, first_exposed_at, first_request, as_of, crossover)
   SELECT $1, unit_key, 1, variant, phase, at, request_id, '3', false FROM ${UNIT} WHERE ${EVERY_PARAMETER}`,
  `INSERT INTO unit_values (experiment_id, unit_key, metric, variant, phase, y, d, counted)
   SELECT $1, unit_key, 'revenue', variant, phase, abs(hashint4(i)) % 100, 1, true FROM ${UNIT} WHERE ${EVERY_PARAMETER}`,
];

interface Result {
  readonly units: number;
  readonly segmentsMs: number;
  readonly latencyMs: number;
  readonly outcomeMs: number;
}

const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-display-'));
chmodSync(dir, 0o711);
const server = new EmbeddedPostgres(dir);
try {
  const url = await server.start();
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const results: Result[] = [];
  try {
    for (const [index, units] of SIZES.entries()) results.push(await measure(pool, index, units));
  } finally {
    await pool.end();
  }
  tell(results);
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

async function measure(pool: pg.Pool, index: number, units: number): Promise<Result> {
  const target: RollupTarget = {
    experimentId: `0193b2c4-5d6e-7f80-9a1b-00000000000${String(index)}`,
    epoch: 1,
    model: `m${String(units)}`,
    metrics: [revenue],
  };
  const startMs = performance.now();
  await load(pool, target, units);
  await pool.query('VACUUM ANALYZE');
  const loadSeconds = ((performance.now() - startMs) / 1_000).toFixed(0);
  process.stderr.write(`${String(units)} units: loaded in ${loadSeconds} s\n`);
  // the service asks nothing of the database but its pool
  const rollup = new RollupService({ pool } as unknown as Database);
  const segments = await best(() => segmentsOf(rollup, target));
  const quantile = async (metric: typeof p95): Promise<number> => {
    const own = { ...target, metrics: [metric] };
    await remember(pool, own);
    const found = await best(() => quantilesOf(rollup, own));
    await remember(pool, target);
    return found;
  };
  return {
    units,
    segmentsMs: segments,
    latencyMs: await quantile(p95),
    outcomeMs: await quantile(median),
  };
}

async function segmentsOf(rollup: RollupService, target: RollupTarget): Promise<void> {
  const found = await rollup.segments(target, { attribute: 'country', metric: revenue });
  if (found.length !== 22) throw new Error(`there are ${String(found.length)} segments`);
}

async function quantilesOf(rollup: RollupService, target: RollupTarget): Promise<void> {
  const found = await rollup.quantiles(target);
  if (found.length !== 2) throw new Error(`there are ${String(found.length)} arms`);
}

/** The fastest of a few, each within its limit or refused. */
async function best(work: () => Promise<void>): Promise<number> {
  let shortest = Infinity;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const startMs = performance.now();
    try {
      await work();
    } catch (error) {
      process.stderr.write(`${String(error)}\n`);
      return Infinity;
    }
    shortest = Math.min(shortest, performance.now() - startMs);
  }
  return shortest;
}

async function remember(pool: pg.Pool, target: RollupTarget): Promise<void> {
  await pool.query(
    `INSERT INTO rollup_targets (experiment_id, epoch, fingerprint) VALUES ($1, $2, $3)
     ON CONFLICT (experiment_id) DO UPDATE SET fingerprint = excluded.fingerprint`,
    [target.experimentId, target.epoch, fingerprintOf(target)],
  );
}

/** Events, and what the rollup makes of them, straight into the tables: how they get there is measured elsewhere. */
async function load(pool: pg.Pool, target: RollupTarget, units: number): Promise<void> {
  const { experimentId, model } = target;
  for (let day = 0; day < DAYS; day += 1) {
    await pool.query('SELECT ensure_event_day(current_date - $1::integer)', [day]);
  }
  await remember(pool, target);
  for (let from = 1; from <= units; from += UNITS_PER_INSERT) {
    const range = [experimentId, model, from, Math.min(units, from + UNITS_PER_INSERT - 1)];
    for (const statement of INSERTS) await pool.query(statement, range);
  }
}

function tell(results: readonly Result[]): void {
  const row = (...cells: readonly (string | number)[]): string =>
    cells.map((cell) => String(cell).padStart(16)).join('');
  const lines = results.map(({ units, segmentsMs, latencyMs, outcomeMs }) =>
    row(units, ...[segmentsMs, latencyMs, outcomeMs].map((ms) => (ms / 1_000).toFixed(2))),
  );
  const header = row('units', 'segments s', 'p95 latency s', 'outcomes s');
  process.stdout.write(`${[header, ...lines].join('\n')}\n`);
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const kept = { arms: 2, phases: 3, days: DAYS, turns: TURNS, limitMs: LIMIT_MS, results };
  writeFileSync(join(folder, 'display.json'), `${JSON.stringify(kept, null, 2)}\n`);
  const isSlow = results.some(
    (one) => Math.max(one.segmentsMs, one.latencyMs, one.outcomeMs) > LIMIT_MS,
  );
  if (isSlow) process.exitCode = 1;
}
