import type { PoolClient } from 'pg';
import * as pairs from './paired-sql.js';
import { ERASE_UNIT, SWEEP_CELLS } from './rollup-sql.js';

/** Partitions without an index on units are read as a whole: minutes where there are hundreds of gigabytes. */
const STATEMENT_TIMEOUT_MS = 600_000;
const LOCK_TIMEOUT_MS = 30_000;

/** Rows that were removed. */
export interface ErasedEvents {
  readonly exposures: number;
  readonly predictions: number;
  readonly mirrors: number;
  readonly outcomes: number;
}

/** An experiment that holds values of the unit. */
export interface Holder {
  readonly id: string;
  readonly name: string;
  readonly isRunning: boolean;
}

/** What is to be remembered of an erasure: not the unit. */
export interface ErasureRecord extends ErasedEvents {
  readonly actor: string;
  readonly model: string | null;
  readonly salt: string;
  readonly unitHash: string;
  readonly experiments: number;
}

const HOLDERS = `
SELECT id, name, status IN ('running', 'paused') AS "isRunning" FROM experiments
WHERE ($2::text IS NULL OR model = $2)
  AND (EXISTS (SELECT FROM experiment_units u WHERE u.experiment_id = id AND u.unit_key = $1)
    OR EXISTS (SELECT FROM pair_units p WHERE p.experiment_id = id AND p.unit_key = $1))
ORDER BY id`;

const RUNNING = `
SELECT id FROM experiments WHERE status IN ('running', 'paused') AND ($1::text IS NULL OR model = $1) ORDER BY id`;

const LOCK = `
SELECT pg_advisory_xact_lock(hashtextextended('sluice.rollup ' || $1, 0)),
       pg_advisory_xact_lock(hashtextextended('sluice.pairs ' || $1, 0))`;

const RECORD = `
INSERT INTO unit_erasures (actor, model, salt, unit_hash, exposures, predictions, mirrors, outcomes, experiments)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

/** Raw events, sums and the record of an erasure, inside a transaction on one client. */
export class ErasureStore {
  constructor(private readonly client: PoolClient) {}

  async begin(): Promise<void> {
    await this.#query('BEGIN', []);
    await this.#query(
      `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)`,
      [STATEMENT_TIMEOUT_MS.toString(), LOCK_TIMEOUT_MS.toString()],
    );
  }

  async commit(): Promise<void> {
    await this.#query('COMMIT', []);
  }

  async rollback(): Promise<void> {
    await this.#query('ROLLBACK', []);
  }

  async eraseEvents(model: string | null, unitKey: string): Promise<ErasedEvents> {
    const [row] = await this.#query<ErasedEvents>(
      `SELECT exposures::float8, predictions::float8, mirrors::float8, outcomes::float8
       FROM erase_unit_events($1, $2)`,
      [model, unitKey],
    );
    return row ?? { exposures: 0, predictions: 0, mirrors: 0, outcomes: 0 };
  }

  /** In the order of their ids: two erasures wait for each other instead of locking up. */
  async running(model: string | null): Promise<readonly string[]> {
    const rows = await this.#query<{ readonly id: string }>(RUNNING, [model]);
    return rows.map(({ id }) => id);
  }

  async holders(model: string | null, unitKey: string): Promise<readonly Holder[]> {
    return this.#query<Holder>(HOLDERS, [unitKey, model]);
  }

  /** Nobody rolls up the experiment until the transaction ends. */
  async lock(experimentId: string): Promise<void> {
    await this.#query(LOCK, [experimentId]);
  }

  /** Takes the unit out of the sums of a running experiment; pairs begin afresh from what is left of the events. */
  async takeOut(experimentId: string, unitKey: string): Promise<void> {
    await this.#query(ERASE_UNIT, [experimentId, unitKey]);
    for (const statement of SWEEP_CELLS) await this.#query(statement, [experimentId]);
    const [row] = await this.#query<{ known: boolean }>(
      'SELECT EXISTS (SELECT FROM pair_units WHERE experiment_id = $1 AND unit_key = $2) AS known',
      [experimentId, unitKey],
    );
    if (row?.known !== true) return;
    for (const statement of pairs.CLEAR) await this.#query(statement, [experimentId]);
  }

  /** Of an experiment that has ended the sums stay as they were decided on; nothing in them names the unit. */
  async forgetValues(experimentId: string, unitKey: string): Promise<void> {
    for (const table of ['unit_values', 'experiment_units', 'pair_values', 'pair_units']) {
      await this.#query(`DELETE FROM ${table} WHERE experiment_id = $1 AND unit_key = $2`, [
        experimentId,
        unitKey,
      ]);
    }
  }

  async record(one: ErasureRecord): Promise<void> {
    const { actor, model, salt, unitHash, exposures, predictions, mirrors, outcomes } = one;
    await this.#query(RECORD, [
      ...[actor, model, salt, unitHash, exposures, predictions, mirrors, outcomes],
      one.experiments,
    ]);
  }

  async #query<Row>(text: string, values: unknown[]): Promise<Row[]> {
    const query = { text, values, query_timeout: STATEMENT_TIMEOUT_MS + LOCK_TIMEOUT_MS };
    return (await this.client.query(query)).rows as Row[];
  }
}
