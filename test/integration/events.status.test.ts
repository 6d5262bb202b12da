import { Test } from '@nestjs/testing';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { Database } from '../../src/database/database.service.js';
import { EventsModule } from '../../src/events/events.module.js';
import { EventsService } from '../../src/events/events.service.js';
import { Shipper } from '../../src/events/shipper.service.js';
import { listSpools } from '../../src/events/spool-folder.js';
import { Spool } from '../../src/events/spool.service.js';
import { testConfig } from '../support/config.js';
import { anExposure, poolOf, temporaryDataDir, until } from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

const DAY_MS = 86_400_000;
const dir = temporaryDataDir();
let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: pg.Pool;

beforeAll(async () => {
  database = await freshDatabase();
  pool = poolOf(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.close();
  dir.remove();
});

interface Application {
  get<T>(token: new (...given: never[]) => T): T;
  close(): Promise<void>;
}

/** Events and what they need, wired by Nest on a real database. */
async function application(): Promise<Application> {
  const config = testConfig({ dataDir: dir.dataDir, databaseUrl: database.url });
  const app = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(config), DatabaseModule, EventsModule],
  }).compile();
  app.useLogger(false);
  await app.init();
  await app.get(Database).whenReady();
  return { get: (token) => app.get(token, { strict: false }), close: () => app.close() };
}

describe('the events of an application', () => {
  it('ships by itself, and everything that is left when it stops, before the database closes', async () => {
    const app = await application();
    const spool = app.get(Spool);
    const durable = await new Promise<boolean>((done) => spool.appendExposure(anExposure(), done));
    expect(durable).toBe(true);
    await until(
      'the exposure is shipped',
      () => app.get(EventsService).status().spool.unshippedBytes === 0,
    );
    for (let index = 0; index < 500; index += 1)
      spool.appendExposure(anExposure(), () => undefined);
    await app.close();
    const { rows } = await pool.query('SELECT count(*)::int AS count FROM exposures');
    expect(rows).toEqual([{ count: 501 }]);
    expect(await listSpools(spool.root)).toEqual([]);
  });

  it('make the partitions of today and tomorrow before anything needs them', async () => {
    const app = await application();
    const days = [Date.now(), Date.now() + DAY_MS].map((ms) =>
      new Date(ms).toISOString().slice(0, 10).replaceAll('-', ''),
    );
    await until('the partitions are there', async () => {
      const { rows } = await pool.query<{ found: boolean }>(
        `SELECT bool_and(to_regclass(t || '_' || d) IS NOT NULL) AS found
         FROM unnest(ARRAY['exposures', 'predictions', 'outcomes', 'mirrors']) AS t, unnest($1::text[]) AS d`,
        [days],
      );
      return rows[0]?.found === true;
    });
    await app.close();
  });

  it('make a partition while a long analysis reads and others write, without any of them waiting', async () => {
    const reader = await pool.connect();
    try {
      await reader.query('BEGIN');
      await reader.query('SELECT count(*) FROM exposures, predictions, outcomes');
      const make = `SET lock_timeout = '5s'; SELECT ensure_event_day('2027-03-02')`;
      await Promise.all(Array.from({ length: 3 }, () => pool.query(make)));
      const { rows } = await pool.query(
        `SELECT count(*)::int FROM pg_inherits WHERE inhrelid::regclass::text LIKE '%_20270302'`,
      );
      expect(rows).toEqual([{ count: 4 }]);
    } finally {
      await reader.query('ROLLBACK');
      reader.release();
    }
  });

  it('tell how many events a stretch of time lost, by gaps that touch it', async () => {
    const app = await application();
    const events = app.get(EventsService);
    const at = Date.UTC(2026, 10, 20);
    await pool.query(
      `INSERT INTO event_gaps (spool_id, from_at, to_at, dropped, cause) SELECT $1, to_timestamp($2 / 1000.0), to_timestamp($3 / 1000.0), n, 'disk_full'
       FROM unnest(ARRAY[5, 0]) AS n`,
      [app.get(Spool).id, at, at + 10_000],
    );
    expect(await events.gapsBetween(at + 9_000, at + 60_000)).toBe(6);
    expect(await events.gapsBetween(at - 60_000, at)).toBe(6);
    expect(await events.gapsBetween(at + 10_001, at + 60_000)).toBe(0);
    expect(events.status().unstoredGaps).toBe(0);
    await app.close();
  });

  it('bring a gap of this process into the database without an event to wake them', async () => {
    const app = await application();
    app.get(Spool).gaps.add('disk_full', 4, Date.UTC(2026, 0, 1));
    const since = Date.UTC(2026, 0, 1);
    await until(
      'the gap is stored',
      async () => (await app.get(EventsService).gapsBetween(since, since)) === 4,
    );
    expect(app.get(Shipper).status().failure).toBeNull();
    await app.close();
  });
});
