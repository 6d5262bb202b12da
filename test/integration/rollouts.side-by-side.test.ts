import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app/app.module.js';
import { Database } from '../../src/database/database.service.js';
import { experimentSchema } from '../../src/experiments/experiment.contract.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { LeasesService } from '../../src/experiments/leases.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { metricBody } from '../../src/metrics/metric.contract.js';
import { MetricsService } from '../../src/metrics/metrics.service.js';
import { ModelsService } from '../../src/models/models.service.js';
import { PlanService } from '../../src/models/plan.service.js';
import { modelIn } from '../../src/routing/plan-change.js';
import { changeOf } from '../../src/rollouts/change.js';
import { EvaluationService } from '../../src/rollouts/evaluation.service.js';
import { ExecutorService } from '../../src/rollouts/executor.service.js';
import { replay } from '../../src/rollouts/replay.js';
import { RolloutsService } from '../../src/rollouts/rollouts.service.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { testConfig } from '../support/config.js';
import { until } from '../support/events.js';
import {
  exposure,
  insertEvents,
  outcome as outcomeOf,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let app: INestApplicationContext;
let dataDir: string;
let pool: pg.Pool;

type Service<T> = abstract new (...args: never[]) => T;
const the = <T>(service: Service<T>): T => app.get(service as never, { strict: false });

beforeAll(async () => {
  database = await freshDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  // no transaction may idle for longer than a lease
  const config = testConfig({
    ...{ databaseUrl: database.url, dataDir, roles: ['control'], leaseMs: 1_000 },
  });
  app = await NestFactory.createApplicationContext(AppModule.of(config), { logger: false });
  pool = new pg.Pool({ connectionString: database.url, max: 3 });
  await the(Database).whenReady();
});

afterAll(async () => {
  await pool.end();
  await app.close();
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function model(name: string, settings: object = {}): Promise<void> {
  await the(ModelsService).put(name, modelSchema.parse(settings), 'test');
  for (const version of ['v1', 'v2', 'v3']) {
    const request = versionSchema.parse({ url: 'http://127.0.0.1:9' });
    await the(ModelsService).putVersion({ model: name, version, request, actor: 'test' });
  }
}

const against = (version: string) => [
  { name: 'control', version: 'v1', control: true },
  { name: 'treatment', version },
];

const analysis = {
  ...{ minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1000, minUnits: 2 },
  interval: '1h',
};

const posted = (change: Readonly<Record<string, unknown>>) =>
  experimentSchema.parse({
    kind: 'canary',
    variants: against('v2'),
    metrics: [{ metric: 'error_rate', role: 'success' }],
    analysis,
    ...(change['kind'] === undefined
      ? { rollout: { steps: [{ coverage: 0.1 }, { coverage: 1 }] } }
      : {}),
    ...change,
  });

async function start(change: Readonly<Record<string, unknown>>): Promise<string> {
  const { id } = await the(ExperimentsService).create(posted(change));
  await the(VerbsService).perform(id, 'start', { reason: 'go' }, 'ann');
  return id;
}

const log = async (id: string) => (await the(RolloutsService).log(id)).decisions;

let requests = 0;

async function traffic(id: string, units: number, failingOfControl = 0): Promise<void> {
  const rows = ['control', 'treatment'].flatMap((variant) =>
    Array.from({ length: units }, (_, index) => {
      requests += 1;
      const atMs = Date.now();
      return {
        ...{ requestId: requestIdAt(atMs, requests), atMs, experimentId: id, phase: 1, variant },
        ...{ unitKey: `unit-${String(requests)}` },
        error: variant === 'control' && index < failingOfControl,
      };
    }),
  );
  await insertEvents(pool, { exposures: rows.map(exposure), predictions: rows.map(prediction) });
  await settle(pool);
}

async function evaluate(id: string): Promise<void> {
  await pool.query('UPDATE experiments SET next_analysis_at = now() WHERE id = $1', [id]);
  const lease = await the(LeasesService).claim(id, 'worker', 30_000);
  if (lease === null) throw new Error('a lease');
  await the(EvaluationService).evaluate(lease);
}

const promoteByPolicy = (id: string) =>
  the(ExecutorService).decideInTransaction(async (tx, nowMs) => {
    const locked = await the(ExperimentsService).lock(tx, id);
    const change = changeOf(locked, { kind: 'promote', variant: 'treatment' }, nowMs);
    return the(ExecutorService).apply(tx, locked, change, {
      ...{ kind: 'promote', automatic: true, actor: 'sluice', summary: 'better' },
      ...{ reasons: {}, inputs: {}, policyVersion: '2', reportNumber: null, atMs: nowMs },
    });
  });

/** What became of work that waits for a lock while something else is done. */
async function whileLocked(
  lock: string,
  work: () => Promise<unknown>,
  meanwhile: () => Promise<unknown>,
): Promise<PromiseSettledResult<unknown> | undefined> {
  const holder = await pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query(lock);
    const outcome = Promise.allSettled([work()]);
    await until('somebody waits for the lock', async () => {
      const { rows } = await holder.query<{ waiting: string }>(
        `SELECT count(*) AS waiting FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return Number(rows[0]?.waiting) > 0;
    });
    await meanwhile();
    await holder.query('COMMIT');
    return (await outcome)[0];
  } finally {
    holder.release();
  }
}

describe('a champion that another experiment of the layer promoted', () => {
  const layer = { name: 'both', share: 0.5 };

  it('is replaced by nobody who was not compared with it, except by a person', async () => {
    await model('crowded');
    const first = await start({ name: 'first', model: 'crowded', layer });
    const rival = { name: 'rival', model: 'crowded', layer, variants: against('v3') };
    const second = await start(rival);
    await traffic(second, 20);
    await the(VerbsService).perform(first, 'promote', { reason: 'better' }, 'ann');
    await evaluate(second);
    const held = (await log(second)).at(-1);
    expect(held).toMatchObject({ kind: 'hold', reasons: { code: 'champion_changed' } });
    if (held !== undefined) expect(replay(held)).toMatchObject({ identical: true });
    await expect(promoteByPolicy(second)).rejects.toMatchObject({
      ...{ code: 'conflict', defects: [{ field: 'champion', expected: 'v2' }] },
    });
    expect((await the(ModelsService).get('crowded')).champion).toBe('v2');
    await the(VerbsService).perform(second, 'promote', { reason: 'I say so' }, 'ann');
    const { kind, summary } = (await log(second)).at(-1) ?? {};
    expect({ kind, summary }).toEqual({
      kind: 'promote',
      summary: 'I say so (replaces v2; the champion was v1 when this began)',
    });
    expect((await the(ModelsService).get('crowded')).champion).toBe('v3');
  });

  it('is known to an ab too, whose control need not be the champion', async () => {
    await model('tested');
    const ab = { model: 'tested', kind: 'ab', layer };
    const control = { name: 'control', version: 'v3', control: true };
    const first = await start({ ...ab, name: 'ab-first' });
    const second = await start({
      ...{ ...ab, name: 'ab-second' },
      variants: [control, { name: 'treatment', version: 'v2' }],
    });
    await promoteByPolicy(first);
    expect((await the(ModelsService).get('tested')).champion).toBe('v2');
    await expect(promoteByPolicy(second)).rejects.toMatchObject({ code: 'conflict' });
    await traffic(second, 20);
    await evaluate(second);
    expect((await log(second)).at(-1)).toMatchObject({
      kind: 'hold',
      reasons: { code: 'champion_changed' },
      inputs: { state: { champion: { atStart: 'v1', present: 'v2' } } },
    });
  });

  it('stops a start that was checked before it changed', async () => {
    await model('overtaken');
    const first = await start({ name: 'overtaking', model: 'overtaken', layer });
    const late = { name: 'late', model: 'overtaken', layer, variants: against('v3') };
    const { id } = await the(ExperimentsService).create(posted(late));
    // whoever starts waits for the row, after everything that can be checked without it
    const started = await whileLocked(
      `SELECT 1 FROM experiments WHERE id = '${id}' FOR UPDATE`,
      () => the(VerbsService).perform(id, 'start', { reason: 'go' }, 'bob'),
      () => the(VerbsService).perform(first, 'promote', { reason: 'better' }, 'ann'),
    );
    expect(started).toMatchObject({
      status: 'rejected',
      reason: { code: 'conflict', defects: [{ field: 'champion', expected: 'v2' }] },
    });
    expect((await the(ExperimentsService).get(id)).status).toBe('draft');
  });
});

describe('a holdout that a promotion would leave behind', () => {
  const layer = { name: 'beside', share: 0.5 };

  it('takes no units from another experiment', async () => {
    await model('shared');
    const first = await start({
      ...{ name: 'keeping', model: 'shared', layer },
      rollout: { steps: [{ coverage: 0.5 }, { coverage: 1 }] },
      analysis: { ...analysis, minRuntime: '0s' },
    });
    const second = await start({ name: 'beside', model: 'shared', layer, variants: against('v3') });
    // as a release that did not refuse it at its creation may have frozen it
    await pool.query(
      `UPDATE experiments SET frozen = jsonb_set(frozen::jsonb, '{reverseHoldout}', '{"share": 0.05}')::json
       WHERE id = $1`,
      [first],
    );
    await expect(promoteByPolicy(first)).rejects.toMatchObject({
      ...{ code: 'conflict', defects: [{ field: '/holdout' }] },
    });
    const plan = modelIn(await the(PlanService).current(), 'shared');
    expect(plan).not.toHaveProperty('holdout');
    expect(plan?.experiments.map(({ id }) => id)).toEqual([first, second]);
  });

  it('is a failure that people are told when it cannot be, not a turn that is dropped for ever', async () => {
    const { id } = await the(ExperimentsService).get('keeping');
    await traffic(id, 600, 120);
    for (let turn = 1; turn <= 4; turn += 1) await evaluate(id);
    expect(await the(ExperimentsService).get(id)).toMatchObject({
      ...{ status: 'running', failedAnalyses: 4 },
      lastFailure:
        'what was decided cannot be carried out: a holdout would take units out of beside',
    });
    expect((await log(id)).map(({ kind }) => kind)).toEqual(['start', 'error']);
  });
});

describe('a model', () => {
  const running = (name: string, kind: string, layer: string | null) =>
    pool.query(
      `INSERT INTO experiments (id, name, model, kind, status, definition, salt)
       VALUES (gen_random_uuid(), $1, 'fenced', $2, 'running', $3, '')`,
      [name, kind, JSON.stringify({ layer })],
    );

  it('has at most one experiment that takes units outside of a layer, says the database too', async () => {
    await model('fenced');
    await running('alone', 'canary', null);
    await expect(running('also-alone', 'ab', null)).rejects.toThrow('experiments_one_running');
    for (const kind of ['shadow', 'holdout']) await running(kind, kind, null);
    for (const name of ['one', 'two']) await running(name, 'ab', 'shared');
    await pool.query(`DELETE FROM experiments WHERE model = 'fenced'`);
  });
});

describe('a cap that takes longer to find than a transaction may idle', () => {
  const metrics = [{ metric: 'spent', role: 'success' }];
  const IDLE_MS = 1_000;

  beforeAll(async () => {
    await the(MetricsService).define(
      'spent',
      metricBody.parse({
        ...{ kind: 'mean', source: { outcome: 'buy' }, direction: 'increase', window: '1h' },
        winsorize: { percentile: 0.99 },
      }),
    );
  });

  async function past(name: string): Promise<void> {
    await model(name);
    const atMs = Date.now() - 24 * 3_600_000;
    const units = Array.from({ length: 1_100 }, (_, index) => `${name}-${String(index)}`);
    requests += units.length;
    await insertEvents(pool, {
      predictions: units.map((unitKey, index) =>
        prediction({
          ...{ requestId: requestIdAt(atMs, requests - index), atMs, unitKey },
          ...{ experimentId: null, model: name },
        }),
      ),
      outcomes: units.map((unit, index) =>
        outcomeOf({
          ...{ id: `buy-${unit}`, atMs: atMs + 1_000, model: name, unit },
          ...{ name: 'buy', value: 1 + (index % 50) },
        }),
      ),
    });
    await settle(pool);
  }

  const slowly = (work: () => Promise<unknown>) =>
    whileLocked('LOCK TABLE outcomes IN ACCESS EXCLUSIVE MODE', work, () => sleep(1.5 * IDLE_MS));

  it('does not keep an experiment from starting, nor from another design', async () => {
    await past('rich');
    const { id } = await the(ExperimentsService).create(
      posted({ name: 'rich', model: 'rich', metrics }),
    );
    const verbs = the(VerbsService);
    const started = await slowly(() => verbs.perform(id, 'start', { reason: 'go' }, 'ann'));
    expect(started).toMatchObject({ status: 'fulfilled' });
    const { design } = await the(ExperimentsService).get(id);
    expect(design?.metrics[0]?.definition.winsorizeAt).toBe(50);
    const changes = { hypothesis: 'again' };
    const redesigned = await slowly(() => verbs.redesign(id, { changes, reason: 'anew' }, 'ann'));
    expect(redesigned).toMatchObject({ status: 'fulfilled' });
    expect(await the(ExperimentsService).get(id)).toMatchObject({ epoch: 2 });
  });

  it('does not keep a shadow that is ready from its canary', async () => {
    await past('ready');
    const rollout = { steps: [{ coverage: 0.1 }, { coverage: 1 }] };
    const id = await start({
      ...{ name: 'ready', model: 'ready', kind: 'shadow' },
      next: { canary: { name: 'ready-canary', rollout, metrics } },
    });
    const advance = () => the(VerbsService).perform(id, 'advance', { reason: 'ready' }, 'ann');
    expect(await slowly(advance)).toMatchObject({ status: 'fulfilled' });
    const canary = await the(ExperimentsService).get('ready-canary');
    expect(canary).toMatchObject({ status: 'running', parentId: id });
  });

  it('does not let a shadow start the canary of a design that was replaced meanwhile', async () => {
    await past('replaced');
    const rollout = { steps: [{ coverage: 0.1 }, { coverage: 1 }] };
    const id = await start({
      ...{ name: 'replaced', model: 'replaced', kind: 'shadow' },
      next: { canary: { name: 'replaced-canary', rollout, metrics } },
    });
    const verbs = the(VerbsService);
    const advanced = await whileLocked(
      'LOCK TABLE outcomes IN ACCESS EXCLUSIVE MODE',
      () => verbs.perform(id, 'advance', { reason: 'ready' }, 'ann'),
      () => verbs.redesign(id, { changes: { hypothesis: 'other' }, reason: 'anew' }, 'bob'),
    );
    expect(advanced).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } });
    expect(await the(ExperimentsService).get(id)).toMatchObject({ status: 'running', epoch: 2 });
  });
});
