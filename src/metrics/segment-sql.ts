import { CELL_COLUMNS, CELL_SUMS } from './rollup-sql.js';

/** More values than anybody reads; the rest is one segment. */
export const MAX_SEGMENTS = 20;

/**
 * Cells of one metric by the values of a captured field: $1 experiment, $2 epoch, $3 field, $4 metric, $5 how many of
 * the largest values have a segment of their own. Units and their values are those of the last rollup. What a unit
 * belongs to is said by the request of its first exposure, which no variant can have changed; of equally large values
 * the first in byte order wins, so that the same data give the same segments.
 */
export const SEGMENT_CELLS = `
WITH u AS MATERIALIZED (
  SELECT u.unit_key, u.variant, u.phase, u.crossover, p.captured ->> $3::text AS value
  FROM experiment_units u LEFT JOIN event_predictions p ON p.experiment_id = $1 AND p.epoch = $2
    AND p.request_id = u.first_request AND p.unit_key = u.unit_key
  WHERE u.experiment_id = $1 AND u.epoch = $2
), ranked AS MATERIALIZED (
  SELECT value, row_number() OVER (ORDER BY count(*) DESC, value COLLATE "C") AS rank
  FROM u WHERE value IS NOT NULL GROUP BY value
), placed AS MATERIALIZED (
  SELECT unit_key, variant, phase, crossover,
    -- least() skips nulls
    CASE WHEN rank IS NOT NULL THEN least(rank, $5::integer + 1) END AS rank,
    CASE WHEN rank <= $5::integer THEN value END AS value
  FROM u LEFT JOIN ranked USING (value)
), moved AS (
  SELECT p.rank, p.value, p.variant, p.phase, p.crossover, v.y, v.d, v.capped, v.x, v.has_x, v.counted, 1 AS sign
  FROM placed p LEFT JOIN unit_values v ON v.experiment_id = $1 AND v.metric = $4::text AND v.unit_key = p.unit_key
), sums AS (
  SELECT rank, value, phase, variant, count(*) FILTER (WHERE NOT crossover) AS units,
    count(*) FILTER (WHERE crossover) AS crossovers, ${CELL_SUMS}
  FROM moved GROUP BY rank, value, phase, variant
)
SELECT value, CASE WHEN rank IS NULL THEN 'missing' WHEN value IS NULL THEN 'other' ELSE 'value' END AS kind,
  (SELECT count(*) FROM ranked WHERE ranked.rank > $5::integer)::float8 AS others,
  $4::text AS metric, phase, variant, units::float8 AS units, crossovers::float8 AS crossovers, ${CELL_COLUMNS}
FROM sums ORDER BY rank NULLS LAST, phase, variant COLLATE "C"`;
