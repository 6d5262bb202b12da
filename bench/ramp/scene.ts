import { Test } from '@nestjs/testing';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { CLOCK } from '../../src/analysis/clock.js';
import { AppModule } from '../../src/app/app.module.js';
import { Database } from '../../src/database/database.service.js';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { migrate } from '../../src/database/migrate.js';
import { testConfig } from '../../test/support/config.js';

/** Day and hour at which every ramp begins. */
export const START_MS = Date.UTC(2026, 0, 5);

/**
 * The database's clock stands still and is moved by hand: found before pg_catalog's, because the search path of this
 * database says so. The product asks for the time by the same names as ever.
 */
const CLOCK_SQL = `
CREATE SCHEMA ramp_clock;
CREATE TABLE ramp_clock.hand (at timestamptz NOT NULL);
CREATE FUNCTION ramp_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql
  AS 'SELECT at FROM ramp_clock.hand';
CREATE FUNCTION ramp_clock.now() RETURNS timestamptz LANGUAGE sql
  AS 'SELECT at FROM ramp_clock.hand';`;

/** The product on a database of its own whose time the caller moves. */
export interface Scene {
  readonly pool: pg.Pool;
  get<T>(service: new (...parts: never[]) => T): T;
  nowMs(): number;
  moveTo(nowMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function openScene(): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-ramp-'));
  chmodSync(dir, 0o711);
  const server = new EmbeddedPostgres(dir);
  const url = await server.start();
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  await pool.query(CLOCK_SQL);
  await pool.query('INSERT INTO ramp_clock.hand VALUES ($1)', [new Date(START_MS)]);
  const { rows } = await pool.query<{ name: string }>('SELECT current_database() AS name');
  await pool.query(
    `ALTER DATABASE "${rows[0]?.name ?? ''}" SET search_path = public, ramp_clock, pg_catalog`,
  );
  let nowMs = START_MS;
  const config = testConfig({ databaseUrl: url, dataDir: join(dir, 'data'), roles: ['control'] });
  const app = await Test.createTestingModule({ imports: [AppModule.of(config)] })
    .overrideProvider(CLOCK)
    .useValue({ nowMs: () => nowMs })
    .compile();
  app.useLogger(false);
  await app.init();
  await app.get(Database, { strict: false }).whenReady();
  return {
    pool,
    get: (service) => app.get(service, { strict: false }),
    nowMs: () => nowMs,
    moveTo: async (nextMs) => {
      nowMs = nextMs;
      await pool.query('UPDATE ramp_clock.hand SET at = $1', [new Date(nextMs)]);
    },
    close: async () => {
      await app.close();
      await pool.end();
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
