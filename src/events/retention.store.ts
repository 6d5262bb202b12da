import type { PoolClient } from 'pg';
import { dayText } from './copy-line.js';
import type { Hold } from './retention.js';
import type { PoolOwner } from './shipment.store.js';

/** Longer waits for a lock would make others wait behind us. */
const LOCK_TIMEOUT_MS = 2_000;
/** Detaching waits for every statement that reads the table; an analysis may take a minute. */
const STATEMENT_TIMEOUT_MS = 120_000;
/** Blocks of 8 KiB whose ids are forgotten in one transaction: about 50,000 outcomes. */
const BLOCKS_PER_STEP = 1_000;
const BLOCK_BYTES = 8_192;

/** One day of one event table. */
export interface Partition {
  readonly table: string;
  readonly name: string;
  /** Days since 1970. */
  readonly day: number;
  readonly bytes: number;
  /** PostgreSQL's estimate; -1 before it has looked. */
  readonly rows: number;
  /** An earlier attempt was interrupted between detaching and dropping. */
  readonly isPending: boolean;
}

const PARTITIONS = `
  SELECT parent.relname AS "table", child.relname AS name,
         (to_date(right(child.relname, 8), 'YYYYMMDD') - date '1970-01-01') AS day,
         pg_total_relation_size(child.oid)::float8 AS bytes, child.reltuples::float8 AS rows,
         inhdetachpending AS "isPending"
  FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
  WHERE parent.relname IN ('exposures', 'predictions', 'outcomes', 'mirrors') AND child.relkind = 'r'
    AND parent.relnamespace = current_schema()::regnamespace
  ORDER BY day, parent.relname`;

/** Detached and not dropped yet: the process ended in between. */
const LEFT_BEHIND = `
  SELECT relname AS name FROM pg_class
  WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND relname ~ '^(exposures|predictions|outcomes|mirrors)_[0-9]{8}$'
    AND to_date(right(relname, 8), 'YYYYMMDD') < $1::date
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)`;

/** Partitions of the event tables, and what has to be known before one goes. */
export class RetentionStore {
  constructor(private readonly database: PoolOwner) {}

  async holds(): Promise<readonly Hold[]> {
    const { rows } = await this.database.pool.query<Hold>(
      `SELECT name AS experiment, model, (extract(epoch FROM needed_from) * 1000)::float8 AS "neededFromMs"
       FROM event_retention_holds ORDER BY needed_from LIMIT 100`,
    );
    return rows;
  }

  async partitions(): Promise<readonly Partition[]> {
    return (await this.database.pool.query<Partition>(PARTITIONS)).rows;
  }

  /**
   * Runs `work` on a connection of its own unless another process does so already. Inserts never wait for it: a
   * partition is detached concurrently, and no lock is waited for longer than two seconds.
   *
   * @returns null when another process is at it
   */
  async alone<T>(work: (dropping: PartitionDropper) => Promise<T>): Promise<T | null> {
    const client = await this.database.pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      const { rows } = await client.query<{ free: boolean }>(
        `SELECT pg_try_advisory_lock(hashtext('sluice.retention')) AS free,
                set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', false),
                set_config('statement_timeout', '${STATEMENT_TIMEOUT_MS}', false)`,
      );
      return rows[0]?.free === true ? await work(new PartitionDropper(client)) : null;
    } finally {
      client.off('error', onError);
      // a connection with other time-outs and perhaps a lock does not go back to the pool
      client.release(broken ?? true);
    }
  }
}

/** Drops partitions on one connection. */
export class PartitionDropper {
  constructor(private readonly client: PoolClient) {}

  /** Forgets the ids of its outcomes, detaches and drops it. Whatever interrupts it, the next call goes on. */
  async drop({ table, name, day, isPending }: Partition): Promise<void> {
    if (table === 'outcomes') await this.#forgetIds(name, day);
    const how = isPending ? 'FINALIZE' : 'CONCURRENTLY';
    await this.#run(`ALTER TABLE ${table} DETACH PARTITION ${name} ${how}`);
    await this.#run(`DROP TABLE ${name}`);
  }

  /** Drops what an earlier call had detached, of days (since 1970) before `keptFromDay`. */
  async dropLeftBehind(keptFromDay: number): Promise<number> {
    const { rows } = await this.client.query<{ name: string }>(LEFT_BEHIND, [dayText(keptFromDay)]);
    for (const { name } of rows) await this.#run(`DROP TABLE IF EXISTS ${name}`);
    return rows.length;
  }

  /** By the rows of the day itself: an index on the day would cost every outcome. */
  async #forgetIds(name: string, day: number): Promise<void> {
    const { rows } = await this.client.query<{ bytes: number }>(
      `SELECT pg_relation_size('${name}')::float8 AS bytes`,
    );
    const blocks = Math.ceil((rows[0]?.bytes ?? 0) / BLOCK_BYTES);
    for (let from = 0; from < blocks; from += BLOCKS_PER_STEP) {
      await this.#run(
        `DELETE FROM outcome_ids i USING ${name} o
         WHERE o.ctid >= '(${from},0)'::tid AND o.ctid < '(${from + BLOCKS_PER_STEP},0)'::tid
           AND i.model = o.model AND i.id = o.id AND i.day = '${dayText(day)}'`,
      );
    }
  }

  async #run(text: string): Promise<void> {
    await this.client.query({ text, query_timeout: STATEMENT_TIMEOUT_MS + LOCK_TIMEOUT_MS } as {
      text: string;
    });
  }
}
