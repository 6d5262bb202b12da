import { Logger } from '@nestjs/common';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { catchUpPauseMs } from '../../src/events/catch-up.js';
import { ShipmentStore } from '../../src/events/shipment.store.js';
import type { PoolOwner } from '../../src/events/shipment.store.js';
import { Shipper } from '../../src/events/shipper.service.js';
import { Spool } from '../../src/events/spool.service.js';
import { anExposure, configOf, poolOf, temporaryDataDir, until } from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: pg.Pool;
let dir: ReturnType<typeof temporaryDataDir>;

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await freshDatabase();
  pool = poolOf(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.close();
});
afterEach(() => {
  dir.remove();
});
beforeEach(async () => {
  dir = temporaryDataDir();
  await pool.query('TRUNCATE exposures, predictions, spool_watermarks, event_gaps');
});

/** The real pool, but each connection breaks once it is told a statement that begins like this, `times` times. */
function breaking(beginning: string, times: number): PoolOwner {
  let left = times;
  const connect = async (): Promise<pg.PoolClient> => {
    const client = await pool.connect();
    const query = client.query.bind(client) as (...given: unknown[]) => Promise<unknown>;
    const broken = (...given: unknown[]): Promise<unknown> => {
      if (left === 0 || !String(given[0]).startsWith(beginning)) return query(...given);
      left -= 1;
      client.query = query as typeof client.query;
      return query('SELECT pg_terminate_backend(pg_backend_pid())');
    };
    client.query = broken as typeof client.query;
    return client;
  };
  // what asks the pool itself takes its own connections, as before
  const others = (name: string | symbol): unknown => {
    const member: unknown = Reflect.get(pool, name, pool);
    return typeof member === 'function' ? (member.bind(pool) as unknown) : member;
  };
  return {
    pool: new Proxy(pool, { get: (_of, name) => (name === 'connect' ? connect : others(name)) }),
  };
}

function spoolOf(events: number): Spool {
  const spool = new Spool(configOf(dir.dataDir));
  for (let index = 0; index < events; index += 1)
    spool.appendExposure(anExposure({ unitKey: `u${index}` }), () => undefined);
  spool.flush();
  return spool;
}

async function count(table: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${table}`,
  );
  return rows[0]?.count ?? 0;
}

describe('a shipment', () => {
  it.each(['UPDATE spool_watermarks', 'COMMIT'])(
    'moves rows and watermark together when the connection breaks at %s',
    async (beginning) => {
      const spool = spoolOf(300);
      const shipper = new Shipper(spool, new ShipmentStore(breaking(beginning, 3)));
      shipper.start();
      await until('all is shipped', () => spool.counters().unshippedBytes === 0);
      expect((await shipper.drain(5_000)).drained).toBe(true);
      expect(await count('exposures')).toBe(300);
      expect(await count('event_gaps')).toBe(0);
      expect(shipper.status().rejectedLines).toBe(0);
    },
  );

  it('of a backlog leaves the database to others for as long as it is told', async () => {
    const lines = 20_000;
    const spool = spoolOf(lines);
    const shipper = new Shipper(spool, new ShipmentStore({ pool }), { shipShare: 0.2 });
    const seen: boolean[] = [];
    const sinceMs = performance.now();
    shipper.start();
    await until('all is shipped', () => {
      seen.push(shipper.status().isCatchingUp);
      return spool.counters().unshippedBytes === 0;
    });
    // A backlog as that of a minute without a database, at the share of a slow gateway: still within 30 s (P1).
    expect(performance.now() - sinceMs).toBeLessThan(30_000);
    expect(seen).toContain(true);
    await until('the backlog is over', () => !shipper.status().isCatchingUp);
    await shipper.drain(5_000);
    expect(await count('exposures')).toBe(lines);
  });
});

describe('the pause after a batch of a backlog', () => {
  it('leaves the share that is asked for, and never more than two seconds', () => {
    expect(catchUpPauseMs(100, 0.5)).toBe(100);
    expect(catchUpPauseMs(100, 0.25)).toBe(300);
    expect(catchUpPauseMs(100, 1)).toBe(0);
    expect(catchUpPauseMs(60_000, 0.5)).toBe(2_000);
    expect(catchUpPauseMs(-1, 0.5)).toBe(0);
  });
});
