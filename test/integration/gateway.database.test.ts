import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { Database } from '../../src/database/database.service.js';
import { GatewayModule } from '../../src/gateway/gateway.module.js';
import { LoadModule } from '../../src/load/load.module.js';
import { GatewayServer } from '../../src/gateway/gateway-server.service.js';
import { LivePlanService } from '../../src/gateway/live-plan.service.js';
import { PlanService } from '../../src/models/plan.service.js';
import type { TrafficPlan } from '../../src/routing/plan.js';
import {
  canaryPlan,
  gatewayConfig,
  modelPlan,
  pause,
  startUpstream,
  versionPlan,
  type TestUpstream,
} from '../support/gateway.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let upstream: TestUpstream;
let app: TestingModule;
let url: string;
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-gateway-'));

beforeAll(async () => {
  database = await freshDatabase();
  upstream = await startUpstream((_req, res) => res.end('ok'));
  const config = gatewayConfig(dataDir, { databaseUrl: database.url });
  app = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(config), LoadModule, DatabaseModule, GatewayModule],
  }).compile();
  app.useLogger(false);
  await app.init();
  await app.get(Database).whenReady();
  url = `http://127.0.0.1:${app.get(GatewayServer, { strict: false }).address?.port ?? 0}`;
});

afterAll(async () => {
  await app.close();
  await upstream.close();
  await database.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function change(edit: (plan: TrafficPlan) => TrafficPlan): Promise<TrafficPlan> {
  const plans = app.get(PlanService, { strict: false });
  return app
    .get(Database)
    .transaction((tx) => plans.change(tx, { actor: 'test', reason: 'test' }, edit));
}

function champion(coverage: number): (plan: TrafficPlan) => TrafficPlan {
  const versions = [versionPlan('v1', upstream.url), versionPlan('v2', upstream.url)];
  const model = modelPlan(versions, { experiments: [canaryPlan(coverage)] });
  return (plan) => ({ ...plan, models: { m: model } });
}

async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
): Promise<number> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs} ms`);
    await pause(2);
  }
  return performance.now() - startedMs;
}

async function assignments(): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < 40; i++) {
    const reply = await fetch(`${url}/models/m`, { headers: { 'x-sluice-unit': `u${i}` } });
    expect(reply.status).toBe(200);
    await reply.text();
    found.push(`${reply.headers.get('x-sluice-version')}/${reply.headers.get('x-sluice-reason')}`);
  }
  return found;
}

describe('a gateway with a database', () => {
  it('follows every new plan within half a second', async () => {
    const live = app.get(LivePlanService, { strict: false });
    const waits: number[] = [];
    for (let i = 1; i <= 20; i++) {
      const { version } = await change(champion(i / 40));
      waits.push(await until(() => live.current?.version === version, 2_000));
    }
    expect(Math.max(...waits)).toBeLessThan(600);
    // By the notification, not by the poll, which would take a quarter of a second on average.
    expect(waits.sort((a, b) => a - b)[10]).toBeLessThan(100);
  });

  it('ships exposures and predictions of every answer', async () => {
    const got = await assignments();
    const enrolled = got.filter((one) => one.endsWith('experiment')).length;
    const { pool } = app.get(Database);
    await until(async () => {
      const { rows } = await pool.query<{ exposures: string; predictions: string }>(
        `SELECT (SELECT count(*) FROM exposures) AS exposures, (SELECT count(*) FROM predictions) AS predictions`,
      );
      return Number(rows[0]?.exposures) === enrolled && Number(rows[0]?.predictions) === 40;
    }, 10_000);
  });

  it('goes on with unchanged assignments when the database goes away', async () => {
    const before = await assignments();
    await database.close();
    const startedMs = performance.now();
    while (performance.now() - startedMs < 1_500) expect(await assignments()).toEqual(before);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
  });
});
