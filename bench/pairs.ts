import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { assess } from '../src/analysis/assess.js';
import type { Database } from '../src/database/database.service.js';
import { EmbeddedPostgres } from '../src/database/embedded-postgres.js';
import { migrate } from '../src/database/migrate.js';
import { BUILT_IN_METRICS } from '../src/metrics/built-in.js';
import { PairedService } from '../src/metrics/paired.service.js';
import type { RollupTarget } from '../src/metrics/rollup.js';
import { logLoss, shadowEvidence } from '../test/support/paired-evidence.js';
import { EQUAL_VERSIONS, runShadow, type ShadowWorld } from '../test/support/shadow-world.js';
import { randomFrom } from '../test/unit/analysis/random.js';

/*
 * What the pairs of a shadow cost, and how often verdicts on shadows are wrong. Starts its own database.
 * Run: npm run bench:pairs [-- <pairs> <runs>], 1,000,000 and 2,000 unless said otherwise; minutes.
 */

const [PAIRS = 1_000_000, RUNS = 2_000] = process.argv.slice(2).map(Number);
const PER_UNIT = 4;
const NEW_PAIRS = 1_000;
const LOOK = 21;

const out = (text: string): void => void process.stdout.write(`${text}\n`);

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  const sinceMs = performance.now();
  const result = await work();
  out(`${what.padEnd(58)} ${(performance.now() - sinceMs).toFixed(0).padStart(8)} ms`);
  return result;
}

const metric = (name: string) => BUILT_IN_METRICS.filter((one) => one.name === name);

/** Requests [from, to) with both answers, and the label of each. */
async function write(
  pool: pg.Pool,
  { experimentId, model }: RollupTarget,
  [from, to]: readonly [number, number],
): Promise<void> {
  const day = '2026-01-05';
  await pool.query('SELECT ensure_event_day($1)', [day]);
  const id = `('019b8d50-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid`;
  await pool.query(
    `INSERT INTO mirrors (day, unit_key, request_id, experiment_id, variant, at, model, epoch, phase, version,
       primary_status, primary_error, primary_timeout, primary_latency_ms, primary_captured,
       shadow_status, shadow_error, shadow_timeout, shadow_latency_ms, shadow_captured, config_version)
     SELECT $1::date, 'card-' || (i / $6), ${id}, $2, 'v2', $1::date + i * interval '1 millisecond', $3, 1, 1, 'v2',
       200, random() < 0.01, false, 20 * exp(random()), jsonb_build_object('score', random(), 'block', random() < 0.5),
       200, random() < 0.01, false, 20 * exp(random()), jsonb_build_object('score', random(), 'block', random() < 0.5), 1
     FROM generate_series($4::integer, $5::integer - 1) AS i`,
    [day, experimentId, model, from, to, PER_UNIT],
  );
  await pool.query(
    `INSERT INTO outcomes (day, unit_key, id, model, request_id, name, value, at)
     SELECT $1::date, ${id}::text, 'label-' || i, $2, ${id}, 'chargeback', (random() < 0.3)::integer, $1::date + interval '1 hour'
     FROM generate_series($3::integer, $4::integer - 1) AS i`,
    [day, model, from, to],
  );
}

async function costs(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-pairs-'));
  chmodSync(dir, 0o711);
  const server = new EmbeddedPostgres(dir);
  try {
    const url = await server.start();
    await migrate(url);
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    await measure(pool);
    await pool.end();
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(pool: pg.Pool): Promise<void> {
  const target: RollupTarget = {
    ...{ experimentId: randomUUID(), epoch: 1, model: 'fraud' },
    metrics: [...metric('latency_ms'), ...metric('error_rate'), logLoss],
  };
  const service = new PairedService({ pool } as unknown as Database);
  const all = async (): Promise<void> => {
    while (!(await service.takeIn(target)).caughtUp);
  };
  await timed(`${String(PAIRS)} pairs with labels written`, () => write(pool, target, [0, PAIRS]));
  await pool.query('ANALYZE');
  await timed('all of them taken in', all);
  await write(pool, target, [PAIRS, PAIRS + NEW_PAIRS]);
  await timed('1,000 more pairs and labels taken in', all);
  await timed('nothing new taken in', all);
  const cells = await timed('sums read', () => service.cells(target));
  const { design } = shadowEvidence([]);
  const evidence = shadowEvidence([], { design, paired: { ...cells, look: LOOK } });
  await timed('one look: every test, agreement, 199 permutations', () => assess(evidence));
  await timed('the next look, the code being warm', () => assess(evidence));
  out(`evidence of a look: ${String(Math.round(JSON.stringify(evidence).length / 1024))} kB`);
}

function verdicts(title: string, world: ShadowWorld, times: number): void {
  const tally: Record<string, number> = {};
  let units = 0;
  let decided = 0;
  for (let run = 1; run <= times; run += 1) {
    const found = runShadow(world, randomFrom(104_729 * run));
    tally[found.code] = (tally[found.code] ?? 0) + 1;
    if (found.code === 'hold') continue;
    units += found.units;
    decided += 1;
  }
  const share = (code: string): string => ((tally[code] ?? 0) / times).toFixed(4);
  const mean = decided === 0 ? '-' : String(Math.round(units / decided));
  out(
    `${title.padEnd(44)} ready ${share('ready_for_canary')}  not ready ${share('not_ready')}  ` +
      `undecided ${share('hold')}  units ${mean}`,
  );
}

await costs();
out(`\nverdicts after 20 looks at 100 units each, 1 to 5 requests a unit, alpha .05`);
verdicts(`as good (${String(RUNS)} runs)`, EQUAL_VERSIONS, RUNS);
const few = Math.ceil(RUNS / 10);
verdicts('scores closer to the truth', { ...EQUAL_VERSIONS, shadowNoise: 0.1 }, few);
verdicts('log odds shifted by .3', { ...EQUAL_VERSIONS, shift: 0.3 }, few);
verdicts('log odds shifted by .8', { ...EQUAL_VERSIONS, shift: 0.8 }, few);
verdicts(
  'closer, 30 % slower (margin 25 %)',
  { ...EQUAL_VERSIONS, shadowNoise: 0.1, slower: 1.3 },
  few,
);
verdicts(
  'closer, errors 4 % (1 %, margin 2 points)',
  { ...EQUAL_VERSIONS, shadowNoise: 0.1, errors: [0.01, 0.04] },
  few,
);
