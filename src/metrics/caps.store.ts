import type { EntityManager } from 'typeorm';
import { double } from './measure-sql.js';
import { compileMetrics } from './metric-sql.js';
import type { MetricDefinition } from './metric.js';
import { LOOKBACK, utcDay } from './population-sql.js';

/** Units that a cap is taken from: even the 99.9th percentile of so many is made by 20 of them. */
const MAX_UNITS = 20_000;
/** The start of an experiment waits for this. */
const STATEMENT_TIMEOUT_MS = 25_000;

/** Units as two arrays in the same order: keys, and when each was first seen (as PostgreSQL prints it). */
export interface SampledUnits {
  readonly keys: readonly string[];
  readonly since: readonly string[];
}

export interface Percentile {
  readonly metric: string;
  /** Units with a value whose window is over. */
  readonly units: number;
  /** Null without units. */
  readonly value: number | null;
}

/** What the units of a model did before an experiment. Inside one transaction. */
export class CapsStore {
  constructor(private readonly tx: EntityManager) {}

  /** Sequential scans stay on: requests outside of experiments have no index by unit. Nested loops: rollup-sql.ts. */
  async limit(): Promise<void> {
    await this.tx.query(
      `SELECT set_config('statement_timeout', $1, true), set_config('jit', 'off', true),
         set_config('extra_float_digits', '1', true), set_config('enable_nestloop', 'off', true)`,
      [STATEMENT_TIMEOUT_MS.toString()],
    );
  }

  /** Everybody who was seen in [from, to), or the same 20,000 of them by a hash of their keys. */
  async units(model: string, from: Date, to: Date): Promise<SampledUnits> {
    // the partition is that of the id, which may be a moment before or after the event
    const requestDays = `day >= ${utcDay('$2')} - 1 AND day <= ${utcDay('$3')} + 1`;
    const rows = await this.tx.query<{ unit: string; since: string }[]>(
      `SELECT unit_key AS unit, min(at)::text AS since FROM (
         SELECT unit_key, at FROM event_predictions WHERE model = $1 AND at >= $2 AND at < $3 AND ${requestDays}
         UNION ALL
         SELECT unit_key, at FROM event_exposures WHERE model = $1 AND at >= $2 AND at < $3 AND ${requestDays}
         UNION ALL
         SELECT unit_key, at FROM event_outcomes
         WHERE model = $1 AND at >= $2 AND at < $3 AND request_id IS NULL
           AND day >= ${utcDay('$2')} AND day <= ${utcDay('$3')}
       ) AS seen
       GROUP BY unit_key ORDER BY hashtextextended(unit_key, 0), unit_key LIMIT $4`,
      [model, from, to, MAX_UNITS],
    );
    return { keys: rows.map((row) => row.unit), since: rows.map((row) => row.since) };
  }

  /** Type-7 percentiles of what the metrics make of the units up to `to`; each metric as it is without its cap. */
  async percentiles(
    metrics: readonly MetricDefinition[],
    { keys, since }: SampledUnits,
    { model, to }: { readonly model: string; readonly to: Date },
  ): Promise<Percentile[]> {
    const plain = metrics.map((metric) => ({
      ...metric,
      winsorizePercentile: null,
      covariate: null,
    }));
    const { ctes, values } = compileMetrics(plain, LOOKBACK);
    const at = LOOKBACK.fixedParameters + values.length;
    return this.tx.query<Percentile[]>(
      `WITH ${ctes}, ranked AS (
         SELECT f.metric, ${double('f.y')} AS y, w.percentile
         FROM fresh f JOIN unnest($${(at + 1).toString()}::text[], $${(at + 2).toString()}::float8[])
           AS w (metric, percentile) ON w.metric = f.metric
         WHERE coalesce(f.matures_at <= $2::timestamptz, true)
       )
       SELECT metric, count(*)::integer AS units, percentile_cont(percentile) WITHIN GROUP (ORDER BY y) AS value
       FROM ranked GROUP BY metric, percentile`,
      [
        since,
        to,
        keys,
        model,
        ...values,
        metrics.map(({ name }) => name),
        metrics.map(({ winsorizePercentile }) => winsorizePercentile?.percentile ?? null),
      ],
    );
  }
}
