/**
 * The statements of the rollup; all take $1 = experiment.
 *
 * They run with nested loops and sequential scans switched off (rollup.store.ts): new partitions have no
 * statistics, the planner expects one row, and 5,000 x 35,000 comparisons take minutes. So big tables are always
 * narrowed by `= ANY (array)` first, which an index answers, and then hashed.
 *
 * A cell changes by new minus old of the units that a batch touched, in exact decimals; `trim_scale` makes equal
 * sums equal in every digit that is stored.
 */

export type Stream = 'exposures' | 'predictions' | 'outcomes';

/** Ends what $1 has: the next batch starts from the first exposure. */
export const CLEAR = [
  'DELETE FROM rollup_cursors WHERE experiment_id = $1',
  'DELETE FROM unit_values WHERE experiment_id = $1',
  'DELETE FROM experiment_units WHERE experiment_id = $1',
  'DELETE FROM metric_cells WHERE experiment_id = $1',
  'DELETE FROM unit_cells WHERE experiment_id = $1',
  'DELETE FROM rollup_targets WHERE experiment_id = $1',
];

/** $2 epoch, $3 fingerprint. */
export const START = `
INSERT INTO rollup_targets (experiment_id, epoch, fingerprint) VALUES ($1, $2, $3)`;

/**
 * Exposures are read from the beginning. Predictions and outcomes are read only from the horizon $2 of the
 * first batch on: older ones are visible to every recomputation of a unit that can follow.
 */
export const START_CURSORS = `
INSERT INTO rollup_cursors (experiment_id, stream, x, id) VALUES
  ($1, 'exposures', '0', '00000000-0000-0000-0000-000000000000'),
  ($1, 'predictions', $2::xid8, '00000000-0000-0000-0000-000000000000'),
  ($1, 'outcomes', $2::xid8, '')`;

export const STATE = `
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon,
  (SELECT epoch FROM rollup_targets WHERE experiment_id = $1) AS epoch,
  (SELECT fingerprint FROM rollup_targets WHERE experiment_id = $1) AS fingerprint,
  (SELECT json_object_agg(stream, json_build_object('x', x::text, 'id', id))
     FROM rollup_cursors WHERE experiment_id = $1) AS cursors,
  EXISTS (SELECT FROM metric_cells WHERE experiment_id = $1 AND cubed_yy IS DISTINCT FROM sum_yy) AS "lacksCubes"`;

/**
 * Sums of cubes of the cells that a release without them has written or changed, from the values of their units: once
 * per experiment and upgrade.
 */
export const FILL_CUBES = `
WITH lacking AS MATERIALIZED (
  SELECT metric, phase, variant FROM metric_cells
  WHERE experiment_id = $1 AND cubed_yy IS DISTINCT FROM sum_yy
), cubes AS MATERIALIZED (
  SELECT metric, phase, variant, coalesce(sum(y * y * y) FILTER (WHERE counted), 0) AS sum_yyy
  FROM lacking LEFT JOIN (SELECT metric, phase, variant, y, counted FROM unit_values WHERE experiment_id = $1) AS v
    USING (metric, phase, variant)
  GROUP BY metric, phase, variant
)
UPDATE metric_cells c SET sum_yyy = trim_scale(cubes.sum_yyy), cubed_yy = c.sum_yy
FROM cubes
WHERE c.experiment_id = $1 AND c.metric = cubes.metric AND c.phase = cubes.phase AND c.variant = cubes.variant`;

/**
 * What every reader returns: how many rows, the last one, and the units that have to be computed again. A unit
 * whose values were computed after the horizon had passed the new row has seen that row already: without this,
 * catching up on a unit of 100,000 requests would read them all once per batch.
 * The order is by qualified names: a bare `x` would mean the text beside it, in which 999 comes after 1000.
 * WITH TIES: rows of one transaction may share an id, and a cursor between them would lose the rest.
 */
const READ = (id: string, units: string): string => `
SELECT (SELECT count(*)::integer FROM new_rows) AS read,
  (SELECT r.x::text FROM new_rows r ORDER BY r.x DESC, r.${id} DESC LIMIT 1) AS x,
  (SELECT r.${id}::text FROM new_rows r ORDER BY r.x DESC, r.${id} DESC LIMIT 1) AS id,
  ARRAY(${units}) AS units`;

