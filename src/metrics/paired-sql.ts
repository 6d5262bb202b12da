import { captured, lossValue, MAX_MAGNITUDE, predictionValue } from './measure-sql.js';
import type { Bind } from './measure-sql.js';
import type { MetricDefinition } from './metric.js';
import { LATENCY_BINS_PER_DOUBLING, MAX_CATEGORIES, MAX_OUTPUTS } from './paired.js';

/*
 * The statements of the pairs' sums; all take $1 = experiment, and run under the settings of rollup-sql.ts, for the
 * reasons given there. Only rows of transactions below the horizon enter, so that the pair of a unit that was known
 * first stays the first one.
 */

/** Ends what $1 has: the next batch starts from the first mirrored request. */
export const CLEAR = ['values', 'units', 'cells', 'tables', 'counts', 'targets'].map(
  (table) => `DELETE FROM pair_${table} WHERE experiment_id = $1`,
);

/**
 * $2 epoch, $3 fingerprint, $4 horizon. Mirrored requests are read from the beginning, outcomes from the horizon of
 * the first batch on: older ones are visible to every computation of a unit that can follow.
 */
export const START = `
INSERT INTO pair_targets (experiment_id, epoch, fingerprint, mirrors_x, mirrors_id, outcomes_x, outcomes_id)
VALUES ($1, $2, $3, '0', '00000000-0000-0000-0000-000000000000', $4::xid8, '')`;

export const STATE = `
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon, t.epoch, t.fingerprint,
  (extract(epoch FROM t.watermark) * 1000)::float8 AS "watermarkMs",
  t.mirrors_x::text AS "mirrorsX", t.mirrors_id AS "mirrorsId",
  t.outcomes_x::text AS "outcomesX", t.outcomes_id AS "outcomesId"
FROM (SELECT 1) AS always LEFT JOIN pair_targets t ON t.experiment_id = $1`;

/** $2 mirrors' cursor, $3, $4 outcomes' cursor, $5: null where there was nothing new. */
export const ADVANCE = `
UPDATE pair_targets SET
  mirrors_x = coalesce($2::xid8, mirrors_x), mirrors_id = coalesce($3::text, mirrors_id),
  outcomes_x = coalesce($4::xid8, outcomes_x), outcomes_id = coalesce($5::text, outcomes_id),
  watermark = greatest(watermark, to_timestamp($6::float8 / 1000))
WHERE experiment_id = $1`;

/** $2, $3 cursor, $4 horizon, $5 limit: the same rows for every statement of a batch. */
const NEW_MIRRORS = `new_rows AS MATERIALIZED (
  SELECT *, NOT (primary_error OR shadow_error) AS answered FROM event_mirrors
  WHERE experiment_id = $1 AND (x, request_id) > ($2::xid8, $3::uuid) AND x < $4::xid8
  ORDER BY x, request_id FETCH FIRST ($5::integer) ROWS WITH TIES
)`;

const KNOWN = (rows: string): string => `known AS MATERIALIZED (
  SELECT unit_key, as_of FROM pair_units
  WHERE experiment_id = $1 AND unit_key = ANY (ARRAY(SELECT unit_key FROM ${rows}))
)`;

/** As the readers of the rollup; $6 epoch. A request without a copy makes no pair, so its unit is left alone. */
export const READ_MIRRORS = `
WITH ${NEW_MIRRORS}, ${KNOWN('new_rows')}
SELECT (SELECT count(*)::integer FROM new_rows) AS read,
  (SELECT r.x::text FROM new_rows r ORDER BY r.x DESC, r.request_id DESC LIMIT 1) AS x,
  (SELECT r.request_id::text FROM new_rows r ORDER BY r.x DESC, r.request_id DESC LIMIT 1) AS id,
  (SELECT (extract(epoch FROM max(at)) * 1000)::float8 FROM new_rows WHERE epoch = $6) AS "atMs",
  ARRAY(SELECT DISTINCT n.unit_key FROM new_rows n LEFT JOIN known u ON u.unit_key = n.unit_key
    WHERE n.epoch = $6 AND n.drop_reason IS NULL AND (u.unit_key IS NULL OR n.x >= u.as_of)) AS units`;

