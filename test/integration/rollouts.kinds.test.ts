import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app/app.module.js';
import { Database } from '../../src/database/database.service.js';
import { experimentSchema } from '../../src/experiments/experiment.contract.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { LeasesService } from '../../src/experiments/leases.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { ModelsService } from '../../src/models/models.service.js';
import { PlanService } from '../../src/models/plan.service.js';
import { modelIn } from '../../src/routing/plan-change.js';
import { assign } from '../../src/routing/assign.js';
import type { ModelPlan } from '../../src/routing/plan.js';
import { EvaluationService } from '../../src/rollouts/evaluation.service.js';
import { RolloutsService } from '../../src/rollouts/rollouts.service.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { testConfig } from '../support/config.js';
import {
  exposure,
  insertEvents,
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
  const config = testConfig({ databaseUrl: database.url, dataDir, roles: ['control'] });
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

const posted = (change: Readonly<Record<string, unknown>>) =>
  experimentSchema.parse({
    kind: 'canary',
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2' },
    ],
    metrics: [{ metric: 'error_rate', role: 'success' }],
    analysis: {
      ...{ minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1000, minUnits: 2 },
      interval: '1h',
    },
    ...(change['kind'] === undefined
      ? { rollout: { steps: [{ coverage: 0.1 }, { coverage: 0.5 }, { coverage: 1 }] } }
      : {}),
    ...change,
  });

async function start(change: Readonly<Record<string, unknown>>): Promise<string> {
  const { id } = await the(ExperimentsService).create(posted(change));
  await the(VerbsService).perform(id, 'start', { reason: 'go' }, 'ann');
  return id;
}

async function planOf(name: string): Promise<ModelPlan> {
  const plan = modelIn(await the(PlanService).current(), name);
  if (plan === null) throw new Error(`no plan of ${name}`);
  return plan;
}

const log = async (id: string) => (await the(RolloutsService).log(id)).decisions;

let requests = 0;

/** Units of an arm, each with one request that failed or did not. */
async function traffic(
  id: string,
  arm: {
    readonly variant: string;
    readonly phase: number;
    readonly units: number;
    failing: number;
  },
): Promise<void> {
  const { variant, phase, units, failing } = arm;
  const rows = Array.from({ length: units }, (_, unit) => {
    requests += 1;
    const atMs = Date.now();
    return {
      ...{ requestId: requestIdAt(atMs, requests), atMs, experimentId: id, phase, variant },
      ...{ unitKey: `unit-${String(requests)}`, error: unit < failing },
    };
  });
  await insertEvents(pool, { exposures: rows.map(exposure), predictions: rows.map(prediction) });
  await settle(pool);
}

async function evaluate(id: string, holder = 'worker'): Promise<void> {
  await pool.query('UPDATE experiments SET next_analysis_at = now() WHERE id = $1', [id]);
  const lease = await the(LeasesService).claim(id, holder, 30_000);
  if (lease !== null) await the(EvaluationService).evaluate(lease);
}

describe('two workers evaluating at once', () => {
  it('advance once', async () => {
    await model('racing');
    const id = await start({ name: 'racing', model: 'racing' });
    for (const variant of ['control', 'v2']) {
      await traffic(id, { variant, phase: 1, units: 20, failing: 0 });
    }
    await pool.query('UPDATE experiments SET next_analysis_at = now() WHERE id = $1', [id]);
    const first = await the(LeasesService).claim(id, 'a', 30_000);
    if (first === null) throw new Error('a lease');
    // the first is taken for dead while it works, and both go on
    await pool.query(
      `UPDATE experiments SET lease_until = now() - interval '1 second' WHERE id = $1`,
      [id],
    );
    const second = await the(LeasesService).claim(id, 'b', 30_000);
    if (second === null) throw new Error('another lease');
    await Promise.all([first, second].map((lease) => the(EvaluationService).evaluate(lease)));
    // the one that was too late may have taken the other's report number, so that its turn is repeated
    for (const holder of ['c', 'd']) await evaluate(id, holder);
    const advances = (await log(id)).filter(({ kind }) => kind === 'advance');
    expect(advances).toHaveLength(1);
    const experiment = await the(ExperimentsService).get(id);
    expect(experiment.rollout).toMatchObject({ step: 1 });
    expect((await planOf('racing')).experiments[0]).toMatchObject({ coverage: 0.5, phase: 2 });
  });
});

