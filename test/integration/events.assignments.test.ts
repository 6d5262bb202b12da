import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSluice } from '../../src/app/start.js';
import type { RunningSluice } from '../../src/app/start.js';
import type { AssignmentReceipt } from '../../src/events/assignment.js';
import { isUuidV7, uuidV7, uuidV7Day } from '../../src/kernel/ids.js';
import type { RequestId } from '../../src/kernel/ids.js';
import { testConfig } from '../support/config.js';
import { cuttable, poolOf, temporaryDataDir } from '../support/events.js';
import type { Cuttable } from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';
const HOUR_MS = 3_600_000;

interface Answer {
  readonly status: number;
  readonly body: AssignmentReceipt & {
    readonly code?: string;
    readonly defects?: readonly { readonly field?: string }[];
  };
}
interface Stored {
  readonly unit_key: string;
  readonly request_id: string;
  readonly variant: string;
  readonly version: string;
  readonly day: string;
  readonly at: Date;
}

const dir = temporaryDataDir();
let database: Awaited<ReturnType<typeof freshDatabase>>;
let proxy: Cuttable;
let pool: pg.Pool;
let sluice: RunningSluice;
let key = '';

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await freshDatabase();
  proxy = await cuttable(database.url);
  pool = poolOf(database.url);
  const { dataDir } = dir;
  sluice = await startSluice(testConfig({ dataDir, databaseUrl: proxy.url, adminKey: ADMIN_KEY }));
  key = await makeKey(['assignments:write']);
  await admin('PUT', '/models/idle', {});
  await admin('PUT', '/models/plain', {});
  await admin('PUT', '/models/plain/versions/v1', { url: 'http://127.0.0.1:9' });
  await admin('PUT', '/models/spam', { unit: { header: 'x-sluice-unit' } });
  await admin('PUT', '/models/spam/versions/v1', { url: 'http://127.0.0.1:9' });
  await admin('PUT', '/models/spam/versions/v2', { url: 'http://127.0.0.1:9' });
  await admin('POST', '/experiments', {
    name: 'half',
    model: 'spam',
    kind: 'canary',
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'new', version: 'v2' },
    ],
    metrics: [
      { metric: 'latency_ms', role: 'success' },
      { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.01 } },
    ],
    analysis: { minimumDetectableEffect: { absolute: 0.01 }, plannedUnits: 1_000 },
    rollout: { steps: [{ coverage: 0.3 }, { coverage: 1 }] },
  });
  await admin('POST', '/experiments/half/start', { reason: 'a test' });
});
afterAll(async () => {
  await sluice.close();
  await pool.end();
  await proxy.close();
  await database.close();
  dir.remove();
});
beforeEach(async () => {
  await pool.query('TRUNCATE exposures');
});