/** What was computed before of the units of some rows; looked up by key whatever the planner believes. */
const KNOWN = (rows: string): string => `known AS MATERIALIZED (
  SELECT unit_key, as_of FROM experiment_units
  WHERE experiment_id = $1 AND unit_key = ANY (ARRAY(SELECT unit_key FROM ${rows}))
)`;

/** $2, $3 cursor, $4 horizon, $5 limit, $6 epoch. */
export const READ_EXPOSURES = `
WITH new_rows AS MATERIALIZED (
  SELECT x, request_id, unit_key, epoch FROM event_exposures
  WHERE experiment_id = $1 AND (x, request_id) > ($2::xid8, $3::uuid) AND x < $4::xid8
  ORDER BY x, request_id FETCH FIRST ($5::integer) ROWS WITH TIES
), ${KNOWN('new_rows')}${READ(
  'request_id',
  `SELECT DISTINCT n.unit_key FROM new_rows n LEFT JOIN known u ON u.unit_key = n.unit_key
   WHERE n.epoch = $6 AND (u.unit_key IS NULL OR n.x >= u.as_of)`,
)}`;

/** As exposures. A unit that is not exposed yet is computed when its exposure comes. */
export const READ_PREDICTIONS = `
WITH new_rows AS MATERIALIZED (
  SELECT x, request_id, unit_key, epoch FROM event_predictions
  WHERE experiment_id = $1 AND (x, request_id) > ($2::xid8, $3::uuid) AND x < $4::xid8
  ORDER BY x, request_id FETCH FIRST ($5::integer) ROWS WITH TIES
), ${KNOWN('new_rows')}${READ(
  'request_id',
  `SELECT DISTINCT n.unit_key FROM new_rows n JOIN known u ON u.unit_key = n.unit_key
   WHERE n.epoch = $6 AND n.x >= u.as_of`,
)}`;

/** $2, $3 cursor, $4 horizon, $5 limit, $6 epoch, $7 model, $8 outcome names that the metrics look at. */
export const READ_OUTCOMES = `
WITH new_rows AS MATERIALIZED (
  SELECT x, id, unit_key, request_id, name FROM event_outcomes
  WHERE model = $7 AND (x, id) > ($2::xid8, $3::text) AND x < $4::xid8
  ORDER BY x, id FETCH FIRST ($5::integer) ROWS WITH TIES
), wanted AS MATERIALIZED (
  SELECT x, unit_key, request_id FROM new_rows WHERE name = ANY ($8::text[])
), named AS MATERIALIZED (
  SELECT request_id, unit_key, experiment_id, epoch FROM event_predictions
  WHERE request_id = ANY (ARRAY(SELECT request_id FROM wanted WHERE request_id IS NOT NULL))
  UNION ALL
  SELECT request_id, unit_key, experiment_id, epoch FROM event_exposures
  WHERE request_id = ANY (ARRAY(SELECT request_id FROM wanted WHERE request_id IS NOT NULL))
), of_units AS MATERIALIZED (
  SELECT x, unit_key FROM wanted WHERE request_id IS NULL
  UNION ALL
  SELECT w.x, n.unit_key FROM wanted w JOIN named n ON n.request_id = w.request_id
  WHERE n.experiment_id = $1 AND n.epoch = $6
), ${KNOWN('of_units')}${READ(
  'id',
  `SELECT DISTINCT n.unit_key FROM of_units n JOIN known u ON u.unit_key = n.unit_key
   WHERE n.x >= u.as_of`,
)}`;

/** $2 stream, $3 x, $4 id. */
export const ADVANCE = `
UPDATE rollup_cursors SET x = $3::xid8, id = $4 WHERE experiment_id = $1 AND stream = $2`;

/** Rollbacks that are looked back to, the newest first; a unit that only met older ones has long forgotten. */
const MAX_ROLLBACKS = 20;

