import type { Pool, PoolClient } from 'pg';
import type { Exposure, Prediction } from '../../src/events/event.js';
import { uuidV7, uuidV7Day } from '../../src/kernel/ids.js';
import type { RequestId } from '../../src/kernel/ids.js';

/** An outcome as it lies in the table; `unit` or `requestId`, not both. */
export interface StoredOutcome {
  readonly id: string;
  readonly atMs: number;
  readonly model: string;
  readonly unit: string | null;
  readonly requestId: string | null;
  readonly name: string;
  readonly value: number;
}

export interface EventRows {
  readonly exposures?: readonly Exposure[];
  readonly predictions?: readonly Prediction[];
  readonly outcomes?: readonly StoredOutcome[];
}

/** A request id that carries its time and is the same for the same arguments. */
export function requestIdAt(atMs: number, number: number): RequestId {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setUint32(4, number);
  return uuidV7(atMs, bytes);
}

export function exposure(
  fields: Partial<Exposure> & Pick<Exposure, 'requestId' | 'atMs' | 'unitKey' | 'experimentId'>,
): Exposure {
  return {
    model: 'spam',
    epoch: 1,
    phase: 0,
    variant: 'control',
    version: 'v1',
    configVersion: 1,
    ...fields,
  };
}

export function prediction(
  fields: Partial<Prediction> & Pick<Prediction, 'requestId' | 'atMs' | 'unitKey' | 'experimentId'>,
): Prediction {
  return {
    model: 'spam',
    epoch: 1,
    phase: 0,
    variant: 'control',
    assignedVersion: 'v1',
    servedVersion: 'v1',
    reason: 'experiment',
    status: 200,
    error: false,
    timeout: false,
    fallback: false,
    latencyMs: 10,
    attempts: 1,
    captured: null,
    configVersion: 1,
    ...fields,
  };
}

export function outcome(
  fields: Partial<StoredOutcome> & Pick<StoredOutcome, 'id' | 'atMs' | 'name' | 'value'>,
): StoredOutcome {
  return { model: 'spam', unit: null, requestId: null, ...fields };
}

const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

const INSERT_EXPOSURES = `
INSERT INTO exposures (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version, config_version)
SELECT day, "unitKey", "requestId", to_timestamp("atMs" / 1000.0), model, "experimentId", epoch, phase, variant, version, "configVersion"
FROM json_to_recordset($1) AS r(day date, "unitKey" text, "requestId" uuid, "atMs" float8, model text,
  "experimentId" uuid, epoch integer, phase integer, variant text, version text, "configVersion" bigint)
ON CONFLICT DO NOTHING`;

const INSERT_PREDICTIONS = `
INSERT INTO predictions (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, assigned_version,
  served_version, reason, status, error, timeout, fallback, latency_ms, attempts, captured, config_version)
SELECT day, "unitKey", "requestId", to_timestamp("atMs" / 1000.0), model, "experimentId", epoch, phase, variant, "assignedVersion",
  "servedVersion", reason, status, error, timeout, fallback, "latencyMs", attempts, captured, "configVersion"
FROM json_to_recordset($1) AS r(day date, "unitKey" text, "requestId" uuid, "atMs" float8, model text,
  "experimentId" uuid, epoch integer, phase integer, variant text, "assignedVersion" text, "servedVersion" text, reason text,
  status integer, error boolean, timeout boolean, fallback boolean, "latencyMs" float8, attempts integer, captured jsonb,
  "configVersion" bigint)
ON CONFLICT DO NOTHING`;

/** As the product does it: ids make outcomes unique across days. */
const INSERT_OUTCOMES = `
WITH sent AS MATERIALIZED (
  SELECT DISTINCT ON (model, id) *
  FROM json_to_recordset($1) AS r(day date, unit text, id text, model text, "requestId" uuid, name text,
    value float8, "atMs" float8)
), fresh AS (
  INSERT INTO outcome_ids (model, id, digest, day) SELECT model, id, '', day FROM sent
  ON CONFLICT DO NOTHING RETURNING model, id
)
INSERT INTO outcomes (day, unit_key, id, model, request_id, name, value, at)
SELECT day, coalesce(unit, "requestId"::text), id, model, "requestId", name, value, to_timestamp("atMs" / 1000.0)
FROM sent JOIN fresh USING (model, id)`;

const dayOfRequest = (row: { readonly requestId: string }): string =>
  uuidV7Day(row.requestId as RequestId);

/** Makes the partitions that the events need. */
export async function ensureDays(client: Pool | PoolClient, rows: EventRows): Promise<void> {
  const days = new Set([
    ...[...(rows.exposures ?? []), ...(rows.predictions ?? [])].map(dayOfRequest),
    ...(rows.outcomes ?? []).map((row) => day(row.atMs)),
  ]);
  for (const wanted of days) await client.query('SELECT ensure_event_day($1)', [wanted]);
}

/** Writes events straight into the tables; rows that are there already stay as they are. */
export async function insertEvents(client: Pool | PoolClient, rows: EventRows): Promise<void> {
  await ensureDays(client, rows);
  const exposures = (rows.exposures ?? []).map((row) => ({ ...row, day: dayOfRequest(row) }));
  const predictions = (rows.predictions ?? []).map((row) => ({ ...row, day: dayOfRequest(row) }));
  const outcomes = (rows.outcomes ?? []).map((row) => ({ ...row, day: day(row.atMs) }));
  if (exposures.length > 0) await client.query(INSERT_EXPOSURES, [JSON.stringify(exposures)]);
  if (predictions.length > 0) await client.query(INSERT_PREDICTIONS, [JSON.stringify(predictions)]);
  if (outcomes.length > 0) await client.query(INSERT_OUTCOMES, [JSON.stringify(outcomes)]);
}

/**
 * Waits until every transaction that wrote before now has ended, everywhere on the server: until then a rollup
 * rightly leaves newer rows for later, and other test files share the server.
 */
export async function settle(pool: Pool): Promise<void> {
  const now = await pool.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
  const id = now.rows[0]?.id;
  for (;;) {
    const { rows } = await pool.query<{ passed: boolean }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 AS passed',
      [id],
    );
    if (rows[0]?.passed === true) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
