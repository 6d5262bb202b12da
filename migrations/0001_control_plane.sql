-- Control plane: who may do what, which models and versions exist, which plan the gateways follow.

CREATE TABLE api_keys (
  id         uuid PRIMARY KEY,
  name       text NOT NULL,
  prefix     text NOT NULL,              -- first characters, to recognise a key in a list
  hash       text NOT NULL UNIQUE,       -- HMAC-SHA-256 of the key, hex
  scopes     text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);

CREATE TABLE models (
  name       text PRIMARY KEY,
  settings   jsonb NOT NULL,
  champion   text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE versions (
  model          text NOT NULL REFERENCES models (name),
  name           text NOT NULL,
  url            text NOT NULL,
  sealed_headers text,                   -- AES-256-GCM, never returned
  header_names   text[] NOT NULL DEFAULT '{}',
  timeout_ms     integer,
  metadata       jsonb NOT NULL DEFAULT '{}',
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (model, name)
);

-- Every plan that was ever in force; gateways follow the largest version and never go back.
CREATE TABLE traffic_plans (
  version    bigint PRIMARY KEY,
  document   json NOT NULL,
  actor      text NOT NULL,
  reason     text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE metrics (
  name       text PRIMARY KEY,
  definition jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