/**
 * First exposures of the units $3 in epoch $2, seen as of horizon $4, and the change of the arms' counts.
 * Earliest time decides, then the smaller request id; a second variant makes the unit a crossover.
 *
 * A unit carries over when an experiment of the model $5 that had been rolled back before its first exposure had shown
 * it something other than the control, or one of whose arms had been closed for harm had shown it that arm: one look-up
 * by key, when the unit is first seen or its first exposure changes.
 */
export const PUT_UNITS = `
WITH seen AS MATERIALIZED (
  SELECT unit_key, at, request_id, variant, phase FROM event_exposures
  WHERE experiment_id = $1 AND epoch = $2 AND unit_key = ANY ($3::text[])
), arms AS (
  SELECT unit_key, min(variant) <> max(variant) AS crossover, max(at) AS last_at FROM seen GROUP BY unit_key
), first AS MATERIALIZED (
  SELECT DISTINCT ON (s.unit_key) s.unit_key, s.variant, s.phase, s.at, s.request_id, a.crossover
  FROM seen s JOIN arms a USING (unit_key) ORDER BY s.unit_key, s.at, s.request_id
), old AS MATERIALIZED (
  SELECT unit_key, variant, phase, crossover, carry_over, first_exposed_at FROM experiment_units
  WHERE experiment_id = $1 AND unit_key = ANY ($3::text[])
), entering AS MATERIALIZED (
  SELECT f.unit_key, f.at FROM first f LEFT JOIN old o USING (unit_key) WHERE o.first_exposed_at IS DISTINCT FROM f.at
), rollbacks AS MATERIALIZED (
  SELECT experiment_id, control, NULL AS arm, ended_at FROM rolled_back_experiments
  WHERE model = $5 AND experiment_id <> $1
  UNION ALL
  SELECT experiment_id, NULL, variant, ended_at FROM rolled_back_arms WHERE model = $5 AND experiment_id <> $1
  ORDER BY ended_at DESC LIMIT ${MAX_ROLLBACKS.toString()}
), met AS MATERIALIZED (
  SELECT unit_key, experiment_id, variant, crossover FROM experiment_units
  WHERE experiment_id = ANY (ARRAY(SELECT experiment_id FROM rollbacks))
    AND unit_key = ANY (ARRAY(SELECT unit_key FROM entering))
), carried AS MATERIALIZED (
  SELECT DISTINCT e.unit_key FROM entering e JOIN met m USING (unit_key) JOIN rollbacks r USING (experiment_id)
  WHERE r.ended_at <= e.at AND (m.crossover OR m.variant <> r.control OR m.variant = r.arm)
), fresh AS MATERIALIZED (
  SELECT f.*, CASE WHEN o.first_exposed_at = f.at THEN o.carry_over ELSE c.unit_key IS NOT NULL END AS carry_over
  FROM first f LEFT JOIN old o USING (unit_key) LEFT JOIN carried c USING (unit_key)
), put AS (
  INSERT INTO experiment_units AS u (experiment_id, unit_key, epoch, variant, phase, first_exposed_at,
    first_request, crossover, as_of, carry_over)
  SELECT $1, unit_key, $2, variant, phase, at, request_id, crossover, $4::xid8, carry_over FROM fresh
  ON CONFLICT (experiment_id, unit_key) DO UPDATE SET epoch = excluded.epoch, variant = excluded.variant,
    phase = excluded.phase, first_exposed_at = excluded.first_exposed_at, as_of = excluded.as_of,
    first_request = excluded.first_request, crossover = excluded.crossover, carry_over = excluded.carry_over
), change AS (
  SELECT phase, variant, sum(sign) FILTER (WHERE NOT crossover) AS units, sum(sign) FILTER (WHERE crossover) AS crossovers,
    sum(sign) FILTER (WHERE NOT crossover AND carry_over) AS carry_over
  FROM (
    SELECT phase, variant, crossover, carry_over, 1 AS sign FROM fresh
    UNION ALL
    SELECT phase, variant, crossover, carry_over, -1 FROM old
  ) AS both_sides GROUP BY phase, variant
), cells AS (
  INSERT INTO unit_cells AS c (experiment_id, phase, variant, units, crossovers, carry_over)
  SELECT $1, phase, variant, coalesce(units, 0), coalesce(crossovers, 0), coalesce(carry_over, 0) FROM change
  ON CONFLICT (experiment_id, phase, variant) DO UPDATE SET units = c.units + excluded.units,
    crossovers = c.crossovers + excluded.crossovers, carry_over = c.carry_over + excluded.carry_over
)
UPDATE rollup_targets SET watermark = greatest(watermark, (SELECT max(last_at) FROM arms))
WHERE experiment_id = $1`;

