import type { Pool, PoolClient } from 'pg';
import { invariant } from '../kernel/assert.js';
import { dayText, EXPOSURE_COLUMNS, MIRROR_COLUMNS, PREDICTION_COLUMNS } from './copy-line.js';
import { copyFrom } from './copy-from.js';
import type { Gap } from './gap-log.js';
import type { SpoolPosition } from './segment-writer.js';

/** Where the connections come from: the Database, or a test's own pool. */
export interface PoolOwner {
  readonly pool: Pool;
}

export type Table = 'exposures' | 'predictions' | 'mirrors';

/** What one transaction moves into the database. */
export interface Shipment {
  readonly spoolId: string;
  /** The watermark that the sender last saw; another one means that somebody else shipped. */
  readonly expected: SpoolPosition;
  readonly to: SpoolPosition;
  readonly lines: Readonly<Record<Table, Buffer>>;
  readonly gaps: readonly Gap[];
}

/** `moved`: the watermark is elsewhere, nothing was done; `refused`: PostgreSQL finds fault with a line. */
export type ShipResult =
  { readonly kind: 'shipped' | 'moved' } | { readonly kind: 'refused'; readonly error: Error };

/** A line that PostgreSQL does not take, whatever we do. */
export interface RefusedLine {
  readonly table: Table;
  readonly line: string;
  readonly reason: string;
}

const TARGETS: Readonly<Record<Table, string>> = {
  exposures: `exposures (${EXPOSURE_COLUMNS})`,
  predictions: `predictions (${PREDICTION_COLUMNS})`,
  mirrors: `mirrors (${MIRROR_COLUMNS})`,
};
const TABLES: readonly Table[] = ['exposures', 'predictions', 'mirrors'];

/**
 * SQLSTATE classes that speak about the data of a line: 22 data exception, 23 constraint, 54 limit exceeded. Everything
 * else (connection, resources, privileges, a missing table) passes some day and is tried again.
 */
const DATA_FAULT = /^(22|23|54)/;
/** No partition for a row: it was dropped after we had made it. */
const CHECK_VIOLATION = '23514';

/** Moves spool bytes into PostgreSQL, the watermark in the same transaction: exactly once. */
export class ShipmentStore {
  readonly #madeDays = new Set<number>();

  constructor(private readonly database: PoolOwner) {}

  /** Everything before it in this spool is in the database. */
  async watermark(spoolId: string): Promise<SpoolPosition> {
    const pool = this.database.pool;
    await pool.query(
      'INSERT INTO spool_watermarks (spool_id, segment, "offset") VALUES ($1, 0, 0) ON CONFLICT DO NOTHING',
      [spoolId],
    );
    const found = await readWatermark(pool, spoolId, '');
    invariant(found !== null, 'the watermark that was just made exists');
    return found;
  }

