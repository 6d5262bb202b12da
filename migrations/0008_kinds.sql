-- All four kinds, several experiments at once on one model (layers; what conflicts is refused under the plan's lock),
-- and decisions about single arms, weights and holdouts.
ALTER TABLE experiments DROP CONSTRAINT experiments_kind_check;
ALTER TABLE experiments ADD CONSTRAINT experiments_kind_check
  CHECK (kind IN ('ab', 'canary', 'shadow', 'holdout'));
DROP INDEX experiments_one_running;
CREATE INDEX experiments_running ON experiments (model) WHERE status IN ('running', 'paused');

-- The experiment whose evidence this one was started on: the shadow before a canary.
ALTER TABLE experiments ADD COLUMN parent_id uuid REFERENCES experiments (id);

ALTER TABLE decisions DROP CONSTRAINT decisions_kind_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_kind_check CHECK (kind IN ('start', 'promote', 'rollback', 'advance',
  'hold', 'inconclusive', 'error', 'pause', 'resume', 'approve', 'abort', 'redesign', 'close', 'reweigh', 'release'));
