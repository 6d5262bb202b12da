import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly url: string;
  close(): Promise<void>;
}

/** A database of its own with every migration applied. */
export async function freshDatabase(): Promise<TestDatabase> {
  return createDatabase('TEMPLATE sluice_template');
}

/** A database of its own without any table. */
export async function emptyDatabase(): Promise<TestDatabase> {
  return createDatabase('TEMPLATE template0');
}

async function createDatabase(how: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const template = inject('postgresTemplateUrl');
  const admin = withDatabase(template, 'postgres');
  await query(admin, `CREATE DATABASE ${name} ${how}`);
  return {
    url: withDatabase(template, name),
    close: () => query(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

export function withDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

/** One statement on a connection of its own. */
export async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: 60_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
