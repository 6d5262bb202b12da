-- A second fence beside the plan's lock: whatever takes units of a model outside of a layer is alone on it. Under the
-- name that the release before knows, and answers with a conflict.
CREATE UNIQUE INDEX experiments_one_running ON experiments (model)
  WHERE status IN ('running', 'paused') AND kind IN ('ab', 'canary') AND (definition ->> 'layer') IS NULL;

-- The cohorts of a holdout got nothing that was taken back when somebody ends their comparison.
CREATE OR REPLACE VIEW rolled_back_experiments AS
  SELECT id AS experiment_id, model, ended_at,
         (SELECT arm ->> 'name' FROM json_array_elements(frozen -> 'variants') AS arm
          WHERE (arm ->> 'control')::boolean) AS control
  FROM experiments WHERE status = 'rolled_back' AND kind NOT IN ('shadow', 'holdout');

-- Arms that were closed for harm while the others of their experiment went on, whatever became of it, unless a redesign
-- dealt its units out anew. A view of its own: the release before takes every row of the other one for a whole experiment.
CREATE VIEW rolled_back_arms AS
  SELECT d.experiment_id, e.model, d.at AS ended_at, d.reasons ->> 'variant' AS variant
  FROM decisions d JOIN experiments e ON e.id = d.experiment_id
  WHERE d.kind = 'rollback' AND d.reasons ->> 'scope' = 'arm'
    AND NOT EXISTS (SELECT FROM decisions later WHERE later.experiment_id = d.experiment_id
                    AND later.number > d.number AND later.kind = 'redesign');
CREATE INDEX decisions_arms ON decisions (experiment_id) WHERE kind = 'rollback' AND reasons ->> 'scope' = 'arm';
