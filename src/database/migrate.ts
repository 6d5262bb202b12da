import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { sha256 } from '../kernel/hash.js';
import { permanentFailure } from './permanent-failure.js';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

const FILE = /^(\d{4})_([a-z0-9_]+)\.sql$/;
/** Arbitrary and fixed for ever: every release must take the same lock. */
const LOCK_KEY = '7305803415';
const CONNECT_TIMEOUT_MS = 5_000;
/** A migration may rewrite a large table; others wait for its lock as long. */
const STATEMENT_TIMEOUT_MS = 600_000;

const TABLE = `CREATE TABLE IF NOT EXISTS sluice_migrations (
  number     integer PRIMARY KEY,
  name       text NOT NULL,
  checksum   text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

/** `migrations/` of the package this file is in, whether it runs from src/ or from dist/src/. */
export function migrationsFolder(): string {
  for (
    let dir = dirname(fileURLToPath(import.meta.url));
    dir !== dirname(dir);
    dir = dirname(dir)
  ) {
    const folder = join(dir, 'migrations');
    if (existsSync(join(dir, 'package.json')) && existsSync(folder)) return folder;
  }
  throw permanentFailure('the folder migrations/ is missing', {
    expected: 'migrations/ beside package.json',
    advice: 'reinstall the package',
  });
}

/** The numbered files in order; a gap or a double number is refused, because then order means nothing. */
export function readMigrations(folder: string): readonly Migration[] {
  const found: Migration[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.sql')) continue;
    const match = FILE.exec(file);
    const number = Number(match?.[1]);
    if (match === null || number !== found.length + 1) {
      throw permanentFailure(`the migration file ${file} does not continue the numbers`, {
        field: file,
        given: file,
        expected: `${String(found.length + 1).padStart(4, '0')}_name.sql`,
        advice: 'number the files without gaps or repetitions',
      });
    }
    const sql = readFileSync(join(folder, file), 'utf8');
    // a checkout with other line ends is still the same migration
    found.push({
      number,
      name: match[2] ?? '',
      sql,
      checksum: sha256(sql.replaceAll('\r\n', '\n')),
    });
  }
  return found;
}

/**
 * Applies what is missing, each file once and in one transaction, however many processes do so at once: the lock lives
 * in that very transaction, so it is also right behind a pooler and after a crash.
 *
 * @returns how many this call applied
 */
export async function migrate(url: string, folder = migrationsFolder()): Promise<number> {
  const migrations = readMigrations(folder);
  const client = await connect(url);
  try {
    let count = 0;
    while (await applyNext(client, migrations)) count += 1;
    return count;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** True when every migration of this release is applied; for roles that use the schema and never change it. */
export async function isMigrated(url: string, folder = migrationsFolder()): Promise<boolean> {
  const migrations = readMigrations(folder);
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ known: boolean }>(
      `SELECT to_regclass('sluice_migrations') IS NOT NULL AS known`,
    );
    if (rows[0]?.known !== true) return false;
    const { rows: last } = await client.query<{ number: number | null }>(
      'SELECT max(number) AS number FROM sluice_migrations',
    );
    return (last[0]?.number ?? 0) >= migrations.length;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'sluice-migrate',
  });
  // without a listener a lost connection would end the process; the query in flight is rejected anyway
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function applyNext(client: pg.Client, migrations: readonly Migration[]): Promise<boolean> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
    await client.query(TABLE);
    const { rows } = await client.query<Applied>(
      'SELECT number, name, checksum FROM sluice_migrations ORDER BY number',
    );
    verify(rows, migrations);
    const next = migrations[rows.length];
    if (next !== undefined) {
      await client.query(next.sql);
      await client.query(
        'INSERT INTO sluice_migrations (number, name, checksum) VALUES ($1, $2, $3)',
        [next.number, next.name, next.checksum],
      );
    }
    await client.query('COMMIT');
    return next !== undefined;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function verify(applied: readonly Applied[], migrations: readonly Migration[]): void {
  applied.forEach((row, index) => {
    const ours = migrations[index];
    if (ours === undefined) {
      throw permanentFailure(
        `the database has migration ${row.number} (${row.name}), this release ends at ${index}`,
        {
          field: 'sluice_migrations',
          given: row.number,
          expected: `at most ${migrations.length}`,
          advice: 'start the release that migrated it, or a newer one',
        },
      );
    }
    if (row.number !== ours.number) {
      throw permanentFailure(`the database lacks migration ${ours.number} but has ${row.number}`, {
        field: 'sluice_migrations',
        given: row.number,
        expected: String(ours.number),
        advice: 'restore the table sluice_migrations or the database from a backup',
      });
    }
    if (row.checksum !== ours.checksum) {
      throw permanentFailure(
        `migration ${row.number} (${row.name}) was changed after it had been applied`,
        {
          field: `migrations/${String(ours.number).padStart(4, '0')}_${ours.name}.sql`,
          given: ours.checksum,
          expected: row.checksum,
          advice: 'restore the file as it was; put the change into a new migration',
        },
      );
    }
  });
}