/** $2, $3 cursor, $4 horizon, $5 limit, $6 epoch, $7 model, $8 outcome names that the metrics look at. */
export const READ_LABELS = `
WITH new_rows AS MATERIALIZED (
  SELECT x, id, request_id, name FROM event_outcomes
  WHERE model = $7 AND (x, id) > ($2::xid8, $3::text) AND x < $4::xid8
  ORDER BY x, id FETCH FIRST ($5::integer) ROWS WITH TIES
), wanted AS MATERIALIZED (
  SELECT x, request_id FROM new_rows WHERE name = ANY ($8::text[]) AND request_id IS NOT NULL
), named AS MATERIALIZED (
  SELECT request_id, unit_key FROM event_mirrors
  WHERE request_id = ANY (ARRAY(SELECT request_id FROM wanted)) AND experiment_id = $1 AND epoch = $6
    AND drop_reason IS NULL
), of_units AS MATERIALIZED (
  SELECT w.x, n.unit_key FROM wanted w JOIN named n ON n.request_id = w.request_id
), ${KNOWN('of_units')}
SELECT (SELECT count(*)::integer FROM new_rows) AS read,
  (SELECT r.x::text FROM new_rows r ORDER BY r.x DESC, r.id DESC LIMIT 1) AS x,
  (SELECT r.id FROM new_rows r ORDER BY r.x DESC, r.id DESC LIMIT 1) AS id, NULL::float8 AS "atMs",
  ARRAY(SELECT DISTINCT n.unit_key FROM of_units n JOIN known u ON u.unit_key = n.unit_key
    WHERE n.x >= u.as_of) AS units`;

/** Sixteenths of a doubling from a sixteenth of a millisecond on, with the sign of the time. */
const LATENCY_BIN = (ms: string): string => `CASE WHEN abs(${ms}) < 0.0625 THEN 0
    ELSE (sign(${ms}) * (1 + floor(${LATENCY_BINS_PER_DOUBLING.toString()} * ln(16 * abs(${ms})) / ln(2::float8)
      + 1e-9)))::integer END::text`;

/** Every mirrored row is read once, so its counts are simply added. $6 epoch. */
export const ADD_COUNTS = `
WITH ${NEW_MIRRORS}, own AS (SELECT * FROM new_rows WHERE epoch = $6),
told AS (
  SELECT 'copy' AS kind, CASE WHEN drop_reason IS NOT NULL THEN 'dropped' WHEN answered THEN 'answered'
    WHEN primary_error AND shadow_error THEN 'both_failed' WHEN primary_error THEN 'primary_failed'
    ELSE 'shadow_failed' END AS key FROM own
  UNION ALL
  SELECT 'drop', drop_reason FROM own WHERE drop_reason IS NOT NULL
  UNION ALL
  SELECT l.kind, l.key FROM own CROSS JOIN LATERAL (VALUES
    ('latency_primary', ${LATENCY_BIN('primary_latency_ms')}),
    ('latency_shadow', ${LATENCY_BIN('shadow_latency_ms')}),
    ('latency_difference', ${LATENCY_BIN('(shadow_latency_ms - primary_latency_ms)')})
  ) AS l (kind, key) WHERE drop_reason IS NULL AND answered
)
INSERT INTO pair_counts AS c (experiment_id, kind, key, count)
SELECT $1, kind, key, count(*) FROM told GROUP BY kind, key
ON CONFLICT (experiment_id, kind, key) DO UPDATE SET count = c.count + excluded.count`;

/** $2 epoch, $3 units, $4 horizon: their pairs. */
const PAIRS = `pairs AS MATERIALIZED (
  SELECT *, NOT (primary_error OR shadow_error) AS answered FROM event_mirrors
  WHERE experiment_id = $1 AND epoch = $2 AND unit_key = ANY ($3::text[]) AND x < $4::xid8 AND drop_reason IS NULL
)`;

