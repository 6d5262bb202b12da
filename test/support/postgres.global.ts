import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { migrate } from '../../src/database/migrate.js';
import { query } from './postgres.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the migrated database that every test's own one is copied from. */
    postgresTemplateUrl: string;
  }
}

/** One server for the whole run; tests copy its migrated template, which takes milliseconds. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  chmodSync(dir, 0o711);
  const server = new EmbeddedPostgres(dir);
  const url = await server.start();
  await query(url, 'CREATE DATABASE sluice_template');
  const template = new URL(url);
  template.pathname = '/sluice_template';
  await migrate(template.href);
  project.provide('postgresTemplateUrl', template.href);
  return async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  };
}
