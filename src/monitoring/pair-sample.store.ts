import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { PairedNumbers } from './pair-shapes.js';

/** The newest requests that are read for one answer: enough for any picture, and a few milliseconds. */
export const MAX_SAMPLED_REQUESTS = 10_000;

/** Outputs that are drawn, those of most pairs first; a person compares no more. */
const MAX_SAMPLED_OUTPUTS = 8;

/** A look at pairs must never keep the database from work that matters. */
const STATEMENT_TIMEOUT = '3s';

/** Beyond it a value is taken for missing, as everywhere (metrics/measure-sql.ts). */
const MAX_MAGNITUDE = '1e120';

/** By the index on the experiment: the newest rows come from its end. Copies that were sent, of the present epoch. */
const NEWEST = `newest AS MATERIALIZED (
  SELECT * FROM event_mirrors WHERE experiment_id = $1
  ORDER BY x DESC, request_id DESC LIMIT ${MAX_SAMPLED_REQUESTS.toString()}
), sent AS MATERIALIZED (
  SELECT *, NOT (primary_error OR shadow_error) AS answered FROM newest
  WHERE drop_reason IS NULL AND epoch = (SELECT epoch FROM pair_targets WHERE experiment_id = $1)
)`;

/** A decimal as a double; one that is too small for it is 0, where the plain cast would fail. */
const double = (number: string): string =>
  `CASE WHEN abs(${number}) < 1e-290 THEN 0 ELSE (${number})::float8 END`;

const number = (value: string): string => `(${value} #>> '{}')::numeric`;

/** What was read: how much of the newest traffic the pictures are of. */
export interface SampledRequests {
  readonly epoch: number | null;
  readonly read: number;
  readonly sent: number;
  readonly answered: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** The newest pairs of a shadow experiment as plain numbers, from the stored events and the units' values. */
@Injectable()
export class PairSampleStore {
  /** Every query of the transaction sees the same rows, and none runs long. */
  async limit(tx: EntityManager): Promise<void> {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await tx.query(`SELECT set_config('statement_timeout', $1, true)`, [STATEMENT_TIMEOUT]);
  }

  async requests(tx: EntityManager, experimentId: string): Promise<SampledRequests> {
    const [row] = await tx.query<SampledRequests[]>(
      `WITH ${NEWEST}
       SELECT (SELECT epoch FROM pair_targets WHERE experiment_id = $1) AS epoch,
         (SELECT count(*)::int FROM newest) AS read, count(*)::int AS sent,
         count(*) FILTER (WHERE answered)::int AS answered,
         (extract(epoch FROM min(at)) * 1000)::float8 AS "fromMs",
         (extract(epoch FROM max(at)) * 1000)::float8 AS "toMs"
       FROM sent`,
      [experimentId],
    );
    return row ?? { epoch: null, read: 0, sent: 0, answered: 0, fromMs: null, toMs: null };
  }

  async latency(tx: EntityManager, experimentId: string): Promise<PairedNumbers> {
    const [row] = await tx.query<PairedNumbers[]>(
      `WITH ${NEWEST}
       SELECT coalesce(array_agg(primary_latency_ms ORDER BY request_id), '{}') AS primary,
         coalesce(array_agg(shadow_latency_ms ORDER BY request_id), '{}') AS shadow
       FROM sent WHERE answered AND shadow_latency_ms IS NOT NULL`,
      [experimentId],
    );
    return row ?? { primary: [], shadow: [] };
  }

  /** Captured outputs that are numbers on both sides. */
  async outputs(
    tx: EntityManager,
    experimentId: string,
  ): Promise<readonly (PairedNumbers & { readonly output: string })[]> {
    return tx.query(
      `WITH ${NEWEST}, said AS (
         SELECT s.request_id, o.key AS output, ${number('p.value')} AS p, ${number('o.value')} AS s
         FROM sent s
         CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(s.shadow_captured) = 'object'
           THEN s.shadow_captured ELSE '{}' END) AS o
         CROSS JOIN LATERAL (SELECT s.primary_captured -> o.key AS value) AS p
         WHERE s.answered AND jsonb_typeof(o.value) = 'number' AND jsonb_typeof(p.value) = 'number'
       )
       SELECT output, array_agg(${double('p')} ORDER BY request_id) AS primary,
         array_agg(${double('s')} ORDER BY request_id) AS shadow
       FROM said WHERE abs(p) <= ${MAX_MAGNITUDE} AND abs(s) <= ${MAX_MAGNITUDE}
       GROUP BY output ORDER BY count(*) DESC, output COLLATE "C" LIMIT ${MAX_SAMPLED_OUTPUTS.toString()}`,
      [experimentId],
    );
  }

  /** Of each unit with a new copy, the mean of its differences: what the test of the metric counts once. */
  async metrics(
    tx: EntityManager,
    experimentId: string,
  ): Promise<readonly { readonly metric: string; readonly differences: readonly number[] }[]> {
    return tx.query(
      `WITH ${NEWEST}
       SELECT metric, array_agg(${double('d / m')} ORDER BY unit_key COLLATE "C") AS differences
       FROM pair_values
       WHERE experiment_id = $1 AND m > 0 AND unit_key = ANY (ARRAY(SELECT DISTINCT unit_key FROM sent))
       GROUP BY metric ORDER BY metric COLLATE "C"`,
      [experimentId],
    );
  }
}
