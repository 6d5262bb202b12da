import { isConnectionError } from '../database/connection-errors.js';
import { SluiceError } from '../kernel/errors.js';
import { dayText } from './copy-line.js';
import type { PoolOwner } from './shipment.store.js';

/** SQLSTATE classes in which the same request may succeed a moment later: connection, rollback, resources, operator. */
const PASSING = /^(08|25|40|53|55|57)[0-9A-Z]{3}$/;

/** What PostgreSQL calls a row without a partition; there are no other checks on the event tables. */
const CHECK_VIOLATION = '23514';

/** What the sender reads when nothing could be stored. */
export interface Refusal {
  readonly message: string;
  readonly advice: string;
}

/** Inserts into the tables that are partitioned by day, for senders who wait for the answer. */
export class DurableInsert {
  readonly #madeDays = new Set<number>();

  constructor(
    private readonly database: PoolOwner,
    private readonly refusal: Refusal,
  ) {}

  /**
   * Runs an insert after making the partitions of its days (since 1970). Throws `unavailable` when the database is
   * away or busy; the insert may then have happened or not, so it must be one that can be repeated.
   */
  async run<T>(days: ReadonlySet<number>, insert: () => Promise<T>): Promise<T> {
    try {
      return await this.#attempt(days, insert);
    } catch (error) {
      if (!isMissingPartition(error)) throw this.#asUnavailable(error);
    }
    // It was dropped after we had made it (retention, or another database behind the same address).
    this.#madeDays.clear();
    try {
      return await this.#attempt(days, insert);
    } catch (error) {
      throw this.#asUnavailable(error);
    }
  }

  async #attempt<T>(days: ReadonlySet<number>, insert: () => Promise<T>): Promise<T> {
    for (const day of days) {
      if (this.#madeDays.has(day)) continue;
      await this.database.pool.query('SELECT ensure_event_day($1)', [dayText(day)]);
      this.#madeDays.add(day);
    }
    return insert();
  }

  #asUnavailable(error: unknown): unknown {
    if (error instanceof SluiceError) return error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!isConnectionError(error) && !PASSING.test(code)) return error;
    const { message, advice } = this.refusal;
    return new SluiceError('unavailable', message, [{ advice }], { cause: error });
  }
}

function isMissingPartition(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === CHECK_VIOLATION;
}
