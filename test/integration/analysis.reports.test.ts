import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assess } from '../../src/analysis/assess.js';
import { ReportsStore } from '../../src/analysis/reports.store.js';
import { AppModule } from '../../src/app/app.module.js';
import { Database } from '../../src/database/database.service.js';
import { testConfig } from '../support/config.js';
import { evidenceOf, rateCell } from '../support/evidence.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const experimentId = '018f0000-0000-7000-8000-000000000001';

let database: TestDatabase;
let app: INestApplicationContext;
let dataDir: string;

beforeAll(async () => {
  database = await freshDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const config = testConfig({ databaseUrl: database.url, dataDir, roles: ['control'] });
  app = await NestFactory.createApplicationContext(AppModule.of(config), { logger: false });
  const { manager } = await app
    .get(Database, { strict: false })
    .whenReady()
    .then(() => app.get(Database, { strict: false }));
  await manager.query(`INSERT INTO models (name, settings) VALUES ('spam', '{}')`);
  await manager.query(
    `INSERT INTO experiments (id, name, model, kind, status, definition, salt)
     VALUES ($1, 'spam-v2', 'spam', 'canary', 'draft', '{}', 'salt')`,
    [experimentId],
  );
});

afterAll(async () => {
  await app.close();
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
});

it('keeps the newest thousand reports, and one in sixty of the older ones', async () => {
  const store = app.get(ReportsStore, { strict: false });
  const evidence = evidenceOf([
    rateCell({ metric: 'mistakes', variant: 'control' }, 12, 100),
    rateCell({ metric: 'mistakes', variant: 'v2' }, 11, 100),
  ]);
  const assessment = assess(evidence);
  for (let number = 1; number <= 1_130; number += 1) {
    await store.insert({ experimentId, number, epoch: 1, atMs: number, evidence, assessment });
  }
  const kept = (await store.list(experimentId, 2_000)).map(({ number }) => number).reverse();
  expect(kept.slice(0, 3)).toEqual([60, 120, 131]);
  expect(kept).toHaveLength(1_002);
  expect(await store.latest(experimentId)).toMatchObject({ number: 1_130, evidence, assessment });
});