describe('a hard limit', () => {
  it('rolls back within one turn while paused, below every minimum, and replays', async () => {
    await model('limited');
    const id = await start({ name: 'limited', model: 'limited' });
    await traffic(id, { variant: 'control', phase: 1, units: 8, failing: 8 });
    await traffic(id, { variant: 'v2', phase: 1, units: 8, failing: 8 });
    await the(VerbsService).perform(id, 'pause', { reason: 'wait' }, 'ann');
    await evaluate(id);
    const decision = (await log(id)).at(-1);
    expect(decision).toMatchObject({ kind: 'rollback', reasons: { code: 'error_limit_exceeded' } });
    expect(decision?.summary).toContain('the control is unhealthy too');
    expect((await planOf('limited')).experiments).toEqual([]);
    expect((await the(ExperimentsService).get(id)).status).toBe('rolled_back');
    const replayed = await the(RolloutsService).replay(id, decision?.number ?? 0);
    expect(replayed).toMatchObject({ identical: true, policy: { stored: '2', present: '2' } });
  });

  it('says in the log that the control is unhealthy, and promotes nothing', async () => {
    await model('alarmed');
    const id = await start({ name: 'alarmed', model: 'alarmed' });
    await traffic(id, { variant: 'control', phase: 1, units: 300, failing: 200 });
    await traffic(id, { variant: 'v2', phase: 1, units: 300, failing: 0 });
    await evaluate(id);
    expect((await log(id)).at(-1)).toMatchObject({
      ...{ kind: 'hold', automatic: true, reasons: { code: 'control_unhealthy' } },
    });
  });
});

describe('several arms', () => {
  const arms = {
    kind: 'ab',
    coverage: 0.4,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'b', version: 'v2' },
      { name: 'c', version: 'v3' },
    ],
  };

  it('lose the one that is harmful, by itself, and go on', async () => {
    await model('arms');
    const id = await start({ name: 'arms', model: 'arms', ...arms });
    await traffic(id, { variant: 'control', phase: 1, units: 100, failing: 0 });
    await traffic(id, { variant: 'b', phase: 1, units: 100, failing: 90 });
    await traffic(id, { variant: 'c', phase: 1, units: 100, failing: 0 });
    await evaluate(id);
    expect((await log(id)).at(-1)).toMatchObject({
      ...{ kind: 'rollback', reasons: { scope: 'arm', variant: 'b' } },
    });
    const experiment = await the(ExperimentsService).get(id);
    expect(experiment).toMatchObject({ status: 'running', rollout: { closed: ['b'] } });
    const [planned] = (await planOf('arms')).experiments;
    expect(planned?.variants.filter(({ closed }) => closed).map(({ name }) => name)).toEqual(['b']);
    expect(planned?.segments).toEqual([{ upTo: 0.4, weights: [1, 1, 1], phase: 2 }]);
    await evaluate(id);
    expect((await the(ExperimentsService).get(id)).status).toBe('running');
  });

  it('get other weights and are closed by hand, each as a decision of its own', async () => {
    await model('weighed');
    const id = await start({ name: 'weighed', model: 'weighed', ...arms });
    const weights = { control: 1, b: 1, c: 2 };
    const verbs = the(VerbsService);
    await verbs.reweigh(id, { weights, coverage: 0.8, reason: 'more of c' }, 'ann');
    await verbs.close(id, { variant: 'b', reason: 'too dear' }, 'ann');
    expect((await log(id)).map(({ kind, automatic }) => [kind, automatic])).toEqual([
      ['start', false],
      ['reweigh', false],
      ['close', false],
    ]);
    await expect(verbs.close(id, { variant: 'c', reason: 'x' }, 'ann')).rejects.toThrow(/last arm/);
    // a design says nothing of arms that were closed: the next epoch must not put their units into other arms
    const { salt } = await the(ExperimentsService).get(id);
    await verbs.redesign(id, { changes: { hypothesis: 'again' }, reason: 'anew' }, 'ann');
    expect((await the(ExperimentsService).get(id)).salt).not.toBe(salt);
    const [anew] = (await planOf('weighed')).experiments;
    expect(anew?.variants.map(({ closed }) => closed)).toEqual([undefined, undefined, undefined]);
    expect(anew).toMatchObject({ epoch: 2, coverage: 0.4, phase: 1 });
    await verbs.perform(id, 'promote', { reason: 'c', variant: 'c' }, 'ann');
    expect((await planOf('weighed')).champion).toBe('v3');
  });
});