async function admin(method: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${sluice.controlUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function makeKey(scopes: readonly string[]): Promise<string> {
  return ((await admin('POST', '/keys', { name: 'job', scopes })) as { key: string }).key;
}

async function post(body: unknown, withKey = key): Promise<Answer> {
  const response = await fetch(`${sluice.controlUrl}/api/v1/assignments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${withKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function stored(): Promise<readonly Stored[]> {
  const { rows } = await pool.query<Stored>(
    `SELECT unit_key, request_id, variant, version, day::text, at FROM exposures ORDER BY unit_key, request_id`,
  );
  return rows;
}

const users = (count: number, prefix = 'u'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index)}`);
const newBatch = (ageMs = 0): RequestId => uuidV7(Date.now() - ageMs, randomBytes(10));

describe('POST /assignments', () => {
  it('answers every unit in its place and has each enrolled one on record as exposed', async () => {
    const units = users(200);
    const { status, body } = await post({ model: 'spam', units });
    expect(status).toBe(200);
    expect(body.assignments.map(({ unit }) => unit)).toEqual(units);
    const enrolled = body.assignments.filter(({ reason }) => reason === 'experiment');
    expect(enrolled.length).toBeGreaterThan(80); // two equal arms of 30 %
    expect(enrolled.length).toBeLessThan(160);
    for (const one of enrolled) expect(one).toMatchObject({ experiment: 'half' });
    for (const one of body.assignments) {
      if (one.reason === 'experiment') continue;
      expect(one).toMatchObject({ version: 'v1', variant: null, experiment: null });
      expect(one.reason).toBe('champion');
    }
    expect(body).toMatchObject({ recorded: enrolled.length, duplicates: 0 });
    const rows = await stored();
    expect(
      rows.map((row) => [row.unit_key, row.variant, row.version, row.request_id]).sort(),
    ).toEqual(enrolled.map((one) => [one.unit, one.variant, one.version, one.requestId]).sort());
    expect(rows.every((row) => isUuidV7(row.request_id))).toBe(true);
  });

  it('assigns as the gateway explains it', async () => {
    const { body } = await post({ model: 'spam', units: ['ann', 'bob', 'eve'] });
    for (const { unit, version } of body.assignments) {
      const response = await fetch(
        `${sluice.controlUrl}/api/v1/experiments/half/assignment?unit=${unit}`,
        { headers: { authorization: `Bearer ${ADMIN_KEY}` } },
      );
      expect(JSON.stringify(await response.json())).toContain(`"version":"${version}"`);
    }
  });

  it('records nothing for a model without an experiment', async () => {
    const { status, body } = await post({ model: 'plain', units: ['a', 'b'] });
    expect(status).toBe(200);
    expect(body.recorded).toBe(0);
    expect(body.assignments).toMatchObject([
      { unit: 'a', version: 'v1', variant: null, reason: 'champion' },
      { unit: 'b', version: 'v1', variant: null, reason: 'champion' },
    ]);
    expect(await stored()).toEqual([]);
  });

  it('exposes a unit once that is named twice', async () => {
    const units = [...users(40), ...users(40)];
    const { body } = await post({ model: 'spam', units });
    expect(body.assignments).toHaveLength(80);
    expect(body.assignments.slice(0, 40)).toEqual(body.assignments.slice(40));
    expect(await stored()).toHaveLength(body.recorded);
  });

  it('doubles nothing on a retry with the batch id, and answers the same', async () => {
    const order = { model: 'spam', units: users(150), batchId: newBatch() };
    const first = await post(order);
    const rows = await stored();
    const second = await post(order);
    expect(second.body.assignments).toEqual(first.body.assignments);
    expect(second.body).toMatchObject({ recorded: 0, duplicates: first.body.recorded });
    expect(await stored()).toEqual(rows);
  });

  it('doubles nothing when retries run side by side', async () => {
    const order = { model: 'spam', units: users(500), batchId: newBatch() };
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(order)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    for (const { body } of answers) {
      expect(body.assignments).toEqual(answers[0]?.body.assignments);
    }
    const rows = await stored();
    expect(new Set(rows.map((row) => row.unit_key)).size).toBe(rows.length);
    expect(answers.reduce((sum, { body }) => sum + body.recorded, 0)).toBe(rows.length);
  });

  it('gives the id of a batch that has none, for the retry', async () => {
    const { body } = await post({ model: 'spam', units: users(50) });
    const again = await post({ model: 'spam', units: users(50), batchId: body.batchId });
    expect(again.body).toMatchObject({ recorded: 0, duplicates: body.recorded });
  });

  it('answers a retry as it was recorded, though the plan has changed since', async () => {
    const order = { model: 'spam', units: users(300, 'w'), batchId: newBatch() };
    const first = await post(order);
    await pool.query(`UPDATE exposures SET variant = 'control', version = 'v1'`);
    const second = await post(order);
    const enrolled = second.body.assignments.filter(({ reason }) => reason === 'experiment');
    expect(enrolled).toHaveLength(first.body.recorded);
    for (const one of enrolled) {
      expect(one).toMatchObject({ variant: 'control', version: 'v1', experiment: 'half' });
    }
  });

  it('keeps the day of the batch when the retry comes after midnight', async () => {
    const batchId = newBatch(26 * HOUR_MS);
    const at = new Date(Date.now() - HOUR_MS).toISOString();
    const { body } = await post({ model: 'spam', units: users(20), batchId, at });
    expect(body.recorded).toBeGreaterThan(0);
    for (const row of await stored()) {
      expect(row.day).toBe(uuidV7Day(batchId));
      expect(row.at).toEqual(new Date(at));
    }
  });

  it('stores long units under the same key as outcomes do', async () => {
    const { body } = await post({ model: 'spam', units: users(8).map((u) => u.repeat(400)) });
    const rows = await stored();
    expect(rows).toHaveLength(body.recorded);
    for (const row of rows) expect(row.unit_key).toMatch(/^sha256:/);
  });

  it('takes ten thousand units at once', async () => {
    const { status, body } = await post({ model: 'spam', units: users(10_000) });
    expect(status).toBe(200);
    expect(body.assignments).toHaveLength(10_000);
    expect(await stored()).toHaveLength(body.recorded);
  });

  it.each([
    ['no units', { units: [] }, '/units'],
    ['an empty unit', { units: ['a', ''] }, '/units/1'],
    ['a unit that a gateway would trim', { units: [' a'] }, '/units/0'],
    ['a unit that cannot be stored', { units: ['a\0b'] }, '/units/0'],
    ['a unit that is no text', { units: [7] }, '/units/0'],
    ['too many units', { units: users(10_001) }, '/units'],
    ['an unknown field', { unit: 'a' }, '/unit'],
    ['a batch id of another kind', { batchId: '7c0e9d7e-44a1-4c2b-9a57-27f8b0c6a001' }, '/batchId'],
    ['a batch id of last month', { batchId: newBatch(30 * 24 * HOUR_MS) }, '/batchId'],
    ['a time of last month', { at: new Date(Date.now() - 720 * HOUR_MS).toISOString() }, '/at'],
    ['a time of next week', { at: new Date(Date.now() + 168 * HOUR_MS).toISOString() }, '/at'],
    ['a time that is none', { at: 'yesterday' }, '/at'],
  ])('refuses %s, naming the field', async (_what, change, field) => {
    const { status, body } = await post({ model: 'spam', units: ['a'], ...change });
    expect(status).toBe(422);
    expect(body.defects?.map((defect) => defect.field)).toContain(field);
    expect(await stored()).toEqual([]);
  });

  it('refuses an unknown model and one without a version', async () => {
    expect(await post({ model: 'nowhere', units: ['a'] })).toMatchObject({ status: 404 });
    expect(await post({ model: 'constructor', units: ['a'] })).toMatchObject({ status: 404 });
    expect(await post({ model: 'idle', units: ['a'] })).toMatchObject({ status: 409 });
  });

  it('needs the scope assignments:write, which admin does not cover', async () => {
    const order = { model: 'spam', units: ['a'] };
    expect(await post(order, await makeKey(['outcomes:write']))).toMatchObject({ status: 403 });
    expect(await post(order, ADMIN_KEY)).toMatchObject({ status: 403 });
    expect(await post(order, 'nothing')).toMatchObject({ status: 401 });
  });

  it('answers 503 while the database is away, and a retry records each unit once', async () => {
    const order = { model: 'spam', units: users(100), batchId: newBatch() };
    proxy.cut();
    expect((await post(order)).status).toBe(503);
    proxy.restore();
    let again = await post(order);
    for (let attempt = 0; again.status === 503 && attempt < 50; attempt += 1)
      again = await post(order);
    expect(again.status).toBe(200);
    const rows = await stored();
    expect(rows).toHaveLength(again.body.recorded + again.body.duplicates);
    expect(new Set(rows.map((row) => row.unit_key)).size).toBe(rows.length);
  });
});
