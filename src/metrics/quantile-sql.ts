import { double, MAX_MAGNITUDE, predictionValue } from './measure-sql.js';
import type { Bind } from './measure-sql.js';
import { within } from './metric-sql.js';
import type { MetricDefinition } from './metric.js';
import { EXPERIMENT, namedAndAnswers, outcomesSince } from './population-sql.js';

export interface CompiledQuantile {
  readonly text: string;
  /** Values of the parameters after experiment, epoch and model. */
  readonly values: readonly unknown[];
}

/** The single values that a quantile is taken over, and where they come from. */
function valuesOf(
  { numerator: { source }, windowMs }: MetricDefinition,
  bind: Bind,
): { readonly ctes: string; readonly select: string } {
  const matured =
    windowMs === null
      ? 'true'
      : `t0 + ${bind(windowMs)}::float8 * interval '1 millisecond' <= now()`;
  const condition = `${within(windowMs, bind)} AND ${matured}`;
  if (source.kind === 'prediction') {
    const value = predictionValue(source, bind);
    return { ctes: '', select: `SELECT unit_key, ${value} AS v FROM requests WHERE ${condition}` };
  }
  const name = bind(source.outcome);
  return {
    ctes: namedAndAnswers(EXPERIMENT) + outcomesSince(EXPERIMENT, `ARRAY[${name}]`),
    select: `SELECT unit_key, v FROM happened WHERE ${condition}`,
  };
}

/**
 * A quantile of each arm over all its phases, from the raw events: costs by events, not by arms.
 *
 * Type 7 (Hyndman & Fan 1996: `percentile_cont`) at the level and at level -+ z sqrt(level (1 - level) / m), and
 * the moments over units of (values up to the quantile, values), which its clustered standard error needs (Deng,
 * Knoblich & Lu 2018, section 4.2). "Up to the quantile" means up to the order statistic that it starts from:
 * rounding in the interpolation must not decide on which side the next one falls. `cut` is materialized because the
 * planner once joined all values with all ranks before it picked one rank.
 *
 * @param z quantile of the standard normal distribution that the interval around the level is made with, > 0
 */
export function compileQuantile(metric: MetricDefinition, z: number): CompiledQuantile {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${(EXPERIMENT.fixedParameters + values.push(value)).toString()}`;
  const { ctes, select } = valuesOf(metric, bind);
  const level = `${bind(metric.quantile)}::float8`;
  const reach = `${bind(z)}::float8 * sqrt(${level} * (1 - ${level}) / count(*))`;
  const moment = (numerator: string): string => `(${numerator})::float8 / n`;
  const text = `
WITH ${EXPERIMENT.unitsAndRequests}${ctes}, numbers AS MATERIALIZED (
  SELECT unit_key, variant, ${double('v')} AS v
  FROM (${select}) AS events JOIN (SELECT unit_key, variant FROM u) AS arms USING (unit_key)
  WHERE abs(v) <= ${MAX_MAGNITUDE}
), sized AS MATERIALIZED (
  SELECT variant, count(*) AS m, ${reach} AS reach FROM numbers GROUP BY variant
), quantiles AS (
  SELECT variant, m, reach, percentile_cont(
    ARRAY[${level}, greatest(${level} - reach, 0), least(${level} + reach, 1)]) WITHIN GROUP (ORDER BY v) AS q
  FROM numbers JOIN sized USING (variant) GROUP BY variant, m, reach
), cut AS MATERIALIZED (
  SELECT variant, v AS below
  FROM (SELECT variant, v, row_number() OVER (PARTITION BY variant ORDER BY v) AS rank FROM numbers) AS ranked
  JOIN sized USING (variant) WHERE rank = floor((m - 1) * ${level}) + 1
), clusters AS (
  SELECT variant, (count(*) FILTER (WHERE v <= below))::numeric AS y, count(*)::numeric AS d
  FROM numbers JOIN cut USING (variant) GROUP BY variant, unit_key
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