/** A captured value as the code of its category: 'n' and a bin (paired.ts), 't' and a text, or 'm' for missing. */
const CATEGORY = (value: string): string => `CASE jsonb_typeof(${value})
    WHEN 'number' THEN (SELECT CASE WHEN abs(v) > ${MAX_MAGNITUDE} THEN 'm'
      WHEN v >= 0 THEN 'n' || c::text ELSE 'n' || (-1 - c)::text END
      FROM (SELECT v, CASE WHEN abs(v) <= 1 THEN least(floor(abs(v) * 20), 19)
          WHEN abs(v) <= ${MAX_MAGNITUDE} THEN 20 + floor(8 * ln(v_size) / ln(2::float8) + 1e-9) END::integer AS c
        FROM (SELECT v, CASE WHEN abs(v) BETWEEN 1 AND ${MAX_MAGNITUDE} THEN abs(v)::float8 ELSE 1 END AS v_size
          FROM (SELECT (${value} #>> '{}')::numeric AS v) AS number) AS sized) AS coded)
    WHEN 'string' THEN 't' || left(${value} #>> '{}', 64)
    WHEN 'boolean' THEN 't' || (${value} #>> '{}')
    ELSE 'm' END`;

/** Units $3 as seen at horizon $4; of those that got their first answered pair, what was said. $5: outputs of metrics. */
export const PUT_UNITS = `
WITH ${PAIRS}, firsts AS MATERIALIZED (
  SELECT DISTINCT ON (unit_key) unit_key, request_id, primary_captured, shadow_captured FROM pairs
  WHERE answered ORDER BY unit_key, x, request_id
), old AS MATERIALIZED (
  SELECT unit_key FROM pair_units
  WHERE experiment_id = $1 AND unit_key = ANY ($3::text[]) AND first_request IS NOT NULL
), put AS (
  INSERT INTO pair_units AS u (experiment_id, unit_key, as_of, first_request)
  SELECT $1, k.unit_key, $4::xid8, f.request_id
  FROM unnest($3::text[]) AS k (unit_key) LEFT JOIN firsts f ON f.unit_key = k.unit_key
  ON CONFLICT (experiment_id, unit_key) DO UPDATE SET as_of = excluded.as_of,
    first_request = coalesce(u.first_request, excluded.first_request)
), begun AS MATERIALIZED (
  SELECT f.* FROM firsts f LEFT JOIN old o ON o.unit_key = f.unit_key WHERE o.unit_key IS NULL
), more AS (
  INSERT INTO pair_counts AS c (experiment_id, kind, key, count)
  SELECT $1, 'units', 'answered', count(*) FROM begun HAVING count(*) > 0
  ON CONFLICT (experiment_id, kind, key) DO UPDATE SET count = c.count + excluded.count
), said AS (
  SELECT o.output, ${CATEGORY('(b.primary_captured -> o.output)')} AS p,
    ${CATEGORY('(b.shadow_captured -> o.output)')} AS s
  FROM begun b CROSS JOIN LATERAL (
    SELECT unnest($5::text[]) AS output
    UNION
    SELECT jsonb_object_keys(CASE WHEN jsonb_typeof(b.shadow_captured) = 'object' THEN b.shadow_captured ELSE '{}' END)
  ) AS o
)
INSERT INTO pair_tables AS t (experiment_id, output, p, s, units)
SELECT $1, output, p, s, count(*) FROM said GROUP BY output, p, s
ON CONFLICT (experiment_id, output, p, s) DO UPDATE SET units = t.units + excluded.units`;

