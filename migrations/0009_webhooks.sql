-- Webhooks: who is told about decisions and who is asked before them, with the state of every delivery; and signed
-- checkpoints of the decision log.

CREATE TABLE webhooks (
  name          text PRIMARY KEY,
  url           text NOT NULL,
  events        text[] NOT NULL,
  models        text[],                  -- null: every model
  gate          text CHECK (gate IN ('confirm-advance', 'confirm-promotion')),
  sealed_secret text NOT NULL,           -- AES-256-GCM, never returned
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);

-- One row per receiver and message, so that a dead receiver delays nobody else.
CREATE TABLE webhook_deliveries (
  webhook      text NOT NULL REFERENCES webhooks (name) ON DELETE CASCADE,
  message_id   text NOT NULL,            -- stable across retries: receivers recognise what they had
  type         text NOT NULL,
  body         text NOT NULL,            -- the very bytes that are signed and sent
  attempts     integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL DEFAULT now(),  -- while an attempt is under way: when it is taken for lost
  last_status  integer,
  last_error   text,
  delivered_at timestamptz,
  dead_at      timestamptz,              -- given up
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (webhook, message_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, next_at)
  WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX webhook_deliveries_over ON webhook_deliveries ((coalesce(delivered_at, dead_at)))
  WHERE delivered_at IS NOT NULL OR dead_at IS NOT NULL;

-- The release before knows `sent_at` only: beside this one it tells its log, and would take messages away from webhooks.
ALTER TABLE outbox ADD COLUMN announced_at timestamptz;
UPDATE outbox SET announced_at = sent_at WHERE sent_at IS NOT NULL;
CREATE INDEX outbox_unannounced ON outbox (id) WHERE announced_at IS NULL;

-- A hash chain alone can be cut short or forged anew by whoever writes to this database; signatures cannot be made
-- here: their key never comes near it. Written in the decision's transaction.
CREATE TABLE decision_checkpoints (
  experiment_id uuid NOT NULL REFERENCES experiments (id),
  number        integer NOT NULL,
  hash          text NOT NULL,
  at            timestamptz NOT NULL,    -- of the decision
  key_id        text NOT NULL,
  signature     text NOT NULL,           -- Ed25519, base64
  PRIMARY KEY (experiment_id, number)
);
