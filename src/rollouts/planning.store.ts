import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { uuidV7 } from '../kernel/ids.js';
import type { Recent, SeenOutcome, SeenRequest } from './planning/observed.js';

/** The newest requests of a model: enough for a standard deviation, read in a fraction of a second. */
const MAX_REQUESTS = 20_000;
const MAX_OUTCOMES = 100_000;

/** A plan is worth a short look into the past, not a long one. */
const STATEMENT_TIMEOUT = '2s';

/** Milliseconds of a timestamp: `at`. */
const AT_MS = `(extract(epoch FROM at) * 1000)::float8 AS "atMs"`;

/**
 * Request ids grow with time (UUIDv7) and lead the primary key, so the newest requests are read from the end of the
 * index of each day, whatever the size of the tables. `day` is the partition: days before the look-back are not opened.
 */
const REQUESTS = `
  SELECT request_id AS "requestId", unit_key AS "unitKey", ${AT_MS}, assigned_version AS version,
    latency_ms AS "latencyMs", error, timeout, fallback, captured
  FROM event_predictions WHERE model = $1 AND request_id >= $2::uuid AND day >= $3::date
  ORDER BY request_id DESC LIMIT ${MAX_REQUESTS.toString()}`;

const OUTCOMES = `
  (SELECT request_id AS "requestId", unit_key AS "unitKey", name, value, ${AT_MS}
   FROM event_outcomes WHERE model = $1 AND name = ANY ($2::text[]) AND request_id = ANY ($3::uuid[]) AND day >= $5::date
   LIMIT ${MAX_OUTCOMES.toString()})
  UNION ALL
  (SELECT NULL, unit_key, name, value, ${AT_MS}
   FROM event_outcomes WHERE model = $1 AND name = ANY ($2::text[]) AND unit_key = ANY ($4::text[])
     AND request_id IS NULL AND day >= $6::date
   LIMIT ${MAX_OUTCOMES.toString()})`;

/** What is looked for in the past of a model. */
export interface RecentQuery {
  readonly model: string;
  readonly sinceMs: number;
  /** How long before that units may have a past that is asked for. */
  readonly pastMs: number;
  readonly nowMs: number;
  readonly outcomes: readonly string[];
}

/** The past of a model, through the views of events. */
@Injectable()
export class PlanningStore {
  async recent(tx: EntityManager, query: RecentQuery): Promise<Recent> {
    const { model, sinceMs, pastMs, nowMs, outcomes: names } = query;
    // a partition of today has no statistics yet: the planner would rather read all of it than use the index
    await tx.query(
      `SELECT set_config('statement_timeout', $1, true), set_config('enable_seqscan', 'off', true),
         set_config('jit', 'off', true)`,
      [STATEMENT_TIMEOUT],
    );
    const since = uuidV7(sinceMs, new Uint8Array(10));
    const [firstDay, pastDay] = [utcDay(sinceMs), utcDay(sinceMs - pastMs)];
    const requests = await tx.query<SeenRequest[]>(REQUESTS, [model, since, firstDay]);
    if (names.length === 0 || requests.length === 0) return { requests, outcomes: [], nowMs };
    const ids = requests.map(({ requestId }) => requestId);
    const units = [...new Set(requests.map(({ unitKey }) => unitKey))];
    const outcomes = await tx.query<SeenOutcome[]>(OUTCOMES, [
      ...[model, names, ids, units],
      ...[firstDay, pastDay],
    ]);
    return { requests, outcomes, nowMs };
  }
}

function utcDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