const SUMS = `
    sum(sign) FILTER (WHERE m > 0) AS n, sum(sign * lopsided) AS lopsided,
    sum(sign) FILTER (WHERE d <> 0) AS differing,
    sum(sign) FILTER (WHERE p > 0) AS events_p, sum(sign) FILTER (WHERE p + d > 0) AS events_s,
    sum(sign) FILTER (WHERE first_p > 0 AND first_s > 0) AS first_both,
    sum(sign) FILTER (WHERE first_p > 0 AND NOT first_s > 0) AS first_p,
    sum(sign) FILTER (WHERE NOT first_p > 0 AND first_s > 0) AS first_s,
    sum(sign) FILTER (WHERE NOT first_p > 0 AND NOT first_s > 0) AS first_neither,
    sum(sign * a) AS sum_a, sum(sign * d) AS sum_d, sum(sign * p) AS sum_p, sum(sign * m) AS sum_m,
    sum(sign * d * d) AS sum_dd, sum(sign * p * p) AS sum_pp, sum(sign * m * m) AS sum_mm,
    sum(sign * d * p) AS sum_dp, sum(sign * d * m) AS sum_dm, sum(sign * p * m) AS sum_pm`;

const COUNTED = ['n', 'lopsided', 'differing', 'events_p', 'events_s'];
const FIRST = ['first_both', 'first_p', 'first_s', 'first_neither'];
const SUMMED = ['a', 'd', 'p', 'm', 'dd', 'pp', 'mm', 'dp', 'dm', 'pm'].map((of) => `sum_${of}`);
const CELL = [...COUNTED, ...FIRST, ...SUMMED];

/** Values of the units $3 at horizon $4 from their pairs, and the change of the cells; `ctes` of `compilePairs`. */
export function putValues(ctes: string): string {
  return `
WITH ${PAIRS}${ctes}, old AS MATERIALIZED (
  SELECT unit_key, metric, m, lopsided, d, p, a, first_p, first_s FROM pair_values
  WHERE experiment_id = $1 AND unit_key = ANY ($3::text[])
), gone AS (
  DELETE FROM pair_values v USING old o
  WHERE v.experiment_id = $1 AND v.unit_key = ANY ($3::text[])
    AND v.unit_key = o.unit_key AND v.metric = o.metric
    AND NOT EXISTS (SELECT FROM fresh n WHERE n.unit_key = o.unit_key AND n.metric = o.metric)
), put AS (
  INSERT INTO pair_values AS v (experiment_id, unit_key, metric, m, lopsided, d, p, a, first_p, first_s)
  SELECT $1, unit_key, metric, m, lopsided, d, p, a, first_p, first_s FROM fresh
  ON CONFLICT (experiment_id, unit_key, metric) DO UPDATE SET m = excluded.m, lopsided = excluded.lopsided,
    d = excluded.d, p = excluded.p, a = excluded.a, first_p = excluded.first_p, first_s = excluded.first_s
  WHERE (v.m, v.lopsided, v.d, v.p, v.a, v.first_p, v.first_s) IS DISTINCT FROM
    (excluded.m, excluded.lopsided, excluded.d, excluded.p, excluded.a, excluded.first_p, excluded.first_s)
), moved AS (
  SELECT *, 1 AS sign FROM fresh
  UNION ALL
  SELECT *, -1 FROM old
), change AS (
  SELECT metric, ${SUMS} FROM moved GROUP BY metric
)
INSERT INTO pair_cells AS c (experiment_id, metric, ${CELL.join(', ')})
SELECT $1, metric, ${CELL.map((column) => `trim_scale(coalesce(${column}, 0)::numeric)`).join(', ')} FROM change
ON CONFLICT (experiment_id, metric) DO UPDATE SET
  ${CELL.map((column) => `${column} = trim_scale((c.${column} + excluded.${column})::numeric)`).join(',\n  ')}`;
}

const MEAN = (sum: string): string =>
  `CASE WHEN n = 0 OR abs(${sum}) < 1e-290 THEN 0 ELSE (${sum})::float8 / n END`;
/** Centred in exact decimals and rounded once, so that nothing cancels. */
const CENTRED = (of: string, left: string, right: string): string =>
  MEAN(`n * sum_${of} - sum_${left} * sum_${right}`);

