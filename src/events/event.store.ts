import type { PoolOwner } from './shipment.store.js';

/** Gaps and partitions of the event tables. */
export class EventStore {
  constructor(private readonly database: PoolOwner) {}

  /** Events known to be lost in gaps that touch a stretch of time; a gap with none known (a failed sync) counts one. */
  async droppedBetween(fromMs: number, toMs: number): Promise<number> {
    const { rows } = await this.database.pool.query<{ dropped: number }>(
      `SELECT coalesce(sum(greatest(dropped, 1)), 0)::float8 AS dropped FROM event_gaps
       WHERE to_at >= to_timestamp($1::float8 / 1000) AND from_at <= to_timestamp($2::float8 / 1000)`,
      [fromMs, toMs],
    );
    return rows[0]?.dropped ?? 0;
  }

  /** @param day `YYYY-MM-DD` */
  async ensureDay(day: string): Promise<void> {
    await this.database.pool.query('SELECT ensure_event_day($1)', [day]);
  }

  /**
   * Forgets how far spools of long ago were shipped; every process makes one. Not when its folder is removed: a copy of
   * the folder that turns up somewhere (a restored volume) would be shipped again.
   */
  async pruneWatermarks(): Promise<void> {
    await this.database.pool.query(
      `DELETE FROM spool_watermarks WHERE updated_at < now() - interval '1 year'`,
    );
  }
}