/** What a cell is made of, in the order of `cellSums`. */
export const CELL_FIELDS = [
  ...[
    'n',
    'pending',
    'sum_y',
    'sum_yy',
    'sum_yyy',
    'sum_d',
    'sum_dd',
    'sum_yd',
    'events',
    'capped',
  ],
  ...['with_x', 'sum_x', 'sum_xx', 'sum_xy'],
] as const;

/**
 * The sums of a cell over rows of values; `signed` where each row has a `sign` to be counted with, `covariate` where
 * some x may be other than 0.
 */
export function cellSums({
  signed,
  covariate,
}: {
  readonly signed: boolean;
  readonly covariate: boolean;
}): string {
  const total = (product: string): string =>
    `coalesce(sum(${signed ? 'sign * ' : ''}${product}) FILTER (WHERE counted), 0)`;
  const count = (condition: string): string =>
    signed
      ? `coalesce(sum(sign) FILTER (WHERE ${condition}), 0)`
      : `count(*) FILTER (WHERE ${condition})`;
  const ofPast = (product: string): string => (covariate ? total(product) : '0::numeric');
  return `
    ${count('counted')} AS n, ${count('NOT counted')} AS pending,
    ${total('y')} AS sum_y, ${total('y * y')} AS sum_yy, ${total('y * y * y')} AS sum_yyy,
    ${total('d')} AS sum_d, ${total('d * d')} AS sum_dd, ${total('y * d')} AS sum_yd,
    ${count('counted AND y > 0')} AS events, ${count('counted AND capped')} AS capped,
    ${count('counted AND has_x')} AS with_x,
    ${ofPast('x')} AS sum_x, ${ofPast('x * x')} AS sum_xx, ${ofPast('x * y')} AS sum_xy`;
}

/** The same over rows with a sign each. */
export const CELL_SUMS = cellSums({ signed: true, covariate: true });

/** The change of cells by rows (metric, phase, variant, y, d, capped, x, has_x, counted, sign) named `moved`. */
const CHANGE_CELLS = `
change AS (
  SELECT metric, phase, variant, ${CELL_SUMS}
  FROM moved GROUP BY metric, phase, variant
), cells AS (
  INSERT INTO metric_cells AS c (experiment_id, metric, phase, variant, n, pending, sum_y, sum_yy, sum_d,
    sum_dd, sum_yd, events, capped, with_x, sum_x, sum_xx, sum_xy, sum_yyy, cubed_yy)
  SELECT $1, metric, phase, variant, n, pending, trim_scale(sum_y), trim_scale(sum_yy), trim_scale(sum_d),
    trim_scale(sum_dd), trim_scale(sum_yd), events, capped, with_x, trim_scale(sum_x), trim_scale(sum_xx),
    trim_scale(sum_xy), trim_scale(sum_yyy), trim_scale(sum_yy) FROM change
  ON CONFLICT (experiment_id, metric, phase, variant) DO UPDATE SET
    n = c.n + excluded.n, pending = c.pending + excluded.pending, events = c.events + excluded.events,
    sum_y = trim_scale(c.sum_y + excluded.sum_y), sum_yy = trim_scale(c.sum_yy + excluded.sum_yy),
    sum_d = trim_scale(c.sum_d + excluded.sum_d), sum_dd = trim_scale(c.sum_dd + excluded.sum_dd),
    sum_yd = trim_scale(c.sum_yd + excluded.sum_yd),
    capped = c.capped + excluded.capped, with_x = c.with_x + excluded.with_x,
    sum_x = trim_scale(c.sum_x + excluded.sum_x), sum_xx = trim_scale(c.sum_xx + excluded.sum_xx),
    sum_xy = trim_scale(c.sum_xy + excluded.sum_xy),
    sum_yyy = trim_scale(c.sum_yyy + excluded.sum_yyy), cubed_yy = trim_scale(c.sum_yy + excluded.sum_yy)
)`;

