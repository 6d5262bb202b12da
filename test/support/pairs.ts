import type { Pool, PoolClient } from 'pg';
import type { Mirror, MirrorSide } from '../../src/events/event.js';
import { uuidV7Day } from '../../src/kernel/ids.js';
import type { RequestId } from '../../src/kernel/ids.js';

/** What one version answered. */
export function side(fields: Partial<MirrorSide> = {}): MirrorSide {
  return { status: 200, error: false, timeout: false, latencyMs: 10, captured: null, ...fields };
}

/** A request that was mirrored, with the answers of both sides. */
export function mirror(
  fields: Partial<Mirror> & Pick<Mirror, 'requestId' | 'atMs' | 'unitKey' | 'experimentId'>,
): Mirror {
  return {
    model: 'fraud',
    epoch: 1,
    phase: 1,
    variant: 'v2',
    version: 'v2',
    drop: null,
    primary: side(),
    shadow: side(),
    configVersion: 1,
    ...fields,
  };
}

const INSERT_MIRRORS = `
INSERT INTO mirrors (day, unit_key, request_id, experiment_id, variant, at, model, epoch, phase, version, drop_reason,
  primary_status, primary_error, primary_timeout, primary_latency_ms, primary_captured,
  shadow_status, shadow_error, shadow_timeout, shadow_latency_ms, shadow_captured, config_version)
SELECT day, "unitKey", "requestId", "experimentId", variant, to_timestamp("atMs" / 1000.0), model, epoch, phase, version,
  drop, (p ->> 'status')::integer, (p ->> 'error')::boolean, (p ->> 'timeout')::boolean, (p ->> 'latencyMs')::float8,
  nullif(p -> 'captured', 'null'), (s ->> 'status')::integer, (s ->> 'error')::boolean, (s ->> 'timeout')::boolean,
  (s ->> 'latencyMs')::float8, nullif(s -> 'captured', 'null'), "configVersion"
FROM json_to_recordset($1) AS r (day date, "unitKey" text, "requestId" uuid, "experimentId" uuid, variant text,
  "atMs" float8, model text, epoch integer, phase integer, version text, drop text, p jsonb, s jsonb,
  "configVersion" bigint)
ON CONFLICT DO NOTHING`;

/** Writes mirrored requests straight into their table; rows that are there already stay as they are. */
export async function insertMirrors(
  client: Pool | PoolClient,
  mirrors: readonly Mirror[],
): Promise<void> {
  const rows = mirrors.map(({ primary, shadow, ...rest }) => ({
    ...{ ...rest, p: primary, s: shadow },
    day: uuidV7Day(rest.requestId as RequestId),
  }));
  for (const day of new Set(rows.map((row) => row.day))) {
    await client.query('SELECT ensure_event_day($1)', [day]);
  }
  if (rows.length > 0) await client.query(INSERT_MIRRORS, [JSON.stringify(rows)]);
}