export const CELLS = `
SELECT metric, ${[...COUNTED, ...FIRST].map((column) => `${column}::float8 AS ${column}`).join(', ')},
  ${MEAN('sum_a')} AS "meanA", ${MEAN('sum_d')} AS "meanD", ${MEAN('sum_p')} AS "meanP", ${MEAN('sum_m')} AS "meanM",
  ${CENTRED('dd', 'd', 'd')} AS "m2D", ${CENTRED('pp', 'p', 'p')} AS "m2P", ${CENTRED('mm', 'm', 'm')} AS "m2M",
  ${CENTRED('dp', 'd', 'p')} AS "coDP", ${CENTRED('dm', 'd', 'm')} AS "coDM", ${CENTRED('pm', 'p', 'm')} AS "coPM"
FROM pair_cells WHERE experiment_id = $1 AND (n > 0 OR lopsided > 0) ORDER BY metric COLLATE "C"`;

export const COUNTS = `
SELECT kind, key, count::float8 AS count FROM pair_counts WHERE experiment_id = $1
ORDER BY kind, length(key), key COLLATE "C"`;

/** The tables of the outputs of most units, each with its largest categories; null stands for the others. */
export const TABLES = `
WITH own AS MATERIALIZED (SELECT output, p, s, units FROM pair_tables WHERE experiment_id = $1),
kept AS MATERIALIZED (
  SELECT output FROM own GROUP BY output ORDER BY sum(units) DESC, output COLLATE "C" LIMIT ${MAX_OUTPUTS.toString()}
), totals AS (
  SELECT output, category, sum(units) AS units FROM (
    SELECT output, p AS category, units FROM own UNION ALL SELECT output, s, units FROM own
  ) AS sides GROUP BY output, category
), ranked AS MATERIALIZED (
  SELECT output, category, row_number() OVER (PARTITION BY output ORDER BY units DESC, category COLLATE "C") AS rank
  FROM totals
)
SELECT o.output, a.category AS p, b.category AS s, sum(o.units)::float8 AS units,
  coalesce(sum(o.units) FILTER (WHERE o.p = o.s), 0)::float8 AS agreeing
FROM own o JOIN kept k ON k.output = o.output
LEFT JOIN ranked a ON a.output = o.output AND a.category = o.p AND a.rank <= ${MAX_CATEGORIES.toString()}
LEFT JOIN ranked b ON b.output = o.output AND b.category = o.s AND b.rank <= ${MAX_CATEGORIES.toString()}
GROUP BY o.output, a.category, b.category
ORDER BY o.output COLLATE "C", a.category COLLATE "C", b.category COLLATE "C"`;

/** Definitions compiled to SQL, as metric-sql.ts does: what people chose is only ever a bind parameter. */
export interface CompiledPairs {
  /** Common table expressions after `pairs` that end in `fresh(unit_key, metric, m, lopsided, d, p, a, first_*)`. */
  readonly ctes: string;
  /** Values of the parameters after the four fixed ones. */
  readonly values: readonly unknown[];
  /** Names of outcomes that are labels. */
  readonly labels: readonly string[];
  /** Captured outputs that the metrics look at. */
  readonly outputs: readonly string[];
}

const FIXED_PARAMETERS = 4;

