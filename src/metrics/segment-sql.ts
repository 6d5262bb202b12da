import { CELL_COLUMNS, CELL_FIELDS, cellSums } from './rollup-sql.js';

/** More values than anybody reads; the rest is one segment. */
export const MAX_SEGMENTS = 20;

/**
 * Cells of one metric by the values of a captured field: $1 experiment, $2 epoch, $3 field, $4 metric, $5 how many of
 * the largest values have a segment of their own. Units and their values are those of the last rollup. What a unit
 * belongs to is said by the request of its first exposure, which no variant can have changed; of equally large values
 * the first in byte order wins, so that the same data give the same segments.
 *
 * Units are summed by value first and the sums put together afterwards: ranking and placing two million units one by
 * one took longer than everything else.
 *
 * @param covariate whether the metric has one: sums that are 0 need not be added up
 */
export function segmentCells({ covariate }: { readonly covariate: boolean }): string {
  return `
WITH by_value AS MATERIALIZED (
  SELECT value, phase, variant, count(*) FILTER (WHERE NOT crossover) AS units,
    count(*) FILTER (WHERE crossover) AS crossovers, ${cellSums({ signed: false, covariate })}
  FROM (
    SELECT p.captured ->> $3::text AS value, u.phase, u.variant, u.crossover,
      v.y, v.d, v.capped, v.x, v.has_x, v.counted
    FROM experiment_units u
    LEFT JOIN event_predictions p ON p.experiment_id = $1 AND p.epoch = $2
      AND p.request_id = u.first_request AND p.unit_key = u.unit_key
    LEFT JOIN unit_values v ON v.experiment_id = $1 AND v.metric = $4::text AND v.unit_key = u.unit_key
    WHERE u.experiment_id = $1 AND u.epoch = $2
  ) AS of_units GROUP BY value, phase, variant
), ranked AS MATERIALIZED (
  SELECT value, row_number() OVER (ORDER BY sum(units + crossovers) DESC, value COLLATE "C") AS rank
  FROM by_value WHERE value IS NOT NULL GROUP BY value
), placed AS (
  SELECT CASE WHEN rank <= $5::integer THEN b.value END AS segment,
    -- least() skips nulls
    CASE WHEN rank IS NOT NULL THEN least(rank, $5::integer + 1) END AS place, b.*
  FROM by_value b LEFT JOIN ranked USING (value)
), sums AS (
  SELECT place, segment, phase, variant, ${['units', 'crossovers', ...CELL_FIELDS].map((name) => `sum(${name}) AS ${name}`).join(', ')}
  FROM placed GROUP BY place, segment, phase, variant
)
SELECT segment AS value, CASE WHEN place IS NULL THEN 'missing' WHEN segment IS NULL THEN 'other' ELSE 'value' END AS kind,
  (SELECT count(*) FROM ranked WHERE ranked.rank > $5::integer)::float8 AS others,
  $4::text AS metric, phase, variant, units::float8 AS units, crossovers::float8 AS crossovers, ${CELL_COLUMNS}
FROM sums ORDER BY place NULLS LAST, phase, variant COLLATE "C"`;
}
