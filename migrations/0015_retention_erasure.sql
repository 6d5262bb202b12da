-- What running experiments still need of the past: from their start, less the longest look-back of their metrics.
-- A draft needs nothing yet, and what has ended keeps its sums. The only way in for retention.
CREATE VIEW event_retention_holds AS
  SELECT id AS experiment_id, name, model,
         started_at - coalesce((SELECT max(found #>> '{}')::float8
                                FROM jsonb_path_query(frozen::jsonb, '$.**.lookbackMs') AS found
                                WHERE jsonb_typeof(found) = 'number'), 0) * interval '1 millisecond' AS needed_from
  FROM experiments WHERE status IN ('running', 'paused') AND started_at IS NOT NULL;

-- Whose events were erased when, by whom: not the unit, only a salted hash that proves an erasure to who knows the unit.
CREATE TABLE unit_erasures (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at          timestamptz NOT NULL DEFAULT now(),
  actor       text   NOT NULL,
  model       text,                      -- null: all models
  salt        text   NOT NULL,
  unit_hash   text   NOT NULL,           -- SHA-256 of salt, newline, unit
  exposures   bigint NOT NULL,
  predictions bigint NOT NULL,
  mirrors     bigint NOT NULL,
  outcomes    bigint NOT NULL,
  experiments bigint NOT NULL            -- whose sums it left
);

-- The only way in for metrics, which take the unit out of their sums in the same breath. Reads whole partitions where
-- no index begins with the unit: an index for something so rare would cost every event.
CREATE FUNCTION erase_unit_events(of_model text, of_unit text)
RETURNS TABLE (exposures bigint, predictions bigint, mirrors bigint, outcomes bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  keys text[];
BEGIN
  -- outcomes that name a request of the unit are filed under the request
  keys := ARRAY(
    SELECT t.request_id::text FROM exposures t WHERE t.unit_key = of_unit AND (of_model IS NULL OR t.model = of_model)
    UNION
    SELECT t.request_id::text FROM predictions t WHERE t.unit_key = of_unit AND (of_model IS NULL OR t.model = of_model)
    UNION
    SELECT t.request_id::text FROM mirrors t WHERE t.unit_key = of_unit AND (of_model IS NULL OR t.model = of_model)
  ) || of_unit;
  RETURN QUERY
  WITH of_outcomes AS (
    DELETE FROM outcomes t WHERE t.unit_key = ANY (keys) AND (of_model IS NULL OR t.model = of_model)
    RETURNING t.model, t.id
  ), ids AS (
    DELETE FROM outcome_ids i USING of_outcomes g WHERE i.model = g.model AND i.id = g.id
  ), of_exposures AS (
    DELETE FROM exposures t WHERE t.unit_key = of_unit AND (of_model IS NULL OR t.model = of_model) RETURNING 1
  ), of_predictions AS (
    DELETE FROM predictions t WHERE t.unit_key = of_unit AND (of_model IS NULL OR t.model = of_model) RETURNING 1
  ), of_mirrors AS (
    DELETE FROM mirrors t WHERE t.unit_key = of_unit AND (of_model IS NULL OR t.model = of_model) RETURNING 1
  )
  SELECT (SELECT count(*) FROM of_exposures), (SELECT count(*) FROM of_predictions), (SELECT count(*) FROM of_mirrors),
         (SELECT count(*) FROM of_outcomes);
END $$;
