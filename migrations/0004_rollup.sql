-- Rollup: one row per (experiment, unit) and per (experiment, unit, metric), and per-arm sums of them, so that an
-- analysis costs by arms and metrics, not by events. Sums are exact decimals: taking a unit's old value out and
-- putting its new one in leaves no rounding behind, in whatever order events came.

CREATE TABLE rollup_cursors (
  experiment_id uuid NOT NULL,
  stream        text NOT NULL CHECK (stream IN ('exposures', 'predictions', 'outcomes')),
  x             xid8 NOT NULL,
  id            text NOT NULL,
  PRIMARY KEY (experiment_id, stream)
);

-- What the rows below were computed for; another epoch or other definitions start them afresh.
CREATE TABLE rollup_targets (
  experiment_id uuid PRIMARY KEY,
  epoch         integer NOT NULL,
  fingerprint   text NOT NULL,           -- hash of epoch, model and metric definitions
  watermark     timestamptz              -- latest exposure or prediction taken in
);

CREATE TABLE experiment_units (
  experiment_id    uuid NOT NULL,
  unit_key         text NOT NULL,
  epoch            integer NOT NULL,
  variant          text NOT NULL,        -- of the first exposure
  phase            integer NOT NULL,     -- of the first exposure
  first_exposed_at timestamptz NOT NULL,
  first_request    uuid NOT NULL,
  as_of            xid8 NOT NULL,        -- events of transactions below this one are in its values
  crossover        boolean NOT NULL,     -- seen in two variants: in neither arm, and counted
  PRIMARY KEY (experiment_id, unit_key)
);

CREATE TABLE unit_values (
  experiment_id uuid NOT NULL,
  unit_key      text NOT NULL,
  metric        text NOT NULL,
  variant       text NOT NULL,
  phase         integer NOT NULL,
  y             numeric NOT NULL,        -- numerator of the unit
  d             numeric NOT NULL,        -- denominator of the unit; 1 where the metric has none
  matures_at    timestamptz,             -- when its outcome window closes; null: at once
  counted       boolean NOT NULL,        -- in the cells; false while pending
  PRIMARY KEY (experiment_id, unit_key, metric)
);
CREATE INDEX unit_values_pending ON unit_values (experiment_id, matures_at) WHERE NOT counted;

CREATE TABLE unit_cells (
  experiment_id uuid NOT NULL,
  phase         integer NOT NULL,
  variant       text NOT NULL,
  units         bigint NOT NULL,         -- exposed units of this arm and phase, crossovers left out
  crossovers    bigint NOT NULL,
  PRIMARY KEY (experiment_id, phase, variant)
);

CREATE TABLE metric_cells (
  experiment_id uuid NOT NULL,
  metric        text NOT NULL,
  phase         integer NOT NULL,
  variant       text NOT NULL,
  n             bigint NOT NULL,         -- matured units with a value
  pending       bigint NOT NULL,         -- units whose window is still open
  sum_y         numeric NOT NULL,
  sum_yy        numeric NOT NULL,
  sum_d         numeric NOT NULL,
  sum_dd        numeric NOT NULL,
  sum_yd        numeric NOT NULL,
  events        bigint NOT NULL,         -- counted units with y > 0
  PRIMARY KEY (experiment_id, metric, phase, variant)
);
