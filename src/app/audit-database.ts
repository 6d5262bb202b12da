import pg from 'pg';
import type { Config } from '../config/config.js';
import { EmbeddedPostgres } from '../database/embedded-postgres.js';
import { hasEmbeddedDatabase, recordedServerUrl } from '../database/recorded-server.js';
import { SluiceError } from '../kernel/errors.js';
import type { Querying } from '../rollouts/audit.js';
import type { Snapshots } from '../rollouts/auditor.js';

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 120_000;

/** A connection of the auditor's own; it reads and changes nothing. */
export interface AuditDatabase extends Snapshots {
  close(): Promise<void>;
}

/**
 * The database that a configuration means: the one of DATABASE_URL, the embedded one of a running product, or,
 * while none runs, the embedded one started for the time of the audit.
 */
export async function openAuditDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
): Promise<AuditDatabase> {
  if (config.databaseUrl !== null) return connected(config.databaseUrl, null);
  if (!hasEmbeddedDatabase(config.dataDir)) {
    throw new SluiceError('invalid_input', `there is no database in ${config.dataDir}`, [
      {
        field: 'SLUICE_DATA_DIR',
        given: config.dataDir,
        expected: 'the data folder of the product, or DATABASE_URL',
      },
    ]);
  }
  const recorded = recordedServerUrl(config.dataDir);
  const running = recorded === null ? null : await connected(recorded, null).catch(() => null);
  if (running !== null) return running;
  const server = new EmbeddedPostgres(config.dataDir);
  const url = await server.start();
  return connected(url, server).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
}

async function connected(url: string, server: EmbeddedPostgres | null): Promise<AuditDatabase> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'sluice-audit',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    throw new SluiceError('unavailable', 'the database does not answer', [], { cause });
  }
  const db: Querying = {
    query: async <T>(sql: string, parameters?: unknown[]): Promise<T> =>
      (await client.query(sql, parameters)).rows as T,
  };
  return {
    snapshot: async (read) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const result = await read(db);
      await client.query('COMMIT');
      return result;
    },
    close: async () => {
      await client.end().catch(() => undefined);
      await server?.stop();
    },
  };
}