  /** Makes the partitions of these days (since 1970), committed, before a transaction needs them. */
  async ensureDays(days: ReadonlySet<number>): Promise<void> {
    for (const day of days) {
      if (this.#madeDays.has(day)) continue;
      await this.database.pool.query('SELECT ensure_event_day($1)', [dayText(day)]);
      this.#madeDays.add(day);
    }
  }

  /** Ships in one transaction, or changes nothing. */
  async ship(shipment: Shipment): Promise<ShipResult> {
    try {
      return await this.#transaction(shipment, async (client) => {
        for (const table of TABLES) {
          if (shipment.lines[table].length > 0)
            await copyFrom(client, TARGETS[table], shipment.lines[table]);
        }
        return shipment.gaps;
      });
    } catch (error) {
      if (!isDataFault(error)) throw error;
      if (error.code === CHECK_VIOLATION) this.#madeDays.clear();
      return { kind: 'refused', error };
    }
  }

  /**
   * Ships what PostgreSQL takes of a shipment that it refused as a whole, halving until the bad lines are alone.
   * `setAside` must make those durable before the transaction commits; it gives the gap that they leave.
   */
  async shipCautiously(
    shipment: Shipment,
    setAside: (refused: readonly RefusedLine[]) => Promise<readonly Gap[]>,
  ): Promise<ShipResult> {
    return this.#transaction(shipment, async (client) => {
      const refused: RefusedLine[] = [];
      for (const table of TABLES)
        await copyHalving(client, table, splitLines(shipment.lines[table]), refused);
      return [...shipment.gaps, ...(await setAside(refused))];
    });
  }

  async insertGaps(spoolId: string, gaps: readonly Gap[]): Promise<void> {
    await insertGaps(this.database.pool, spoolId, gaps);
  }

  async #transaction(
    shipment: Shipment,
    work: (client: PoolClient) => Promise<readonly Gap[]>,
  ): Promise<ShipResult> {
    const client = await this.database.pool.connect();
    let broken: Error | undefined;
    // Between two statements nobody else listens, and a connection that breaks then would end the process.
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      const found = await readWatermark(client, shipment.spoolId, 'FOR UPDATE');
      const { expected, to } = shipment;
      if (found?.segment !== expected.segment || found.offset !== expected.offset) {
        await client.query('ROLLBACK');
        return { kind: 'moved' };
      }
      await insertGaps(client, shipment.spoolId, await work(client));
      await client.query(
        'UPDATE spool_watermarks SET segment = $2, "offset" = $3, updated_at = now() WHERE spool_id = $1',
        [shipment.spoolId, to.segment, to.offset],
      );
      await client.query('COMMIT');
      return { kind: 'shipped' };
    } catch (error) {
      broken = await rolledBack(client, error);
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}

/** Rolls back after a refusal; after anything else the connection is given up, its state is unknown. */
async function rolledBack(client: PoolClient, error: unknown): Promise<Error | undefined> {
  if (!isDataFault(error)) return error instanceof Error ? error : new Error(String(error));
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (second) {
    return second instanceof Error ? second : new Error(String(second));
  }
}

async function readWatermark(
  on: Pool | PoolClient,
  spoolId: string,
  lock: '' | 'FOR UPDATE',
): Promise<SpoolPosition | null> {
  const { rows } = await on.query<{ segment: string; offset: string }>(
    `SELECT segment, "offset" FROM spool_watermarks WHERE spool_id = $1 ${lock}`,
    [spoolId],
  );
  const row = rows[0];
  return row === undefined ? null : { segment: Number(row.segment), offset: Number(row.offset) };
}

/** A gap that is there already (stored, then the process died before it forgot) is not stored twice. */
async function insertGaps(
  on: Pool | PoolClient,
  spoolId: string,
  gaps: readonly Gap[],
): Promise<void> {
  for (const gap of gaps) {
    await on.query(
      `INSERT INTO event_gaps (spool_id, from_at, to_at, dropped, cause)
       SELECT $1::uuid, to_timestamp($2::float8 / 1000), to_timestamp($3::float8 / 1000), $4::bigint, $5::text
       WHERE NOT EXISTS (SELECT FROM event_gaps
         WHERE spool_id = $1 AND cause = $5 AND dropped = $4 AND from_at = to_timestamp($2::float8 / 1000))`,
      [spoolId, gap.fromMs, gap.toMs, gap.dropped, gap.cause],
    );
  }
}

async function copyHalving(
  client: PoolClient,
  table: Table,
  lines: readonly Buffer[],
  refused: RefusedLine[],
): Promise<void> {
  if (lines.length === 0) return;
  await client.query('SAVEPOINT half');
  try {
    await copyFrom(client, TARGETS[table], Buffer.concat(lines));
    await client.query('RELEASE SAVEPOINT half');
    return;
  } catch (error) {
    if (!isDataFault(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT half');
    await client.query('RELEASE SAVEPOINT half');
    if (lines.length === 1) {
      refused.push({ table, line: String(lines[0]), reason: error.message });
      return;
    }
  }
  const middle = lines.length >> 1;
  await copyHalving(client, table, lines.slice(0, middle), refused);
  await copyHalving(client, table, lines.slice(middle), refused);
}

/** Lines with their newlines; an escaped newline is two other characters, so the byte 0x0A only ends lines. */
function splitLines(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, from)) {
    lines.push(bytes.subarray(from, at + 1));
    from = at + 1;
  }
  return lines;
}

function isDataFault(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    DATA_FAULT.test(error.code)
  );
}
