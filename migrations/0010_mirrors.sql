-- What shadow experiments mirror: one row per request and shadow variant with both answers side by side, or with the
-- reason why there is no copy to compare, so that a paired report knows its population. Partitioned by the day that
-- the request's id carries, like exposures.

CREATE TABLE mirrors (
  day                date NOT NULL,
  unit_key           text NOT NULL,
  request_id         uuid NOT NULL,
  experiment_id      uuid NOT NULL,
  variant            text NOT NULL,
  at                 timestamptz NOT NULL,
  model              text NOT NULL,
  epoch              integer NOT NULL,
  phase              integer NOT NULL,
  version            text NOT NULL,                -- the shadow's, which never answers the caller
  drop_reason        text,                         -- null: the copy was sent
  primary_status     integer NOT NULL,
  primary_error      boolean NOT NULL,
  primary_timeout    boolean NOT NULL,
  primary_latency_ms double precision NOT NULL,
  primary_captured   jsonb,                        -- answer and request fields
  shadow_status      integer,                      -- null with the other shadow columns: dropped
  shadow_error       boolean,
  shadow_timeout     boolean,
  shadow_latency_ms  double precision,
  shadow_captured    jsonb,                        -- answer fields; null also when there are none
  config_version     bigint NOT NULL,
  x                  xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (request_id, experiment_id, variant, unit_key, day)
) PARTITION BY RANGE (day);
CREATE INDEX mirrors_new ON mirrors (experiment_id, x, request_id);
CREATE INDEX mirrors_unit ON mirrors (experiment_id, unit_key);

-- As before, with one table more. A release before this one calls the same function and gets a partition that it
-- never writes to.
CREATE OR REPLACE FUNCTION ensure_event_day(wanted date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  child  text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['exposures', 'predictions', 'outcomes', 'mirrors'] LOOP
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

CREATE VIEW event_mirrors AS
  SELECT day, request_id, at, model, unit_key, experiment_id, epoch, phase, variant, version, drop_reason,
         primary_status, primary_error, primary_timeout, primary_latency_ms, primary_captured,
         shadow_status, shadow_error, shadow_timeout, shadow_latency_ms, shadow_captured, x FROM mirrors;
