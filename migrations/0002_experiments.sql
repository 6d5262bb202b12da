-- Experiments, their analyses and the decisions taken on them.

CREATE TABLE experiments (
  id               uuid PRIMARY KEY,
  name             text NOT NULL,
  model            text NOT NULL REFERENCES models (name),
  kind             text NOT NULL CHECK (kind IN ('ab', 'canary')),
  status           text NOT NULL CHECK (status IN ('draft', 'running', 'paused', 'completed', 'rolled_back', 'aborted')),
  definition       jsonb NOT NULL,       -- as posted; may change while draft
  frozen           json,                 -- the design in force since the start, metrics included
  frozen_hash      text,                 -- SHA-256 of the canonical JSON of `frozen`
  epoch            integer NOT NULL DEFAULT 1,
  salt             text NOT NULL,
  revision         integer NOT NULL DEFAULT 0,  -- compare-and-set: grows with every change of this row by a verb or a decision
  rollout          jsonb NOT NULL DEFAULT '{}', -- step, phase, coverage and when each began
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  started_at       timestamptz,
  ended_at         timestamptz,
  -- scheduling: the truth about what is due; queue jobs are only hints
  next_analysis_at timestamptz,
  lease_holder     text,
  lease_until      timestamptz,
  lease_epoch      bigint NOT NULL DEFAULT 0,   -- fence: grows each time the lease changes hands
  failed_analyses  integer NOT NULL DEFAULT 0,
  last_failure     text
);
CREATE UNIQUE INDEX experiments_name ON experiments (name);
-- until layers exist, two experiments on one model would have to share its units
CREATE UNIQUE INDEX experiments_one_running ON experiments (model) WHERE status IN ('running', 'paused');
CREATE INDEX experiments_due ON experiments (next_analysis_at) WHERE status IN ('running', 'paused');

CREATE TABLE reports (
  experiment_id uuid NOT NULL REFERENCES experiments (id),
  number        integer NOT NULL,
  epoch         integer NOT NULL,
  at            timestamptz NOT NULL,
  evidence      json NOT NULL,           -- the whole snapshot the tests were computed from
  assessment    json NOT NULL,           -- every test computed on it
  PRIMARY KEY (experiment_id, number)
);

CREATE TABLE decisions (
  experiment_id  uuid NOT NULL REFERENCES experiments (id),
  number         integer NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('start', 'promote', 'rollback', 'advance', 'hold', 'inconclusive', 'error', 'pause', 'resume', 'approve', 'abort')),
  automatic      boolean NOT NULL,
  actor          text NOT NULL,
  summary        text NOT NULL,          -- the reason in words and numbers
  reasons        json NOT NULL,
  inputs         json NOT NULL,          -- everything the policy looked at, enough to replay
  policy_version text NOT NULL,
  report_number  integer,
  from_revision  integer NOT NULL,
  config_version bigint,                 -- the plan it produced, null when traffic did not change
  previous_hash  text NOT NULL,
  hash           text NOT NULL,          -- SHA-256 over the previous hash and this row's content
  at             timestamptz NOT NULL,
  PRIMARY KEY (experiment_id, number)
);
-- exactly one actor: a state of an experiment can be left only once
CREATE UNIQUE INDEX decisions_once ON decisions (experiment_id, from_revision);

CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic      text NOT NULL,
  payload    json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at    timestamptz
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;
