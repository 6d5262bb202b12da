import { compileMetrics } from './metric-sql.js';
import type { MetricDefinition } from './metric.js';
import { type Population, utcDay } from './population-sql.js';
import { CELL_COLUMNS, CELL_SUMS } from './rollup-sql.js';

/** One entry period of an experiment of kind `holdout`. */
export interface Period {
  readonly phase: number;
  readonly startedAtMs: number;
  /** Null: it is not over. */
  readonly endedAtMs: number | null;
}

/** An id may be a moment before or after its event, and a gateway learns of a new period a moment later. */
const DAYS = `day >= ${utcDay('$5')} - 1 AND day <= ${utcDay('$6')} + 1`;

/**
 * $1 experiment, $2 epoch, $3 model, $4 phase, $5 its start, $6 its end (or now): the units that were seen in a period,
 * whenever they entered, each from its first exposure in that period on. Requests are those of the period; outcomes of
 * a unit count until its end, those that name a request of the period whenever they come.
 */
const PERIOD: Population = {
  fixedParameters: 6,
  model: '$3',
  unitsAndRequests: `
  first AS MATERIALIZED (
    SELECT DISTINCT ON (unit_key) unit_key, at AS t0, request_id AS first_request
    FROM event_exposures WHERE experiment_id = $1 AND epoch = $2 AND phase = $4 AND ${DAYS}
    ORDER BY unit_key, at, request_id
  ), u AS MATERIALIZED (
    SELECT f.unit_key, e.variant, $4::integer AS phase, f.t0, f.first_request
    FROM first f JOIN experiment_units e ON e.experiment_id = $1 AND e.epoch = $2 AND e.unit_key = f.unit_key
    WHERE NOT e.crossover AND $3::text IS NOT NULL
  ),
  requests AS MATERIALIZED (
    SELECT u.unit_key, u.t0, p.request_id, p.at, p.latency_ms, p.error, p.timeout, p.fallback, p.captured
    FROM event_predictions p JOIN u ON u.unit_key = p.unit_key
    WHERE p.experiment_id = $1 AND p.epoch = $2 AND p.phase = $4 AND ${DAYS.replaceAll('day', 'p.day')}
      AND (p.at >= u.t0 OR p.request_id = u.first_request)
  )`,
  exposedRequests: `
    SELECT e.unit_key, e.request_id FROM event_exposures e JOIN u ON u.unit_key = e.unit_key
    WHERE e.experiment_id = $1 AND e.epoch = $2 AND e.phase = $4 AND ${DAYS.replaceAll('day', 'e.day')}`,
  outcomesToo: `AND o.at < $6::timestamptz AND ${DAYS.replaceAll('day', 'o.day')}`,
  answersToo: `model = $3 AND request_id IS NOT NULL AND day >= ${utcDay('$5')} - 1`,
};

/**
 * The cells of a period, one row per metric and variant; a variant whose units have no value of any metric is there
 * once, without a metric. Costs by the events of the period.
 */
export function compilePeriod(metrics: readonly MetricDefinition[]): {
  readonly text: string;
  /** Values of the parameters after the six of the period. */
  readonly values: readonly unknown[];
} {
  const { ctes, values } = compileMetrics(metrics, PERIOD);
  const text = `
WITH ${ctes}, counts AS (
  SELECT variant, count(*) AS units FROM u GROUP BY variant
), moved AS (
  SELECT metric, variant, y, d, capped, x, has_x, coalesce(matures_at <= now(), true) AS counted, 1 AS sign FROM fresh
), sums AS (
  SELECT metric, variant, ${CELL_SUMS} FROM moved GROUP BY metric, variant
)
SELECT variant, units::float8 AS units, metric, $4::integer AS phase, ${CELL_COLUMNS}
FROM counts LEFT JOIN sums USING (variant) ORDER BY metric COLLATE "C" NULLS LAST, variant COLLATE "C"`;
  return { text, values };
}