/** Values of the units $3 from the raw events, and the change of the cells; `ctes` from metric-sql.ts. */
export function putValues(ctes: string): string {
  return `
WITH ${ctes}, valued AS MATERIALIZED (
  SELECT *, coalesce(matures_at <= now(), true) AS counted FROM fresh
), old AS MATERIALIZED (
  SELECT unit_key, metric, variant, phase, y, d, capped, x, has_x, counted FROM unit_values
  WHERE experiment_id = $1 AND unit_key = ANY ($3::text[])
), gone AS (
  DELETE FROM unit_values v USING old o
  WHERE v.experiment_id = $1 AND v.unit_key = ANY ($3::text[])
    AND v.unit_key = o.unit_key AND v.metric = o.metric
    AND NOT EXISTS (SELECT FROM valued n WHERE n.unit_key = o.unit_key AND n.metric = o.metric)
), put AS (
  INSERT INTO unit_values AS v (experiment_id, unit_key, metric, variant, phase, y, d, capped, x, has_x,
    matures_at, counted)
  SELECT $1, unit_key, metric, variant, phase, y, d, capped, x, has_x, matures_at, counted FROM valued
  ON CONFLICT (experiment_id, unit_key, metric) DO UPDATE SET variant = excluded.variant,
    phase = excluded.phase, y = excluded.y, d = excluded.d, capped = excluded.capped, x = excluded.x,
    has_x = excluded.has_x, matures_at = excluded.matures_at, counted = excluded.counted
  WHERE (v.variant, v.phase, v.y, v.d, v.capped, v.x, v.has_x, v.matures_at, v.counted) IS DISTINCT FROM
    (excluded.variant, excluded.phase, excluded.y, excluded.d, excluded.capped, excluded.x, excluded.has_x,
      excluded.matures_at, excluded.counted)
), moved AS (
  SELECT metric, phase, variant, y, d, capped, x, has_x, counted, 1 AS sign FROM valued
  UNION ALL
  SELECT metric, phase, variant, y, d, capped, x, has_x, counted, -1 FROM old
), ${CHANGE_CELLS}, crossed AS MATERIALIZED (
  SELECT unit_key, first_exposed_at, first_request FROM experiment_units
  WHERE experiment_id = $1 AND epoch = $2 AND unit_key = ANY ($3::text[]) AND crossover
)
-- requests of crossovers too: one that is known as such only later must not make the same events end at another time
UPDATE rollup_targets SET watermark = greatest(watermark, (SELECT max(at) FROM requests), (
  SELECT max(p.at) FROM event_predictions p JOIN crossed c ON c.unit_key = p.unit_key
  WHERE p.experiment_id = $1 AND p.epoch = $2 AND p.unit_key = ANY (ARRAY(SELECT unit_key FROM crossed))
    AND (p.at >= c.first_exposed_at OR p.request_id = c.first_request)
))
WHERE experiment_id = $1`;
}

/** Takes the unit $2 out of the sums, as if it had never been there. */
export const ERASE_UNIT = `
WITH unit AS (
  DELETE FROM experiment_units WHERE experiment_id = $1 AND unit_key = $2
  RETURNING phase, variant, crossover, carry_over
), counts AS (
  UPDATE unit_cells c SET units = c.units - (NOT u.crossover)::integer, crossovers = c.crossovers - u.crossover::integer,
    carry_over = c.carry_over - (u.carry_over AND NOT u.crossover)::integer
  FROM unit u WHERE c.experiment_id = $1 AND c.phase = u.phase AND c.variant = u.variant
), gone AS (
  DELETE FROM unit_values WHERE experiment_id = $1 AND unit_key = $2
  RETURNING metric, phase, variant, y, d, capped, x, has_x, counted
), moved AS (
  SELECT metric, phase, variant, y, d, capped, x, has_x, counted, -1 AS sign FROM gone
), ${CHANGE_CELLS}
SELECT count(*)::integer AS units FROM unit`;

