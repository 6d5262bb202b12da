// What one analysis costs (roll up what is new, read the cells, run every test) against the number of events and units:
// it should cost by metrics and arms, so 100 times the events may take at most 1.5 times as long. Starts its own database.
// Run: npm run bench:analysis (50,000 and 500,000 outcomes), npm run bench:analysis -- --full (5,000,000 as well; minutes)
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { assess } from '../src/analysis/assess.js';
import type { Evidence } from '../src/analysis/evidence.js';
import type { Database } from '../src/database/database.service.js';
import { EmbeddedPostgres } from '../src/database/embedded-postgres.js';
import { migrate } from '../src/database/migrate.js';
import type { FrozenDesign } from '../src/experiments/experiment.js';
import type { Aggregation, MetricDefinition } from '../src/metrics/metric.js';
import { type RollupTarget, RollupService } from '../src/metrics/rollup.service.js';

const ARMS = ['control', 'a', 'b'] as const;
const OUTCOMES_PER_UNIT = 5;
const SIZES = [50_000, 500_000, ...(process.argv.includes('--full') ? [5_000_000] : [])];
/** Outcomes that arrive between two analyses. */
const NEW_OUTCOMES = 1_000;
const TURNS = 21;
const GOAL = 1.5;
/** Larger than in production, where a batch must not hold its locks for long. */
const LOAD_LIMITS = { batchRows: 50_000, maxBatches: 1_000, statementTimeoutMs: 600_000 };
const UNITS_PER_INSERT = 100_000;

interface Result {
  readonly outcomes: number;
  readonly units: number;
  readonly loadSeconds: number;
  /** First rollup of everything, once per experiment. */
  readonly rollupSeconds: number;
  /** Median of one analysis with nothing new. */
  readonly idleMs: number;
  /** Median of one analysis after 1,000 new outcomes. */
  readonly busyMs: number;
}

