import { assertNever } from '../kernel/assert.js';
import { captured, double, MAX_MAGNITUDE } from './measure-sql.js';
import type { Bind } from './measure-sql.js';
import { within } from './metric-sql.js';
import type { MetricDefinition, MetricSource } from './metric.js';

export interface CompiledQuantile {
  readonly text: string;
  /** Values of the parameters after experiment, epoch and model. */
  readonly values: readonly unknown[];
}

const FIXED_PARAMETERS = 3;

/** Units of the experiment; inlined, because two million of them cost seconds to write down and read again. */
const UNITS = `
  u AS NOT MATERIALIZED (
    SELECT unit_key, variant, first_exposed_at AS t0, first_request FROM experiment_units
    WHERE experiment_id = $1 AND epoch = $2 AND NOT crossover AND $3::text IS NOT NULL
  )`;

/** Requests of the units since their first exposure, joined to them. */
const REQUESTS = `event_predictions p JOIN u ON u.unit_key = p.unit_key
    WHERE p.experiment_id = $1 AND p.epoch = $2 AND (p.at >= u.t0 OR p.request_id = u.first_request)`;

/** A double for each event, as the rollup reads it; null where the event has no number. */
function numberOf(source: MetricSource & { kind: 'prediction' }, bind: Bind): string {
  switch (source.measure) {
    case 'latency_ms':
      return 'p.latency_ms';
    case 'error':
    case 'timeout':
    case 'fallback':
      return `p.${source.measure}::integer::float8`;
    default: {
      const number = `(${captured(bind(source.measure.slice('captured:'.length)))})`;
      return `CASE WHEN abs(${number}) <= ${MAX_MAGNITUDE} THEN ${double(number)} END`;
    }
  }
}

/** The single values that a quantile is taken over, as `(unit_key, variant, v)`, and where they come from. */
function valuesOf(
  { numerator: { source }, windowMs }: MetricDefinition,
  bind: Bind,
): { readonly ctes: string; readonly select: string } {
  const matured =
    windowMs === null
      ? 'true'
      : `t0 + ${bind(windowMs)}::float8 * interval '1 millisecond' <= now()`;
  const condition = `${within(windowMs, bind)} AND ${matured}`;
  switch (source.kind) {
    case 'prediction':
      return {
        ctes: UNITS,
        select: `SELECT u.unit_key, u.variant, ${numberOf(source, bind)} AS v FROM ${REQUESTS} AND ${condition}`,
      };
    case 'outcome':
    case 'label':
      return outcomesOf(bind(source.outcome), condition);
    default:
      return assertNever(source);
  }
}

/**
 * Outcomes that name the unit, from its first exposure on, and those that name a request. The latter first, and then
 * their requests: usually there are none, and nothing else of two million requests is read.
 */
function outcomesOf(name: string, condition: string): { ctes: string; select: string } {
  return {
    ctes: `${UNITS},
  answers AS MATERIALIZED (
    SELECT request_id, at, value AS v FROM event_outcomes
    WHERE model = $3 AND name = ${name}::text AND request_id IS NOT NULL
  ),
  named AS MATERIALIZED (
    SELECT e.request_id, u.unit_key, u.variant, u.t0 FROM event_exposures e JOIN u ON u.unit_key = e.unit_key
    WHERE e.experiment_id = $1 AND e.epoch = $2 AND e.request_id IN (SELECT request_id FROM answers)
    UNION
    SELECT p.request_id, u.unit_key, u.variant, u.t0 FROM ${REQUESTS}
      AND p.request_id IN (SELECT request_id FROM answers)
  )`,
    select: `
    SELECT u.unit_key, u.variant, o.value AS v FROM event_outcomes o JOIN u ON u.unit_key = o.unit_key
    WHERE o.model = $3 AND o.name = ${name}::text AND o.request_id IS NULL AND o.at >= u.t0 AND ${condition}
    UNION ALL
    SELECT unit_key, variant, v FROM named JOIN answers USING (request_id) WHERE ${condition}`,
  };
}

/**
 * A quantile of each arm over all its phases, from the raw events: costs by events, not by arms.
 *
 * Type 7 (Hyndman & Fan 1996: `percentile_cont`) at the level and at level -+ z sqrt(level (1 - level) / m), and
 * the moments over units of (values up to the quantile, values), which its clustered standard error needs (Deng,
 * Knoblich & Lu 2018, section 4.2). "Up to the quantile" means up to the order statistic that it starts from:
 * rounding in the interpolation must not decide on which side the next one falls. That is the one of rank
 * k = floor((m - 1) level) + 1, which `percentile_disc` answers for (k - 1/2) / m out of the same sort.
 *
 * @param z quantile of the standard normal distribution that the interval around the level is made with, > 0
 */
export function compileQuantile(metric: MetricDefinition, z: number): CompiledQuantile {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${(FIXED_PARAMETERS + values.push(value)).toString()}`;
  const { ctes, select } = valuesOf(metric, bind);
  const level = `${bind(metric.quantile)}::float8`;
  const reach = `${bind(z)}::float8 * sqrt(${level} * (1 - ${level}) / count(*))`;
  const moment = (numerator: string): string => `(${numerator})::float8 / n`;
  const text = `
WITH ${ctes}, numbers AS MATERIALIZED (
  SELECT unit_key, variant, v FROM (${select}) AS events WHERE abs(v) <= ${MAX_MAGNITUDE}
), sized AS MATERIALIZED (
  SELECT variant, count(*) AS m, ${reach} AS reach FROM numbers GROUP BY variant
), quantiles AS MATERIALIZED (
  SELECT variant, m, reach, q, below FROM sized CROSS JOIN LATERAL (
    SELECT percentile_cont(
        ARRAY[${level}, greatest(${level} - reach, 0), least(${level} + reach, 1)]) WITHIN GROUP (ORDER BY v) AS q,
      percentile_disc((floor((m - 1) * ${level}) + 0.5) / m) WITHIN GROUP (ORDER BY v) AS below
    FROM numbers WHERE numbers.variant = sized.variant
  ) AS of_arm
), clusters AS (
  SELECT variant, count(*) FILTER (WHERE v <= below) AS y, count(*) AS d
  FROM numbers JOIN quantiles USING (variant) GROUP BY variant, unit_key
), sums AS (
  SELECT variant, count(*) AS n, sum(y) AS y, sum(d) AS d, sum(y * y) AS yy, sum(d * d) AS dd, sum(y * d) AS yd
  FROM clusters GROUP BY variant
)
SELECT variant, n::float8 AS n, m::float8 AS values, q[1] AS quantile,
  CASE WHEN ${level} - reach > 0 AND ${level} + reach < 1 THEN q[2] END AS lower,
  CASE WHEN ${level} - reach > 0 AND ${level} + reach < 1 THEN q[3] END AS upper,
  ${moment('y')} AS "meanY", ${moment('n * yy - y * y')} AS "m2Y",
  ${moment('d')} AS "meanD", ${moment('n * dd - d * d')} AS "m2D", ${moment('n * yd - y * d')} AS "coMoment"
FROM quantiles JOIN sums USING (variant) ORDER BY variant COLLATE "C"`;
  return { text, values };
}