/** Compiles metrics that can be paired, at least one, names unique; `model` is whose outcomes are labels. */
export function compilePairs(metrics: readonly MetricDefinition[], model: string): CompiledPairs {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${(FIXED_PARAMETERS + values.push(value)).toString()}`;
  const labels: string[] = [];
  const measured = metrics.map((metric, index) => {
    const { source } = metric.numerator;
    if (source.kind !== 'label') return measuredBy(metric, 'pairs', bind);
    labels.push(labelled(metric, { model, name: source.outcome, index }, bind));
    return measuredBy(metric, `labels_${index.toString()}`, bind);
  });
  const ctes = `${labels.join('')}, measured AS (${measured.join('\n  UNION ALL')}
), fresh AS MATERIALIZED (
  SELECT unit_key, metric, count(*) FILTER (WHERE both_known) AS m, count(*) FILTER (WHERE NOT both_known) AS lopsided,
    trim_scale(coalesce(sum(s - p) FILTER (WHERE both_known), 0)) AS d,
    trim_scale(coalesce(sum(p) FILTER (WHERE both_known), 0)) AS p,
    trim_scale(coalesce(sum(abs(s - p)) FILTER (WHERE both_known), 0)) AS a,
    trim_scale((array_agg(p ORDER BY known, request_id) FILTER (WHERE both_known))[1]) AS first_p,
    trim_scale((array_agg(s ORDER BY known, request_id) FILTER (WHERE both_known))[1]) AS first_s
  FROM (SELECT *, p IS NOT NULL AND s IS NOT NULL AS both_known FROM measured
    WHERE p IS NOT NULL OR s IS NOT NULL) AS valued
  GROUP BY unit_key, metric
)`;
  const sources = metrics.map(({ numerator }) => numerator.source);
  return {
    ctes,
    values,
    labels: distinct(sources.map((source) => (source.kind === 'label' ? source.outcome : null))),
    outputs: distinct(sources.map(outputOf)),
  };
}

function outputOf(source: MetricDefinition['numerator']['source']): string | null {
  if (source.kind === 'label') return source.output;
  if (source.kind !== 'prediction' || !source.measure.startsWith('captured:')) return null;
  return source.measure.slice('captured:'.length);
}

function distinct(names: readonly (string | null)[]): string[] {
  return [...new Set(names.filter((name) => name !== null))].sort();
}

/** The latest label of each answered pair, and since when both were known. */
function labelled(
  { windowMs }: MetricDefinition,
  { model, name, index }: { readonly model: string; readonly name: string; readonly index: number },
  bind: Bind,
): string {
  const inTime =
    windowMs === null
      ? ''
      : ` AND o.at < p.at + ${bind(windowMs)}::float8 * interval '1 millisecond'`;
  return `, labels_${index.toString()} AS MATERIALIZED (
  SELECT p.*, o.v, greatest(p.x, o.known) AS known_x FROM pairs p JOIN (
    SELECT p.request_id, (array_agg(o.value::text::numeric ORDER BY o.at DESC, o.id COLLATE "C" DESC))[1] AS v,
      (array_agg(o.x ORDER BY o.x))[1] AS known
    FROM pairs p JOIN event_outcomes o ON o.request_id = p.request_id
    WHERE o.request_id = ANY (ARRAY(SELECT request_id FROM pairs WHERE answered))
      AND o.model = ${bind(model)}::text AND o.name = ${bind(name)}::text AND o.x < $4::xid8
      AND abs(o.value) <= ${MAX_MAGNITUDE}${inTime}
    GROUP BY p.request_id
  ) AS o ON o.request_id = p.request_id
)`;
}

/** One metric of every pair: errors and time-outs of all copies that were sent, the rest where both answered. */
function measuredBy(metric: MetricDefinition, from: string, bind: Bind): string {
  const { source } = metric.numerator;
  const ofCopies =
    source.kind === 'prediction' && (source.measure === 'error' || source.measure === 'timeout');
  const known = source.kind === 'label' ? 'known_x' : 'x';
  const value = valueOf(metric, bind);
  const side = (name: 'primary' | 'shadow'): string =>
    `(SELECT ${value} FROM (SELECT ${name}_captured AS captured, ${name}_latency_ms AS latency_ms,
      ${name}_error AS error, ${name}_timeout AS timeout) AS side)`;
  return `
  SELECT unit_key, request_id, ${known} AS known, ${bind(metric.name)}::text AS metric,
    ${side('primary')} AS p,
    ${side('shadow')} AS s
  FROM ${from}${ofCopies ? '' : ' WHERE answered'}`;
}

function valueOf({ numerator, threshold }: MetricDefinition, bind: Bind): string {
  const { source } = numerator;
  if (source.kind === 'label') return lossValue(source.loss, `(${captured(bind(source.output))})`);
  if (source.kind === 'outcome') throw new Error('an outcome of a unit has no pair');
  const number = predictionValue(source, bind);
  if (threshold === null) return number;
  return `((${number}) > ${bind(threshold)}::numeric)::integer::numeric`;
}
