-- Skewness of the arms, units that come from a version that was rolled back, and day partitions that readers can skip.

-- Sum of cubes, and the sum of squares it was kept with. A release that knows no cubes changes only the latter: the two
-- differ then, and the sum of cubes is made anew from the values of the units, as for the rows that are here already.
ALTER TABLE metric_cells
  ADD COLUMN sum_yyy  numeric,
  ADD COLUMN cubed_yy numeric;

-- The unit had met a version that was rolled back, in an earlier experiment of the model.
ALTER TABLE experiment_units ADD COLUMN carry_over boolean NOT NULL DEFAULT false;
ALTER TABLE unit_cells       ADD COLUMN carry_over bigint  NOT NULL DEFAULT 0;  -- of `units`

-- `day` is the partition key: of the id for exposures and predictions, of `at` for outcomes.
CREATE OR REPLACE VIEW event_exposures AS
  SELECT request_id, at, model, unit_key, experiment_id, epoch, phase, variant, version, x, day FROM exposures;
CREATE OR REPLACE VIEW event_predictions AS
  SELECT request_id, at, model, unit_key, experiment_id, epoch, phase, variant, assigned_version, served_version,
         status, error, timeout, fallback, latency_ms, captured, x, day FROM predictions;
CREATE OR REPLACE VIEW event_outcomes AS
  SELECT id, at, received_at, model, unit_key, request_id, name, value, x, day FROM outcomes;

-- The only way in for metrics: which experiments ended in a rollback, when, and which of their arms was the control.
-- Nobody ever gets an answer of a shadow.
CREATE VIEW rolled_back_experiments AS
  SELECT id AS experiment_id, model, ended_at,
         (SELECT arm ->> 'name' FROM json_array_elements(frozen -> 'variants') AS arm
          WHERE (arm ->> 'control')::boolean) AS control
  FROM experiments WHERE status = 'rolled_back' AND kind <> 'shadow';
CREATE INDEX experiments_rolled_back ON experiments (model, ended_at) WHERE status = 'rolled_back';
