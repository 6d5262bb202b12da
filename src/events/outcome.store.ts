import { dayText } from './copy-line.js';
import { DurableInsert } from './durable-insert.store.js';
import type { PoolOwner } from './shipment.store.js';

/** An outcome ready to be stored. */
export interface NewOutcome {
  readonly id: string;
  readonly model: string;
  readonly digest: string;
  readonly unitKey: string;
  readonly requestId: string | null;
  readonly name: string;
  readonly value: number;
  readonly atMs: number;
  /** Days since 1970. */
  readonly day: number;
}

/** What the database holds for one outcome id after an insert: its digest, and whether this insert brought it. */
export interface Stored {
  readonly isNew: boolean;
  readonly digest: string;
}

/** Both inserts in one statement: an id without its row, or the other way round, cannot be. */
const INSERT = `
  WITH sent AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::uuid[], $7::text[],
                         $8::float8[], $9::float8[])
      AS t (model, id, digest, day, unit_key, request_id, name, value, at_ms)
  ), fresh AS (
    INSERT INTO outcome_ids (model, id, digest, day)
    SELECT model, id, decode(digest, 'hex'), day FROM sent ORDER BY model, id
    ON CONFLICT DO NOTHING
    RETURNING model, id
  ), stored AS (
    INSERT INTO outcomes (day, unit_key, id, model, request_id, name, value, at)
    SELECT day, unit_key, id, model, request_id, name, value, to_timestamp(at_ms / 1000)
    FROM sent JOIN fresh USING (model, id)
  )
  SELECT model, id FROM fresh`;

const DIGESTS = `
  SELECT model, id, encode(digest, 'hex') AS digest
  FROM outcome_ids JOIN unnest($1::text[], $2::text[]) AS t (model, id) USING (model, id)`;

export class OutcomeStore {
  readonly #durable: DurableInsert;

  constructor(private readonly database: PoolOwner) {
    this.#durable = new DurableInsert(database, {
      message: 'outcomes cannot be stored right now',
      advice: 'nothing of this batch is acknowledged: send it again, with the same ids',
    });
  }

  /**
   * Stores outcomes whose (model, id) are distinct within the call, unless they are there. When this returns they are
   * durable. Throws `unavailable` when the database is, with nothing acknowledged.
   *
   * @returns by {@link keyOf}, what is stored now
   */
  async insert(outcomes: readonly NewOutcome[]): Promise<ReadonlyMap<string, Stored>> {
    const days = new Set(outcomes.map((outcome) => outcome.day));
    return this.#durable.run(days, () => this.#insert(outcomes));
  }

  async #insert(outcomes: readonly NewOutcome[]): Promise<ReadonlyMap<string, Stored>> {
    const { rows } = await this.database.pool.query<{ model: string; id: string }>(INSERT, [
      outcomes.map((one) => one.model),
      outcomes.map((one) => one.id),
      outcomes.map((one) => one.digest),
      outcomes.map((one) => dayText(one.day)),
      outcomes.map((one) => one.unitKey),
      outcomes.map((one) => one.requestId),
      outcomes.map((one) => one.name),
      outcomes.map((one) => one.value),
      outcomes.map((one) => one.atMs),
    ]);
    const fresh = new Set(rows.map(keyOf));
    const stored = new Map<string, Stored>();
    for (const one of outcomes) {
      if (fresh.has(keyOf(one))) stored.set(keyOf(one), { isNew: true, digest: one.digest });
    }
    await this.#addKnown(
      outcomes.filter((one) => !fresh.has(keyOf(one))),
      stored,
    );
    return stored;
  }

  /** Ids that the insert found taken: whoever took them has committed, so a new statement sees them. */
  async #addKnown(known: readonly NewOutcome[], stored: Map<string, Stored>): Promise<void> {
    if (known.length === 0) return;
    const { rows } = await this.database.pool.query<{ model: string; id: string; digest: string }>(
      DIGESTS,
      [known.map((one) => one.model), known.map((one) => one.id)],
    );
    for (const row of rows) stored.set(keyOf(row), { isNew: false, digest: row.digest });
  }
}

/** Names of models hold no slash. */
export function keyOf(of: { readonly model: string; readonly id: string }): string {
  return `${of.model}/${of.id}`;
}