const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-analysis-'));
chmodSync(dir, 0o711);
const server = new EmbeddedPostgres(dir);
try {
  const url = await server.start();
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  const loaded: Loaded[] = [];
  for (const [index, outcomes] of SIZES.entries())
    loaded.push(await prepare(pool, index, outcomes));
  const results = await measure(pool, loaded);
  await pool.end();
  tell(results);
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

function metric(name: string, outcome: string, aggregation: Aggregation): MetricDefinition {
  const source = { kind: 'outcome', outcome } as const;
  return {
    name,
    kind: aggregation === 'any' ? 'proportion' : 'mean',
    numerator: { source, aggregation },
    denominator: null,
    direction: 'increase',
    windowMs: null,
    missing: 'zero',
    winsorizeAt: null,
    winsorizePercentile: null,
    threshold: null,
    covariate: null,
    quantile: null,
  };
}

function designOf(model: string): FrozenDesign {
  const visits = metric('visits', 'visit', 'count');
  const metrics = [
    metric('converted', 'purchase', 'any'),
    metric('revenue', 'purchase', 'sum'),
    visits,
    metric('minutes', 'visit', 'mean'),
    { ...metric('per_visit', 'purchase', 'sum'), kind: 'ratio', denominator: visits.numerator },
  ] as const satisfies readonly MetricDefinition[];
  return {
    kind: 'ab',
    model,
    hypothesis: '',
    unitIsRequest: false,
    variants: ARMS.map((name) => ({ name, version: name, control: name === 'control', weight: 1 })),
    coverage: 1,
    metrics: metrics.map((definition) => {
      return { definition, role: 'success', nonInferiorityMargin: null } as const;
    }),
    analysis: {
      method: 'sequential',
      alpha: 0.05,
      power: 0.8,
      minimumDetectableEffect: { relative: 0.05 },
      plannedUnits: 100_000,
      minUnits: 100,
      minRuntimeMs: 0,
      intervalMs: 60_000,
      maxRuntimeMs: 86_400_000,
    },
    steps: [],
    decision: {
      onSuccess: 'promote',
      onDeterioration: 'rollback',
      onSampleRatioMismatch: 'hold',
      onNoData: 'hold',
      noDataGraceMs: 0,
      onMaxRuntime: 'inconclusive',
      dryRun: false,
    },
  };
}

/** An experiment whose events are in the tables and rolled up. */
interface Loaded {
  readonly target: RollupTarget;
  readonly design: FrozenDesign;
  readonly outcomes: number;
  readonly units: number;
  readonly loadSeconds: number;
  readonly rollupSeconds: number;
}

async function prepare(pool: pg.Pool, index: number, outcomes: number): Promise<Loaded> {
  const experimentId = `0193b2c4-5d6e-7f80-9a1b-00000000000${String(index)}`;
  const model = `m${String(outcomes)}`;
  const design = designOf(model);
  const metrics = design.metrics.map(({ definition }) => definition);
  const target: RollupTarget = { experimentId, epoch: 1, model, metrics };
  const rollup = rollupOn(pool);
  const units = outcomes / OUTCOMES_PER_UNIT;
  const loadSeconds = await seconds(() => load(pool, target, units));
  const rollupSeconds = await seconds(async () => {
    while (!(await rollup.rollUp(target, LOAD_LIMITS)).caughtUp);
  });
  process.stderr.write(
    `${model}: loaded ${loadSeconds.toFixed(1)} s, rolled up ${rollupSeconds.toFixed(1)} s\n`,
  );
  return { target, design, outcomes, units, loadSeconds, rollupSeconds };
}

/** The service asks nothing of the database but its pool. */
function rollupOn(pool: pg.Pool): RollupService {
  return new RollupService({ pool } as unknown as Database);
}

/** By turns, so that whatever else the machine does falls on every size alike. */
async function measure(pool: pg.Pool, all: readonly Loaded[]): Promise<readonly Result[]> {
  await pool.query('VACUUM ANALYZE');
  const times = all.map((loaded) => ({ loaded, idle: [] as number[], busy: [] as number[] }));
  for (let at = 0; at < TURNS; at += 1) {
    for (const { loaded, idle, busy } of times) {
      idle.push(await seconds(() => analyse(pool, loaded)));
      const range = { from: 1, to: NEW_OUTCOMES, suffix: `new${String(at)}` };
      await addOutcomes(pool, loaded.target.model, range);
      busy.push(await seconds(() => analyse(pool, loaded)));
    }
  }
  return times.map(({ loaded, idle, busy }) => {
    const { outcomes, units, loadSeconds, rollupSeconds } = loaded;
    const idleMs = median(idle) * 1_000;
    return { outcomes, units, loadSeconds, rollupSeconds, idleMs, busyMs: median(busy) * 1_000 };
  });
}

async function analyse(pool: pg.Pool, { target, design }: Loaded): Promise<void> {
  const rollup = rollupOn(pool);
  const { caughtUp } = await rollup.rollUp(target);
  const assessment = assess({ ...evidenceOf(design, target), ...(await rollup.cells(target)) });
  const seen = assessment.metrics.reduce((sum, one) => sum + one.control.n, 0);
  if (!caughtUp || seen === 0) throw new Error('the analysis is not complete');
}

/** Straight into the tables: how events get there is measured in shipping.ts. */
async function load(pool: pg.Pool, target: RollupTarget, units: number): Promise<void> {
  await pool.query('SELECT ensure_event_day(current_date)');
  for (let from = 1; from <= units; from += UNITS_PER_INSERT) {
    const to = Math.min(units, from + UNITS_PER_INSERT - 1);
    await pool.query(
      `INSERT INTO exposures (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version,
                              config_version)
       SELECT current_date, 'unit-' || i, md5($1 || i)::uuid, now() - interval '1 hour', $1, $2, 1, 1,
              ($3::text[])[1 + i % ${String(ARMS.length)}], 'v1', 1
       FROM generate_series($4::integer, $5::integer) AS i`,
      [target.model, target.experimentId, [...ARMS], from, to],
    );
    for (let k = 0; k < OUTCOMES_PER_UNIT; k += 1) {
      await addOutcomes(pool, target.model, { from, to, suffix: String(k) });
    }
  }
  await pool.query('ANALYZE');
}

interface OutcomeRange {
  readonly from: number;
  readonly to: number;
  readonly suffix: string;
}

async function addOutcomes(pool: pg.Pool, model: string, range: OutcomeRange): Promise<void> {
  await pool.query(
    `INSERT INTO outcomes (day, unit_key, id, model, name, value, at)
     SELECT current_date, 'unit-' || i, i || '-' || $2::text, $1, CASE hashint4(i) % 2 WHEN 0 THEN 'visit' ELSE 'purchase' END,
            1 + abs(hashtext(i || $2::text)) % 100, now() - interval '1 minute'
     FROM generate_series($3::integer, $4::integer) AS i`,
    [model, range.suffix, range.from, range.to],
  );
}

function evidenceOf(design: FrozenDesign, { experimentId }: RollupTarget): Evidence {
  const shares = Object.fromEntries(ARMS.map((name) => [name, 1 / ARMS.length]));
  return {
    experimentId,
    epoch: 1,
    design,
    designHash: '',
    phases: [{ phase: 1, coverage: 1, startedAtMs: 0, shares }],
    unitCells: [],
    metricCells: [],
    droppedEvents: 0,
    caughtUp: true,
    watermarkMs: null,
    previous: [],
    previousSampleRatioPValue: 1,
  };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1_000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function tell(results: readonly Result[]): void {
  const [first] = results;
  const last = results.at(-1);
  if (first === undefined || last === undefined) return;
  const row = (...cells: readonly (string | number)[]): string =>
    cells.map((cell) => String(cell).padStart(14)).join('');
  const lines = results.map((one) =>
    row(
      one.outcomes,
      one.units,
      one.loadSeconds.toFixed(1),
      one.rollupSeconds.toFixed(1),
      one.idleMs.toFixed(1),
      one.busyMs.toFixed(1),
    ),
  );
  const header = row('outcomes', 'units', 'load s', 'rollup s', 'analysis ms', '1000 new ms');
  const ratio = last.idleMs / first.idleMs;
  const busyRatio = last.busyMs / first.busyMs;
  const figures = `ratio ${ratio.toFixed(2)}, with new outcomes ${busyRatio.toFixed(2)} (goal: at most ${String(GOAL)})`;
  process.stdout.write(`${[header, ...lines, figures].join('\n')}\n`);
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const kept = {
    arms: ARMS.length,
    metrics: 5,
    turns: TURNS,
    results,
    ratio,
    busyRatio,
    goal: GOAL,
  };
  writeFileSync(join(folder, 'analysis.json'), `${JSON.stringify(kept, null, 2)}\n`);
  if (ratio > GOAL) process.exitCode = 1;
}
