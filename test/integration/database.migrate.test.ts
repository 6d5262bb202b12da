import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  isMigrated,
  migrate,
  migrationsFolder,
  readMigrations,
} from '../../src/database/migrate.js';
import { isPermanent } from '../../src/database/permanent-failure.js';
import { nodeChild, outputOf } from '../support/node-child.js';
import { emptyDatabase, query } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

let db: TestDatabase;
let folder: string;
beforeEach(async () => {
  db = await emptyDatabase();
  folder = mkdtempSync(join(tmpdir(), 'sluice-migrations-'));
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string, sql: string): void => writeFileSync(join(folder, name), sql);

async function rows(sql: string): Promise<unknown[]> {
  const client = new pg.Client(db.url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(isPermanent(error)).toBe(true);
  return (error as Error).message;
}

describe('migrating', () => {
  it('applies the files of the package once, in order', async () => {
    const count = readdirSync(migrationsFolder()).filter((name) => name.endsWith('.sql')).length;
    expect(await isMigrated(db.url)).toBe(false);
    expect(await migrate(db.url)).toBe(count);
    expect(await isMigrated(db.url)).toBe(true);
    expect(await migrate(db.url)).toBe(0);
    const applied = await rows('SELECT number FROM sluice_migrations ORDER BY applied_at, number');
    expect(applied).toEqual(readMigrations(migrationsFolder()).map(({ number }) => ({ number })));
  });

  it.each([1, 2, 3])('applies each once when 5 processes start at once (round %i)', async () => {
    file(
      '0001_table.sql',
      'CREATE TABLE counter (n integer NOT NULL); INSERT INTO counter VALUES (0);',
    );
    // slow data migrations: without the lock several processes would be in the middle of the same one
    file('0002_first.sql', 'SELECT pg_sleep(0.1); UPDATE counter SET n = n + 1;');
    file('0003_second.sql', 'SELECT pg_sleep(0.1); UPDATE counter SET n = n + 10;');
    const children = Array.from({ length: 5 }, () =>
      nodeChild('./migrate-child.ts', [db.url, folder]),
    );
    const counts = await Promise.all(children.map((child) => outputOf(child)));
    expect(counts.map(Number).reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(await rows('SELECT n FROM counter')).toEqual([{ n: 11 }]);
  });

  it('applies the files of the package once when 4 processes start at once on an empty database', async () => {
    const children = Array.from({ length: 4 }, () => nodeChild('./migrate-child.ts', [db.url]));
    const counts = await Promise.all(children.map((child) => outputOf(child)));
    expect(counts.map(Number).reduce((sum, count) => sum + count, 0)).toBe(
      readMigrations(migrationsFolder()).length,
    );
    expect(await isMigrated(db.url)).toBe(true);
  });

  it('leaves nothing of a migration that fails and keeps those before it', async () => {
    file('0001_good.sql', 'CREATE TABLE good ();');
    file('0002_bad.sql', 'CREATE TABLE half (); SELECT 1 / 0;');
    await expect(migrate(db.url, folder)).rejects.toThrow('division by zero');
    expect(await rows('SELECT number, name FROM sluice_migrations')).toEqual([
      { number: 1, name: 'good' },
    ]);
    expect(await rows(`SELECT to_regclass('half') IS NULL AS gone`)).toEqual([{ gone: true }]);
  });

  it('refuses a file that was changed after it had been applied, but not other line ends', async () => {
    file('0001_table.sql', 'CREATE TABLE t\n();\n');
    await migrate(db.url, folder);
    file('0001_table.sql', 'CREATE TABLE t\r\n();\r\n');
    expect(await migrate(db.url, folder)).toBe(0);
    file('0001_table.sql', 'CREATE TABLE t (id integer);');
    expect(await refusal(migrate(db.url, folder))).toBe(
      'migration 1 (table) was changed after it had been applied',
    );
  });

  it('refuses a database that a newer release has migrated', async () => {
    file('0001_table.sql', 'CREATE TABLE t ();');
    file('0002_more.sql', 'CREATE TABLE u ();');
    await migrate(db.url, folder);
    rmSync(join(folder, '0002_more.sql'));
    expect(await refusal(migrate(db.url, folder))).toBe(
      'the database has migration 2 (more), this release ends at 1',
    );
  });

  it('refuses a gap among the files and among the applied ones', async () => {
    file('0001_table.sql', 'CREATE TABLE t ();');
    file('0003_more.sql', 'CREATE TABLE u ();');
    expect(await refusal(migrate(db.url, folder))).toBe(
      'the migration file 0003_more.sql does not continue the numbers',
    );
    cpSync(join(folder, '0003_more.sql'), join(folder, '0002_more.sql'));
    rmSync(join(folder, '0003_more.sql'));
    await migrate(db.url, folder);
    await query(db.url, 'DELETE FROM sluice_migrations WHERE number = 1');
    expect(await refusal(migrate(db.url, folder))).toBe('the database lacks migration 1 but has 2');
  });
});
