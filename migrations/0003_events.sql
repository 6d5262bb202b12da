-- Events: partitioned by the UTC day that their id carries (never by receive time, or a retry would land in
-- another partition and count twice); the distribution key `unit_key` is in every primary key.
-- `x` is the writing transaction: readers take (x, id) > cursor AND x < pg_snapshot_xmin(pg_current_snapshot()),
-- so that a transaction that commits late is never skipped.

CREATE TABLE exposures (
  day            date NOT NULL,
  unit_key       text NOT NULL,
  request_id     uuid NOT NULL,
  at             timestamptz NOT NULL,
  model          text NOT NULL,
  experiment_id  uuid NOT NULL,
  epoch          integer NOT NULL,
  phase          integer NOT NULL,
  variant        text NOT NULL,
  version        text NOT NULL,
  config_version bigint NOT NULL,
  x              xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (request_id, unit_key, day)
) PARTITION BY RANGE (day);
CREATE INDEX exposures_new ON exposures (experiment_id, x, request_id);
CREATE INDEX exposures_unit ON exposures (experiment_id, unit_key);

CREATE TABLE predictions (
  day              date NOT NULL,
  unit_key         text NOT NULL,
  request_id       uuid NOT NULL,
  at               timestamptz NOT NULL,
  model            text NOT NULL,
  experiment_id    uuid,
  epoch            integer,
  phase            integer,
  variant          text,
  assigned_version text NOT NULL,
  served_version   text NOT NULL,
  reason           text NOT NULL,
  status           integer NOT NULL,
  error            boolean NOT NULL,
  timeout          boolean NOT NULL,
  fallback         boolean NOT NULL,
  latency_ms       double precision NOT NULL,
  attempts         integer NOT NULL,
  captured         jsonb,
  config_version   bigint NOT NULL,
  x                xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (request_id, unit_key, day)
) PARTITION BY RANGE (day);
CREATE INDEX predictions_new ON predictions (experiment_id, x, request_id) WHERE experiment_id IS NOT NULL;
CREATE INDEX predictions_unit ON predictions (experiment_id, unit_key) WHERE experiment_id IS NOT NULL;

CREATE TABLE outcomes (
  day         date NOT NULL,             -- of `at`
  unit_key    text NOT NULL,             -- the unit, or the request id when the outcome names a request
  id          text NOT NULL,
  model       text NOT NULL,
  request_id  uuid,
  name        text NOT NULL,
  value       double precision NOT NULL,
  at          timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  x           xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (id, model, unit_key, day)
) PARTITION BY RANGE (day);
CREATE INDEX outcomes_new ON outcomes (model, x, id);
CREATE INDEX outcomes_unit ON outcomes (model, unit_key, name);
CREATE INDEX outcomes_request ON outcomes (request_id) WHERE request_id IS NOT NULL;

-- One row per outcome id: which payload it stands for. Makes ids unique across day partitions.
CREATE TABLE outcome_ids (
  model  text NOT NULL,
  id     text NOT NULL,
  digest bytea NOT NULL,
  day    date NOT NULL,
  PRIMARY KEY (model, id)
);

-- How far each gateway's spool has been shipped; moved in the transaction that inserts the rows.
CREATE TABLE spool_watermarks (
  spool_id   uuid PRIMARY KEY,
  segment    bigint NOT NULL,
  "offset"   bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Stretches of time in which a gateway could not write everything down; evidence from them is tainted.
CREATE TABLE event_gaps (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  spool_id uuid NOT NULL,
  from_at  timestamptz NOT NULL,
  to_at    timestamptz NOT NULL,
  dropped  bigint NOT NULL,
  cause    text NOT NULL
);

-- Attached, not created as a partition: CREATE TABLE ... PARTITION OF locks the parent against readers and writers,
-- and one long analysis in front of it would make every insert wait behind it.
CREATE FUNCTION ensure_event_day(wanted date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  child  text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['exposures', 'predictions', 'outcomes'] LOOP
    child := parent || '_' || to_char(wanted, 'YYYYMMDD');
    CONTINUE WHEN to_regclass(child) IS NOT NULL;
    PERFORM pg_advisory_xact_lock(hashtext('sluice.ensure_event_day'));
    -- Somebody else may have made it while we waited; the catalogue tells, to_regclass answers from its cache.
    CONTINUE WHEN EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                          WHERE inhparent = parent::regclass AND relname = child);
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING INDEXES)', child, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, wanted, wanted + 1);
  END LOOP;
END $$;

-- The only way in for metrics and monitoring.
CREATE VIEW event_exposures AS
  SELECT request_id, at, model, unit_key, experiment_id, epoch, phase, variant, version, x FROM exposures;
CREATE VIEW event_predictions AS
  SELECT request_id, at, model, unit_key, experiment_id, epoch, phase, variant, assigned_version, served_version,
         status, error, timeout, fallback, latency_ms, captured, x FROM predictions;
CREATE VIEW event_outcomes AS
  SELECT id, at, received_at, model, unit_key, request_id, name, value, x FROM outcomes;
CREATE VIEW event_gap_windows AS
  SELECT from_at, to_at, dropped, cause FROM event_gaps;
