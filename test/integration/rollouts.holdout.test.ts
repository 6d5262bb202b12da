import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice } from '../../src/app/start.js';
import type { RunningSluice } from '../../src/app/start.js';
import { uuidV7 } from '../../src/kernel/ids.js';
import { cohortOf } from '../../src/routing/assign.js';
import type { ModelPlan } from '../../src/routing/plan.js';
import { testConfig } from '../support/config.js';
import { poolOf, temporaryDataDir } from '../support/events.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';

const dir = temporaryDataDir();
let database: TestDatabase;
let pool: pg.Pool;
let sluice: RunningSluice;
let jobKey = '';

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await freshDatabase();
  pool = poolOf(database.url);
  await start();
  const made = await admin('POST', '/keys', { name: 'job', scopes: ['assignments:write'] });
  jobKey = made.body.key as string;
});
afterAll(async () => {
  await sluice.close();
  await pool.end();
  await database.close();
  dir.remove();
});

async function start(): Promise<void> {
  const { dataDir } = dir;
  sluice = await startSluice(
    testConfig({ dataDir, databaseUrl: database.url, adminKey: ADMIN_KEY }),
  );
}

interface Answer {
  readonly status: number;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- asserted by each test
}

async function admin(method: string, path: string, body?: unknown): Promise<Answer> {
  return send(method, path, ADMIN_KEY, body);
}

