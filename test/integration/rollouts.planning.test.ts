import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSluice } from '../../src/app/start.js';
import { startSluice } from '../../src/app/start.js';
import { uuidV7 } from '../../src/kernel/ids.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const dataDir = mkdtempSync(join(tmpdir(), 'sluice-planning-'));
let db: TestDatabase;
let sluice: RunningSluice;

async function call(method: string, path: string, body: unknown) {
  const answer = await fetch(`${sluice.controlUrl}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${sluice.adminKey ?? ''}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as any }; // eslint-disable-line @typescript-eslint/no-explicit-any -- asserted by each test
}

const canary = {
  model: 'spam',
  kind: 'canary',
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'v2', version: 'v2' },
  ],
  metrics: [
    { metric: 'mistakes', role: 'success' },
    { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.02 } },
  ],
  analysis: { minimumDetectableEffect: { absolute: 0.05 }, plannedUnits: 4000 },
  rollout: {
    steps: [{ coverage: 0.1, hold: { duration: '1d' } }, { coverage: 0.5 }, { coverage: 1 }],
  },
};

/** A day of traffic: each of the users sends two requests and hears of the second one's truth. */
async function insertTraffic(users: number): Promise<void> {
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  const startMs = Date.now() - 86_400_000;
  const days = [startMs, startMs + 86_400_000].map((at) => new Date(at).toISOString().slice(0, 10));
  for (const day of days) await client.query('SELECT ensure_event_day($1)', [day]);
  await client.query('BEGIN');
  for (let index = 0; index < 2 * users; index += 1) {
    const user = index % users;
    const atMs = Math.floor(startMs + (index / (2 * users)) * 86_400_000);
    const id = uuidV7(atMs, randomBytes(10));
    const at = new Date(atMs).toISOString();
    await client.query(
      `INSERT INTO predictions (day, unit_key, request_id, at, model, assigned_version, served_version, reason, status,
         error, timeout, fallback, latency_ms, attempts, captured, config_version)
       VALUES ($1, $2, $3, $4, 'spam', 'v1', 'v1', 'default', 200, $5, false, false, 12, 1, '{"spam":true}', 1)`,
      [at.slice(0, 10), `user-${String(user)}`, id, at, index % 100 === 0],
    );
    if (index < users) continue;
    await client.query(
      `INSERT INTO outcomes (day, unit_key, id, model, request_id, name, value, at)
       VALUES ($1, $2::uuid::text, $3, 'spam', $2::uuid, 'truth', $4, $5)`,
      [at.slice(0, 10), id, `truth-${id}`, user % 5 === 0 ? 0 : 1, at],
    );
  }
  await client.query('COMMIT');
  await client.end();
}

/** Of each user: one payment two days ago, before the traffic above, and one now that partly follows it. */
async function insertPayments(users: number): Promise<void> {
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  const now = Date.now();
  for (const [index, atMs] of [now - 2 * 86_400_000, now - 1_000].entries()) {
    const at = new Date(atMs).toISOString();
    await client.query('SELECT ensure_event_day($1)', [at.slice(0, 10)]);
    // 4 a + 3 b with a and b of the same spread: a correlation of .8 with a
    await client.query(
      `INSERT INTO outcomes (day, unit_key, id, model, request_id, name, value, at)
       SELECT $1, 'user-' || i, 'paid-' || $2::integer || '-' || i, 'spam', NULL, 'paid',
         CASE $2::integer WHEN 0 THEN i % 20 ELSE 4 * (i % 20) + 3 * (i / 20) END, $3
       FROM generate_series(0, $4::integer - 1) AS i`,
      [at.slice(0, 10), index, at, users],
    );
  }
  await client.end();
}

beforeAll(async () => {
  db = await freshDatabase();
  sluice = await startSluice(testConfig({ dataDir, databaseUrl: db.url }));
  await call('PUT', '/models/spam', {
    unit: { header: 'x-user' },
    capture: { output: { spam: '/spam' } },
  });
  for (const version of ['v1', 'v2']) {
    await call('PUT', `/models/spam/versions/${version}`, { url: 'http://127.0.0.1:9' });
  }
  await call('PUT', '/metrics/mistakes', {
    kind: 'mean',
    source: { label: { outcome: 'truth', output: 'spam', loss: 'zero_one' } },
    direction: 'decrease',
  });
});

afterAll(async () => {
  await sluice.close();
  await db.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('POST /experiments/plan', () => {
  it('names every metric whose control is unknown, and what to give', async () => {
    const { status, body } = await call('POST', '/experiments/plan', canary);
    expect(status).toBe(422);
    expect(body.defects.map(({ field }: { field: string }) => field)).toEqual([
      '/assume/mistakes',
      '/assume/error_rate',
    ]);
    expect(body.defects[0].expected).toContain('control');
  });

  it('plans on assumptions: sizes by hand, days unknown, and how often the policy is right', async () => {
    const assume = { mistakes: { control: 0.3 }, error_rate: { control: 0.01 } };
    const startMs = Date.now();
    const { status, body } = await call('POST', '/experiments/plan', { ...canary, assume });
    expect(status).toBe(200);
    expect(Date.now() - startMs).toBeLessThan(10_000);
    const [superiority, nonInferiority] = body.sampleSizes;
    // 1.96 sqrt(2 x .275 x .725) + .8416 sqrt(.3 x .7 + .25 x .75), over .05, squared
    expect(superiority.fixedHorizon).toEqual({ control: 1251, treatment: 1251, total: 2502 });
    expect(superiority.sequential.total).toBeGreaterThan(4170);
    expect(nonInferiority).toMatchObject({ alpha: 0.05, sides: 1, power: 0.9, size: 0.02 });
    expect(body.requiredUnits).toBe(superiority.sequential.total);
    expect(body.duration).toMatchObject({ daysToPlannedUnits: null, maxRuntimeDays: 14 });
    expect(body.duration.reason).toContain('no request');
    // how many there are depends on how busy the machine is; the answer says so
    expect(body.simulation.replications).toBeGreaterThan(0);
    expect(['limit', 'time']).toContain(body.simulation.stoppedBy);
    const of = (name: string) =>
      body.simulation.scenarios.find((found: { scenario: string }) => found.scenario === name);
    const none = of('no_effect').promote;
    expect(none.probability).toBeLessThanOrEqual(0.05 + 3 * none.standardError);
    expect(of('twice_mde').promote.probability).toBeGreaterThan(0.95);
    expect(of('harm_at_margin').promote.probability).toBeLessThan(0.1);
  });

  it('refuses an assumption about something else and an effect that there is no room for', async () => {
    const assume = {
      mistakes: { control: 0.04 },
      error_rate: { control: 0.01 },
      mistaken: { control: 1 },
    };
    const { status, body } = await call('POST', '/experiments/plan', { ...canary, assume });
    expect(status).toBe(422);
    expect(body.defects.map(({ field }: { field: string }) => field)).toEqual([
      '/assume/mistaken',
      '/analysis/minimumDetectableEffect',
    ]);
  });

  it('takes what is left out from recent events, and says how many days it takes', async () => {
    await insertTraffic(400);
    const { status, body } = await call('POST', '/experiments/plan', canary);
    expect(status).toBe(200);
    const [mistakes, errors] = body.baselines;
    expect(mistakes).toMatchObject({ source: 'observed', observedUnits: 400, requestsPerUnit: 1 });
    expect(mistakes.value).toBeCloseTo(0.2, 10);
    expect(errors).toMatchObject({ value: 0.01, requestsPerUnit: 2 });
    expect(body.traffic.unitsPerDay).toBeCloseTo(400, -1);
    // a day at 20 % of 400 units does not give 100 per arm; then 4,000 units at 400 a day
    expect(body.duration.daysToPlannedUnits).toBeGreaterThan(10);
    expect(body.duration.daysToPlannedUnits).toBeLessThan(14);
    expect(body.simulation.scenarios[2].medianDaysToVerdict).toBeGreaterThan(1);
  });

  it('says what adjusting by the past of the units saves, as assumed or as seen in recent events', async () => {
    await call('PUT', '/metrics/payments', {
      kind: 'mean',
      source: { outcome: 'paid' },
      direction: 'increase',
      covariate: { lookback: '7d' },
    });
    const ab = {
      ...{ model: 'spam', kind: 'ab', variants: canary.variants },
      metrics: [{ metric: 'payments', role: 'success' }],
      analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 4000 },
    };
    const payments = { control: 10, standardDeviation: 12, covariateCorrelation: 0.8 };
    const { body: assumed } = await call('POST', '/experiments/plan', {
      ...ab,
      assume: { payments },
    });
    const [saving] = assumed.covariates;
    expect(saving).toMatchObject({ source: 'assumed', unitsWith: assumed.requiredUnits });
    expect(saving.varianceReduction).toBeCloseTo(0.64, 12);
    expect(saving.unitsWith / saving.unitsWithout).toBeCloseTo(0.36, 2);
    await insertPayments(400);
    const { status, body } = await call('POST', '/experiments/plan', ab);
    expect(status).toBe(200);
    expect(body.covariates[0]).toMatchObject({ source: 'observed', observedUnits: 400 });
    expect(body.covariates[0].correlation).toBeCloseTo(0.8, 1);
    expect(body.covariates[0].savedUnits).toBeGreaterThan(0);
  });

  it('stores nothing', async () => {
    const answer = await fetch(`${sluice.controlUrl}/api/v1/experiments`, {
      headers: { authorization: `Bearer ${sluice.adminKey ?? ''}` },
    });
    expect(await answer.json()).toEqual({ experiments: [] });
  });
});
