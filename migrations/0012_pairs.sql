-- Pairs of shadow experiments: what both versions answered to the same requests, summed per unit and over all units
-- in exact decimals, so that an analysis costs by metrics, not by pairs. d is the shadow's value less the primary's.

-- What the rows below were computed for, and how far events have been read (x, id of the last row).
CREATE TABLE pair_targets (
  experiment_id uuid PRIMARY KEY,
  epoch         integer NOT NULL,
  fingerprint   text NOT NULL,           -- hash of epoch, model and metric definitions
  watermark     timestamptz,             -- latest mirrored request taken in
  mirrors_x     xid8 NOT NULL,
  mirrors_id    text NOT NULL,
  outcomes_x    xid8 NOT NULL,
  outcomes_id   text NOT NULL
);

CREATE TABLE pair_units (
  experiment_id uuid NOT NULL,
  unit_key      text NOT NULL,
  as_of         xid8 NOT NULL,           -- events of transactions below this one are in its values
  first_request uuid,                    -- the first that both versions answered: the unit's one pair in pair_tables
  PRIMARY KEY (experiment_id, unit_key)
);

CREATE TABLE pair_values (
  experiment_id uuid NOT NULL,
  unit_key      text NOT NULL,
  metric        text NOT NULL,
  m             bigint NOT NULL,         -- pairs with a value on both sides
  lopsided      bigint NOT NULL,         -- pairs with a value on one side only
  d             numeric NOT NULL,        -- sum of differences
  p             numeric NOT NULL,        -- sum of the primary's values
  a             numeric NOT NULL,        -- sum of absolute differences
  first_p       numeric,                 -- of the pair that was known first
  first_s       numeric,
  PRIMARY KEY (experiment_id, unit_key, metric)
);

CREATE TABLE pair_cells (
  experiment_id uuid NOT NULL,
  metric        text NOT NULL,
  n             bigint NOT NULL,         -- units with a pair
  lopsided      bigint NOT NULL,
  differing     bigint NOT NULL,         -- units whose sum of differences is not 0
  events_p      bigint NOT NULL,         -- units with a sum above 0
  events_s      bigint NOT NULL,
  first_both    bigint NOT NULL,         -- first pairs by which sides were above 0
  first_p       bigint NOT NULL,
  first_s       bigint NOT NULL,
  first_neither bigint NOT NULL,
  sum_a         numeric NOT NULL,
  sum_d         numeric NOT NULL,
  sum_p         numeric NOT NULL,
  sum_m         numeric NOT NULL,
  sum_dd        numeric NOT NULL,
  sum_pp        numeric NOT NULL,
  sum_mm        numeric NOT NULL,
  sum_dp        numeric NOT NULL,
  sum_dm        numeric NOT NULL,
  sum_pm        numeric NOT NULL,
  PRIMARY KEY (experiment_id, metric)
);

-- First pairs of units by what the two versions said.
CREATE TABLE pair_tables (
  experiment_id uuid NOT NULL,
  output        text NOT NULL,
  p             text NOT NULL,           -- category of the primary's answer
  s             text NOT NULL,
  units         bigint NOT NULL,
  PRIMARY KEY (experiment_id, output, p, s)
);

-- Copies by what became of them, drops by reason, histograms of latency.
CREATE TABLE pair_counts (
  experiment_id uuid NOT NULL,
  kind          text NOT NULL,
  key           text NOT NULL,
  count         bigint NOT NULL,
  PRIMARY KEY (experiment_id, kind, key)
);