async function send(method: string, path: string, key: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${sluice.controlUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

async function register(model: string, settings: object = {}): Promise<void> {
  await admin('PUT', `/models/${model}`, {});
  for (const version of ['v1', 'v2', 'v3']) {
    await admin('PUT', `/models/${model}/versions/${version}`, { url: 'http://127.0.0.1:9' });
  }
  const { status, body } = await admin('PUT', `/models/${model}`, settings);
  expect(status, JSON.stringify(body)).toBe(200);
}

async function planned(model: string): Promise<ModelPlan> {
  const { rows } = await pool.query<{ document: { models: Record<string, ModelPlan> } }>(
    'SELECT document FROM traffic_plans ORDER BY version DESC LIMIT 1',
  );
  const found = rows[0]?.document.models[model];
  if (found === undefined) throw new Error(`no plan of ${model}`);
  return found;
}

const HALF = { holdout: { share: 0.25, version: 'v1' } };

async function compare(model: string): Promise<string> {
  const name = `${model}-holdout`;
  const made = await admin('POST', '/experiments', {
    ...{ kind: 'holdout', name, model, period: '30d' },
    metrics: [{ metric: 'latency_ms', role: 'success' }],
    analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1_000 },
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const started = await admin('POST', `/experiments/${name}/start`, { reason: 'a test' });
  expect(started.status, JSON.stringify(started.body)).toBe(200);
  return name;
}

describe('the holdout of a model', () => {
  it.each([
    [{ share: 0, version: 'v1' }, 'more than 0'],
    [{ share: 1, version: 'v1' }, 'at most 0.5'],
    [{ share: 0.51, version: 'v1' }, 'at most 0.5'],
    [{ share: -0.1, version: 'v1' }, 'more than 0'],
    [{ share: 0.1, version: 'v9' }, 'a registered version of refused'],
    [{ share: 0.1 }, ''],
  ])('is refused as %j', async (holdout, expected) => {
    await register('refused');
    const { status, body } = await admin('PUT', '/models/refused', { holdout });
    expect(status).toBe(422);
    expect(JSON.stringify(body.defects)).toContain(expected);
    expect((await planned('refused')).holdout).toBeUndefined();
  });

  it('is neither changed nor dropped by settings, and stays when they leave it out', async () => {
    await register('kept', HALF);
    const first = (await planned('kept')).holdout;
    expect(first).toEqual({
      share: 0.25,
      version: 'v1',
      salt: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    for (const holdout of [null, { share: 0.2, version: 'v1' }, { share: 0.25, version: 'v2' }]) {
      const { status, body } = await admin('PUT', '/models/kept', { holdout });
      expect(status).toBe(409);
      expect(JSON.stringify(body)).toContain('/models/kept/holdout/release');
    }
    const unit = await admin('PUT', '/models/kept', { unit: { cookie: 'sid' } });
    expect(unit.status).toBe(409);
    for (const settings of [{ timeoutMs: 500 }, { ...HALF, timeoutMs: 400 }]) {
      expect((await admin('PUT', '/models/kept', settings)).body.holdout).toEqual(HALF.holdout);
      expect((await planned('kept')).holdout).toEqual(first);
    }
  });

  it('has the same members after promotions and a restart', async () => {
    await register('same', HALF);
    const { holdout } = await planned('same');
    await admin('POST', '/models/same/champion', { version: 'v2', reason: 'better' });
    await sluice.close();
    await start();
    await admin('POST', '/models/same/champion', { version: 'v3', reason: 'better still' });
    await admin('PUT', '/models/same', { timeoutMs: 500 });
    expect(await planned('same')).toMatchObject({ champion: 'v3', holdout });
    const units = Array.from({ length: 60 }, (_, i) => `u${i}`);
    const { body } = await send('POST', '/assignments', jobKey, { model: 'same', units });
    for (const one of body.assignments) {
      const isHeld = holdout !== undefined && cohortOf(holdout, one.unit) === 'pinned';
      expect([one.version, one.reason]).toEqual(isHeld ? ['v1', 'holdout'] : ['v3', 'champion']);
    }
    expect(body.recorded).toBe(0);
  });

  it('does not begin while an experiment has units of the model', async () => {
    await register('busy');
    await admin('POST', '/experiments', {
      ...{ name: 'busy-canary', model: 'busy', kind: 'canary' },
      variants: [
        { name: 'control', version: 'v1', control: true },
        { name: 'new', version: 'v2' },
      ],
      metrics: [{ metric: 'latency_ms', role: 'success' }],
      analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1_000 },
      rollout: { steps: [{ coverage: 0.3 }, { coverage: 1 }] },
    });
    await admin('POST', '/experiments/busy-canary/start', { reason: 'a test' });
    expect((await admin('PUT', '/models/busy', HALF)).status).toBe(409);
    await admin('POST', '/experiments/busy-canary/abort', { reason: 'a test' });
    expect((await admin('PUT', '/models/busy', HALF)).status).toBe(200);
  });

  it('is released by hand, with the reason in the plan, and another one holds other units', async () => {
    await register('free', HALF);
    const before = await planned('free');
    expect((await admin('POST', '/models/free/holdout/release', {})).status).toBe(422);
    const released = await admin('POST', '/models/free/holdout/release', {
      reason: 'a year is over',
    });
    expect(released).toMatchObject({
      status: 200,
      body: { decision: null, model: { name: 'free' } },
    });
    expect(released.body.model.holdout).toBeUndefined();
    expect((await planned('free')).holdout).toBeUndefined();
    const { rows } = await pool.query<{ actor: string; reason: string }>(
      'SELECT actor, reason FROM traffic_plans ORDER BY version DESC LIMIT 1',
    );
    expect(rows[0]?.reason).toBe('holdout of free released: a year is over');
    expect(rows[0]?.actor).not.toBe('');
    expect((await admin('POST', '/models/free/holdout/release', { reason: 'x' })).status).toBe(409);
    expect((await admin('POST', '/models/nobody/holdout/release', { reason: 'x' })).status).toBe(
      404,
    );
    await admin('PUT', '/models/free', HALF);
    expect((await planned('free')).holdout?.salt).not.toBe(before.holdout?.salt);
  });

  it('is that of models that an earlier release stored: none, and no attributes', async () => {
    await register('old');
    await pool.query(`UPDATE models SET settings = settings - 'attributes' WHERE name = 'old'`);
    const { body } = await admin('GET', '/models/old');
    expect(body.attributes).toEqual({});
    expect(body.holdout).toBeUndefined();
    expect((await admin('PUT', '/models/old', HALF)).status).toBe(200);
  });
});

describe('an experiment of kind holdout', () => {
  it('needs a model that has a holdout', async () => {
    await register('none');
    const { status, body } = await admin('POST', '/experiments', {
      ...{ kind: 'holdout', name: 'none-holdout', model: 'none' },
      metrics: [{ metric: 'latency_ms', role: 'success' }],
      analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1_000 },
    });
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain('holdout: {share, version}');
  });

  it('records both cohorts of a batch, and answers a retry as it did at first', async () => {
    await register('batch', HALF);
    const name = await compare('batch');
    await admin('POST', '/models/batch/champion', { version: 'v2', reason: 'better' });
    const units = Array.from({ length: 80 }, (_, i) => ({ unit: `u${i}`, attributes: { a: i } }));
    const batchId = uuidV7(Date.now(), randomBytes(10));
    const request = { model: 'batch', units, batchId };
    const first = await send('POST', '/assignments', jobKey, request);
    expect(first.status, JSON.stringify(first.body)).toBe(200);
    const { holdout } = await planned('batch');
    for (const one of first.body.assignments) {
      const cohort = holdout === undefined ? null : cohortOf(holdout, one.unit);
      expect(one).toMatchObject(
        {
          pinned: { version: 'v1', reason: 'holdout', variant: 'holdout', experiment: name },
          shipped: { version: 'v2', reason: 'champion', variant: 'shipped', experiment: name },
          free: { version: 'v2', reason: 'champion', variant: null, experiment: null },
        }[cohort ?? 'free'],
      );
    }
    const { rows } = await pool.query<{ count: string }>(
      'SELECT count(*) FROM exposures WHERE unit_key = ANY ($1)',
      [units.map(({ unit }) => unit)],
    );
    expect(Number(rows[0]?.count)).toBe(first.body.recorded);
    const again = await send('POST', '/assignments', jobKey, request);
    expect(again.body).toMatchObject({ recorded: 0, duplicates: first.body.recorded });
    expect(again.body.assignments).toEqual(first.body.assignments);
  });

  it('ends with the release of the holdout, in one decision of its log', async () => {
    await register('both', HALF);
    const name = await compare('both');
    expect((await planned('both')).holdout?.experiment).toMatchObject({ name, phase: 1 });
    const { body } = await admin('POST', '/models/both/holdout/release', { reason: 'renewed' });
    expect(body.decision).toMatchObject({ kind: 'release', automatic: false });
    expect(body.decision.summary).toContain('renewed');
    expect(body.model.holdout).toBeUndefined();
    await admin('PUT', '/models/both', { timeoutMs: 500 });
    expect((await planned('both')).holdout).toBeUndefined();
    const log = (await admin('GET', `/experiments/${name}/decisions`)).body;
    expect(log.decisions.map(({ kind }: { kind: string }) => kind).at(0)).toBe('start');
    expect(log.decisions.at(-1)).toMatchObject({ kind: 'release', hash: body.decision.hash });
    expect(log.chain.intact).toBe(true);
    expect((await admin('GET', `/experiments/${name}`)).body.status).toBe('completed');
  });

  it('promotes nothing by hand, and gives the holdout up to nobody when it is aborted', async () => {
    await register('stays', HALF);
    const name = await compare('stays');
    for (const verb of ['promote', 'advance', 'rollback']) {
      const { status } = await admin('POST', `/experiments/${name}/${verb}`, { reason: 'x' });
      if (verb !== 'rollback') expect(status, verb).toBe(409);
      expect((await planned('stays')).champion).toBe('v1');
    }
    await admin('POST', `/experiments/${name}/abort`, { reason: 'x' });
    expect((await planned('stays')).holdout).toMatchObject({ share: 0.25, version: 'v1' });
    expect((await planned('stays')).holdout?.experiment).toBeUndefined();
  });
});

describe('attributes of a model', () => {
  const country = { attributes: { country: { header: 'X-Country' } } };

  it('are frozen while a running experiment has an audience that asks for them, and explain it', async () => {
    await register('asked', { attributes: { ...country.attributes, age: { query: 'age' } } });
    const canary = {
      ...{ name: 'asked-canary', model: 'asked', kind: 'canary' },
      variants: [
        { name: 'control', version: 'v1', control: true },
        { name: 'new', version: 'v2' },
      ],
      audience: [{ attribute: 'country', in: ['IN'] }],
      metrics: [{ metric: 'latency_ms', role: 'success' }],
      analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1_000 },
      rollout: { steps: [{ coverage: 0.5 }, { coverage: 1 }] },
    };
    const unknown = [{ attribute: 'shoe-size', equals: 42 }];
    expect((await admin('POST', '/experiments', { ...canary, audience: unknown })).status).toBe(
      422,
    );
    const backwards = [{ attribute: 'country', semver: { from: '2.0.0', below: '2.0.0-rc.1' } }];
    expect((await admin('POST', '/experiments', { ...canary, audience: backwards })).status).toBe(
      422,
    );
    expect((await admin('POST', '/experiments', canary)).status).toBe(201);
    await admin('POST', '/experiments/asked-canary/start', { reason: 'a test' });
    const frozen = await admin('PUT', '/models/asked', {});
    expect(frozen.status).toBe(409);
    expect(frozen.body.defects[0]).toMatchObject({ field: 'attributes.country' });
    expect((await admin('PUT', '/models/asked', country)).status).toBe(200);

    const explained = async (attributes?: string): Promise<Answer> =>
      admin(
        'GET',
        `/experiments/asked-canary/assignment?unit=u1${
          attributes === undefined ? '' : `&attributes=${encodeURIComponent(attributes)}`
        }`,
      );
    const outside = await explained();
    expect(outside.body.assignment.reason).toBe('champion');
    expect(JSON.stringify(outside.body.steps)).toContain('country is not known');
    const inside = await explained('{"country":"IN"}');
    expect(inside.body.assignment.reason).toBe('experiment');
    expect((await explained('["IN"]')).status).toBe(422);
  });
});