/** Moves at most $2 values whose window has closed from pending into the cells. */
export const MATURE = `
WITH due AS MATERIALIZED (
  SELECT unit_key, metric FROM unit_values
  WHERE experiment_id = $1 AND NOT counted AND matures_at <= now() ORDER BY matures_at LIMIT $2
), ripe AS (
  UPDATE unit_values v SET counted = true FROM due
  WHERE v.experiment_id = $1 AND v.unit_key = ANY (ARRAY(SELECT unit_key FROM due))
    AND v.unit_key = due.unit_key AND v.metric = due.metric
  RETURNING v.metric, v.phase, v.variant, v.y, v.d, v.capped, v.x, v.has_x
), moved AS (
  SELECT metric, phase, variant, y, d, capped, x, has_x, true AS counted, 1 AS sign FROM ripe
  UNION ALL
  SELECT metric, phase, variant, y, d, capped, x, has_x, false, -1 FROM ripe
), ${CHANGE_CELLS}
SELECT count(*)::integer AS matured FROM ripe`;

/** Cells that nobody is in any more go, so that a history leaves no trace. */
export const SWEEP_CELLS = [
  'DELETE FROM metric_cells WHERE experiment_id = $1 AND n = 0 AND pending = 0',
  'DELETE FROM unit_cells WHERE experiment_id = $1 AND units = 0 AND crossovers = 0',
];

export const WATERMARK = `
SELECT (extract(epoch FROM watermark) * 1000)::float8 AS "watermarkMs"
FROM rollup_targets WHERE experiment_id = $1`;

/**
 * Moments in exact decimals: n * sum_yy - sum_y^2 is rounded once, so nothing cancels at a mean of 10^12.
 * A result below 10^-300 is zero: the cast to double would fail instead of rounding to it.
 */
const MOMENT = (numerator: string): string =>
  `CASE WHEN n = 0 OR abs(${numerator}) < 1e-290 THEN 0 ELSE (${numerator})::float8 / n END`;

const CUBED_DEVIATIONS = '(n * n * sum_yyy - 3 * n * sum_y * sum_yy + 2 * sum_y * sum_y * sum_y)';

/** n^2 times it is exact; null where no double holds that: with values beyond 10^95, say. */
const THIRD_MOMENT = `CASE WHEN n = 0 OR abs(${CUBED_DEVIATIONS}) < 1e-290 THEN 0
  WHEN abs(${CUBED_DEVIATIONS}) < 1e300 THEN ${CUBED_DEVIATIONS}::float8 / n / n END`;

/** The columns of a cell from the sums of one. */
export const CELL_COLUMNS = `
  n::float8 AS n, pending::float8 AS pending, events::float8 AS events,
  ${MOMENT('sum_y')} AS "meanY", ${MOMENT('n * sum_yy - sum_y * sum_y')} AS "m2Y", ${THIRD_MOMENT} AS "m3Y",
  ${MOMENT('sum_d')} AS "meanD", ${MOMENT('n * sum_dd - sum_d * sum_d')} AS "m2D",
  ${MOMENT('n * sum_yd - sum_y * sum_d')} AS "coMoment",
  capped::float8 AS capped, with_x::float8 AS "withX", ${MOMENT('sum_x')} AS "meanX",
  ${MOMENT('n * sum_xx - sum_x * sum_x')} AS "m2X", ${MOMENT('n * sum_xy - sum_x * sum_y')} AS "coMomentXY"`;

/** Without a third moment where a release that keeps no cubes was the last to write. */
export const METRIC_CELLS = `
SELECT metric, phase, variant, ${CELL_COLUMNS}
FROM (
  SELECT metric, phase, variant, n, pending, sum_y, sum_yy, sum_d, sum_dd, sum_yd, events, capped, with_x, sum_x,
    sum_xx, sum_xy, CASE WHEN cubed_yy = sum_yy THEN sum_yyy END AS sum_yyy
  FROM metric_cells WHERE experiment_id = $1
) AS cells
ORDER BY metric COLLATE "C", phase, variant COLLATE "C"`;

export const UNIT_CELLS = `
SELECT phase, variant, units::float8 AS units, crossovers::float8 AS crossovers, carry_over::float8 AS "carryOver"
FROM unit_cells WHERE experiment_id = $1 ORDER BY phase, variant COLLATE "C"`;
