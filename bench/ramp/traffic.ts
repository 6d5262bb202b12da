import type pg from 'pg';
import type { Random } from '../../src/rollouts/planning/random.js';
import { assign } from '../../src/routing/assign.js';
import type { ModelPlan } from '../../src/routing/plan.js';
import { uuidV7 } from '../../src/kernel/ids.js';
import { CONTROL, HOUR_MS, type Rates } from './scenarios.js';

const NEW_UNITS = 260;
/** Of the units so far, so many come again in an interval. */
const RETURNING_SHARE = 0.1;
/** Both arms sell and fail half as much more at noon, and as much less at night. */
const DAILY_SWING = 0.5;
const ROWS_PER_INSERT = 20_000;

/** Requests and outcomes of one interval, as the gateways' shipper would insert them. */
export interface Events {
  readonly visits: unknown[][];
  readonly outcomes: unknown[][];
}

/** The units of one ramp. */
export class Crowd {
  private known = 0;

  constructor(
    private readonly model: string,
    private readonly variant: Rates,
    private readonly random: Random,
  ) {}

  /** What its units do between two looks, dealt out by the product's own plan. */
  visit(plan: ModelPlan, from: number, to: number, events: Events): void {
    const { random } = this;
    const before = this.known;
    this.known += NEW_UNITS;
    for (let unit = before; unit < this.known; unit += 1) {
      this.request(plan, `${this.model}-${String(unit)}`, from + (to - from) * random(), events);
    }
    for (let again = 0; again < RETURNING_SHARE * before; again += 1) {
      const unit = Math.floor(random() * before);
      this.request(plan, `${this.model}-${String(unit)}`, from + (to - from) * random(), events);
    }
  }

  private request(plan: ModelPlan, unit: string, atMs: number, events: Events): void {
    const { random } = this;
    const assignment = assign(plan, unit, null);
    const enrolment = assignment?.enrolment ?? null;
    if (assignment === null || enrolment === null) return;
    const rates = assignment.version === 'v1' ? CONTROL : this.variant;
    const swing = 1 + DAILY_SWING * Math.sin((2 * Math.PI * atMs) / (24 * HOUR_MS));
    const at = new Date(atMs).toISOString();
    const bytes = Uint8Array.from({ length: 10 }, () => Math.floor(random() * 256));
    const id = uuidV7(Math.floor(atMs), bytes);
    const { experimentId, epoch, phase, variant } = enrolment;
    const fails = random() < rates.fails * swing;
    const latencyMs = rates.latencyMs * (0.2 - 0.8 * Math.log(random()));
    const { version } = assignment;
    events.visits.push([
      ...[at.slice(0, 10), unit, id, at, this.model, experimentId, epoch, phase, variant, version],
      ...[fails, latencyMs],
    ]);
    if (random() >= rates.buys * swing) return;
    events.outcomes.push([at.slice(0, 10), unit, id, this.model, 1 + random(), at]);
  }
}

const INSERT_VISITS = `
WITH rows AS MATERIALIZED (
  SELECT * FROM unnest($1::date[], $2::text[], $3::uuid[], $4::timestamptz[], $5::text[], $6::uuid[], $7::int[],
    $8::int[], $9::text[], $10::text[], $11::boolean[], $12::float8[])
    AS r (day, unit, id, at, model, experiment, epoch, phase, variant, version, fails, latency)),
exposed AS (
  INSERT INTO exposures (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version,
    config_version)
  SELECT day, unit, id, at, model, experiment, epoch, phase, variant, version, 1 FROM rows)
INSERT INTO predictions (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant,
  assigned_version, served_version, reason, status, error, timeout, fallback, latency_ms, attempts, config_version)
SELECT day, unit, id, at, model, experiment, epoch, phase, variant, version, version, 'experiment',
  CASE WHEN fails THEN 500 ELSE 200 END, fails, false, false, latency, 1, 1 FROM rows`;

const INSERT_OUTCOMES = `
INSERT INTO outcomes (day, unit_key, id, model, name, value, at)
SELECT day, unit, id, model, 'bought', value, at
FROM unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::timestamptz[])
  AS r (day, unit, id, model, value, at)`;

export async function insertEvents(pool: pg.Pool, { visits, outcomes }: Events): Promise<void> {
  const days = new Set(visits.map(([day]) => String(day)));
  for (const day of days) await pool.query('SELECT ensure_event_day($1::date)', [day]);
  await insertAll(pool, INSERT_VISITS, visits);
  await insertAll(pool, INSERT_OUTCOMES, outcomes);
}

async function insertAll(pool: pg.Pool, sql: string, rows: readonly unknown[][]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const batch = rows.slice(from, from + ROWS_PER_INSERT);
    const width = batch[0]?.length ?? 0;
    const columns = Array.from({ length: width }, (_, column) => batch.map((row) => row[column]));
    await pool.query(sql, columns);
  }
}