describe('layers', () => {
  it('are shared out under the lock of the plan, and refuse what does not fit', async () => {
    await model('layered');
    const layer = (share: number) => ({ name: 'ui', share });
    await start({ name: 'lower', model: 'layered', layer: layer(0.6) });
    await start({ name: 'upper', model: 'layered', layer: layer(0.4) });
    const plan = await planOf('layered');
    expect(plan.experiments.map((experiment) => experiment.layer?.ranges)).toEqual([
      [{ from: 0, to: 6_000 }],
      [{ from: 6_000, to: 10_000 }],
    ]);
    const third = start({ name: 'third', model: 'layered', layer: layer(0.1) });
    await expect(third).rejects.toMatchObject({ code: 'conflict' });
    await expect(start({ name: 'fourth', model: 'layered' })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect((await the(ExperimentsService).get('third')).status).toBe('draft');
    await the(VerbsService).perform('lower', 'advance', { reason: 'on' }, 'ann');
    const advanced = (await planOf('layered')).experiments[0];
    expect(advanced).toMatchObject({ coverage: 0.5, layer: { ranges: [{ from: 0, to: 6_000 }] } });
    await the(VerbsService).perform('lower', 'abort', { reason: 'room' }, 'ann');
    await the(VerbsService).perform('third', 'start', { reason: 'go' }, 'ann');
  });
});

describe('a promotion with a reverse holdout', () => {
  it('keeps a share on the old version, and nobody switches', async () => {
    await model('kept');
    const rollout = {
      steps: [{ coverage: 0.1 }, { coverage: 0.5 }, { coverage: 1 }],
      reverseHoldout: { share: 0.05 },
    };
    const id = await start({ name: 'kept', model: 'kept', rollout });
    await the(VerbsService).perform(id, 'advance', { reason: 'on' }, 'ann');
    const before = await planOf('kept');
    await the(VerbsService).perform(id, 'promote', { reason: 'better' }, 'ann');
    const after = await planOf('kept');
    expect(after).toMatchObject({ champion: 'v2', holdout: { share: 0.05, version: 'v1' } });
    const { holdout } = await the(ModelsService).get('kept');
    expect(holdout).toMatchObject({ share: 0.05, version: 'v1' });
    const counts = { holdout: 0, switched: 0, units: 5_000 };
    for (let unit = 0; unit < counts.units; unit += 1) {
      const was = assign(before, `u${String(unit)}`, null);
      const is = assign(after, `u${String(unit)}`, null);
      if (is?.reason !== 'holdout') continue;
      counts.holdout += 1;
      if (was?.version !== 'v1' || is.version !== 'v1') counts.switched += 1;
    }
    expect(counts.switched).toBe(0);
    expect(counts.holdout / counts.units).toBeCloseTo(0.05, 1);
  });

  it('is refused where the model has a holdout already', async () => {
    const rollout = {
      steps: [{ coverage: 0.1 }, { coverage: 1 }],
      reverseHoldout: { share: 0.05 },
    };
    const variants = [
      { name: 'control', version: 'v2', control: true },
      { name: 'v3', version: 'v3' },
    ];
    const again = start({ name: 'again', model: 'kept', variants, rollout });
    await expect(again).rejects.toMatchObject({
      ...{ code: 'invalid_input', defects: [{ field: '/rollout/reverseHoldout' }] },
    });
  });
});

describe('a shadow that is ready', () => {
  const next = (name: string) => ({
    canary: { name, rollout: { steps: [{ coverage: 0.1 }, { coverage: 1 }] } },
  });

  it('ends, and its canary begins in the same transaction with the chain of evidence', async () => {
    await model('shaded');
    const id = await start({
      ...{ name: 'shaded', model: 'shaded', kind: 'shadow', mirror: { percent: 50 } },
      next: next('shaded-canary'),
    });
    expect((await planOf('shaded')).experiments[0]).toMatchObject({ mirror: { share: 0.5 } });
    await the(VerbsService).perform(id, 'advance', { reason: 'it agrees' }, 'ann');
    const ready = (await log(id)).at(-1);
    const canary = await the(ExperimentsService).get('shaded-canary');
    expect(await the(ExperimentsService).get(id)).toMatchObject({ status: 'completed' });
    expect(canary).toMatchObject({ status: 'running', kind: 'canary', parentId: id });
    expect((await log(canary.id))[0]).toMatchObject({
      kind: 'start',
      inputs: {
        evidenceChain: {
          ...{ experimentId: id, decisionNumber: ready?.number, decisionHash: ready?.hash },
          reportNumber: null,
        },
      },
    });
    const { experiments } = await planOf('shaded');
    expect(experiments.map(({ name, kind }) => [name, kind])).toEqual([
      ['shaded-canary', 'canary'],
    ]);
  });

  it('ends also when its canary cannot start, whose draft says why', async () => {
    await model('blocked');
    await start({ name: 'in-the-way', model: 'blocked' });
    const id = await start({
      ...{ name: 'blocked', model: 'blocked', kind: 'shadow' },
      next: next('in-the-way'),
    });
    await the(VerbsService).perform(id, 'advance', { reason: 'it agrees' }, 'ann');
    expect(await the(ExperimentsService).get(id)).toMatchObject({ status: 'completed' });
    const drafts = await the(ExperimentsService).list({ model: 'blocked', status: 'draft' });
    expect(drafts).toHaveLength(1);
    expect(drafts[0]).toMatchObject({ parentId: id, design: null, startedAtMs: null });
    expect(drafts[0]?.name).toMatch(/^in-the-way-[0-9a-f]{8}$/);
    expect(drafts[0]?.lastFailure).toContain('in-the-way takes units');
  });

  it('is promoted by nobody', async () => {
    await model('unpromoted');
    const id = await start({ name: 'unpromoted', model: 'unpromoted', kind: 'shadow' });
    const promoted = the(VerbsService).perform(id, 'promote', { reason: 'x' }, 'ann');
    await expect(promoted).rejects.toMatchObject({ code: 'conflict' });
  });
});
