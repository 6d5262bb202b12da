import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { uuidV7 } from '../kernel/ids.js';
import type { SeriesPoint, ServedCell, ServedCounts } from './traffic.js';

/** The newest requests that are read for one answer; a busier stretch is told by its newest part. */
const MAX_REQUESTS = 200_000;

/** A look at traffic must never keep the database from work that matters. */
const STATEMENT_TIMEOUT = '3s';

/** Request ids grow with time (UUIDv7) and lead the primary key: the newest rows come from the end of the index. */
const NEWEST = `
  SELECT * FROM event_predictions
  WHERE request_id >= $1::uuid AND ($2::text IS NULL OR model = $2)
  ORDER BY request_id DESC LIMIT ${MAX_REQUESTS.toString()}`;

const COUNTS = `
  count(*)::int AS requests, count(*) FILTER (WHERE error)::int AS errors,
  count(*) FILTER (WHERE timeout)::int AS timeouts, count(*) FILTER (WHERE fallback)::int AS fallbacks,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95,
  (extract(epoch FROM min(at)) * 1000)::float8 AS "firstMs"`;

interface CountRow extends Omit<ServedCounts, 'latencyMs'> {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly firstMs: number;
}

export interface Counted<T> {
  readonly rows: readonly T[];
  /** Time of the oldest request that was read; null without one. */
  readonly firstMs: number | null;
  readonly complete: boolean;
}

/** Reads events through their documented views. */
@Injectable()
export class TrafficStore {
  async perVersion(
    tx: EntityManager,
    sinceMs: number,
  ): Promise<Counted<ServedCounts & { readonly model: string }>> {
    await limit(tx);
    const rows = await tx.query<(CountRow & { readonly model: string })[]>(
      `SELECT model, served_version AS version, ${COUNTS} FROM (${NEWEST}) newest
       GROUP BY model, served_version ORDER BY model, version`,
      [since(sinceMs), null],
    );
    return countedOf(
      rows,
      rows.map((row) => ({ ...countsOf(row), model: row.model })),
    );
  }

  async series(
    tx: EntityManager,
    asked: { readonly model: string; readonly sinceMs: number; readonly stretchMs: number },
  ): Promise<Counted<SeriesPoint>> {
    await limit(tx);
    const rows = await tx.query<(CountRow & { readonly stretch: number })[]>(
      `SELECT served_version AS version, ${COUNTS},
         floor(((extract(epoch FROM at) * 1000) - $3::float8) / $4::float8)::int AS stretch
       FROM (${NEWEST}) newest GROUP BY stretch, served_version ORDER BY stretch, version`,
      [since(asked.sinceMs), asked.model, asked.sinceMs, asked.stretchMs],
    );
    const points = rows.map((row) => ({
      ...countsOf(row),
      atMs: asked.sinceMs + Math.max(0, row.stretch) * asked.stretchMs,
    }));
    return countedOf(rows, points);
  }

  /** By the index on the experiment; the newest requests first where there are too many. */
  async served(tx: EntityManager, experimentId: string): Promise<readonly ServedCell[]> {
    await limit(tx);
    return tx.query<ServedCell[]>(
      `SELECT variant, assigned_version AS assigned, served_version AS served, count(*)::int AS requests,
         count(*) FILTER (WHERE error)::int AS errors
       FROM (SELECT * FROM event_predictions WHERE experiment_id = $1
             ORDER BY x DESC, request_id DESC LIMIT ${MAX_REQUESTS.toString()}) newest
       GROUP BY variant, assigned_version, served_version ORDER BY variant, requests DESC`,
      [experimentId],
    );
  }

  isComplete(requests: number): boolean {
    return requests < MAX_REQUESTS;
  }
}

async function limit(tx: EntityManager): Promise<void> {
  await tx.query(`SELECT set_config('statement_timeout', $1, true)`, [STATEMENT_TIMEOUT]);
}

function since(ms: number): string {
  return uuidV7(ms, new Uint8Array(10));
}

function countsOf({
  version,
  requests,
  errors,
  timeouts,
  fallbacks,
  p50,
  p95,
}: CountRow): ServedCounts {
  const latencyMs = p50 === null || p95 === null ? null : { p50, p95 };
  return { version, requests, errors, timeouts, fallbacks, latencyMs };
}

function countedOf<T>(rows: readonly CountRow[], result: readonly T[]): Counted<T> {
  const requests = rows.reduce((sum, row) => sum + row.requests, 0);
  const firstMs = rows.length === 0 ? null : Math.min(...rows.map((row) => row.firstMs));
  return { rows: result, firstMs, complete: requests < MAX_REQUESTS };
}
