import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnalysisService } from '../../src/analysis/analysis.service.js';
import { EvidenceService } from '../../src/analysis/evidence.service.js';
import { AppModule } from '../../src/app/app.module.js';
import { Database } from '../../src/database/database.service.js';
import { experimentSchema } from '../../src/experiments/experiment.contract.js';
import type { Experiment } from '../../src/experiments/experiment.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { SluiceError } from '../../src/kernel/errors.js';
import { ModelsService } from '../../src/models/models.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { PlanService } from '../../src/models/plan.service.js';
import { RolloutsService } from '../../src/rollouts/rollouts.service.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const definition = experimentSchema.parse({
  name: 'eta-v2',
  model: 'eta',
  kind: 'ab',
  coverage: 0.4,
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'v2', version: 'v2' },
  ],
  metrics: [
    { metric: 'latency_ms', role: 'success' },
    { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.01 } },
  ],
  analysis: {
    method: 'group_sequential',
    minimumDetectableEffect: { relative: 0.1 },
    plannedUnits: 1000,
  },
});

describe('the design of a started experiment', () => {
  let database: TestDatabase;
  let app: INestApplicationContext;
  let dataDir: string;
  let started: Experiment;

  beforeAll(async () => {
    database = await freshDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
    const config = testConfig({ databaseUrl: database.url, dataDir, roles: ['control'] });
    app = await NestFactory.createApplicationContext(AppModule.of(config), { logger: false });
    await app.get(Database, { strict: false }).whenReady();
    const models = app.get(ModelsService, { strict: false });
    await models.put('eta', modelSchema.parse({}), 'test');
    for (const version of ['v1', 'v2']) {
      const request = versionSchema.parse({ url: 'http://127.0.0.1:9' });
      await models.putVersion({ model: 'eta', version, request, actor: 'test' });
    }
    await experiments().create(definition);
    await verbs().perform('eta-v2', 'start', { reason: 'go' }, 'ann');
    started = await experiments().get('eta-v2');
  });

  afterAll(async () => {
    await app.close();
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const experiments = () => app.get(ExperimentsService, { strict: false });
  const verbs = () => app.get(VerbsService, { strict: false });
  const inPlan = async () =>
    (await app.get(PlanService, { strict: false }).current()).models['eta']?.experiments[0];
  const fieldsOf = async (
    work: Promise<unknown>,
  ): Promise<readonly [string, readonly string[]]> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (!(error instanceof SluiceError)) throw new Error('it was not refused');
    return [error.code, error.defects.map(({ field }) => field ?? '')];
  };

  it.each([
    ['/analysis/alpha', { analysis: { ...definition.analysis, alpha: 0.1 } }],
    ['/analysis/method', { analysis: { ...definition.analysis, method: 'fixed' } }],
    [
      '/metrics/1/nonInferiorityMargin/absolute',
      {
        metrics: [
          definition.metrics[0],
          { ...definition.metrics[1], nonInferiorityMargin: { absolute: 0.5 } },
        ],
      },
    ],
    ['/metrics', { metrics: [{ metric: 'latency_ms', role: 'success' }] }],
  ])('is not changed by a patch: 409 naming %s', async (field, patch) => {
    const [code, fields] = await fieldsOf(
      experiments().patch('eta-v2', JSON.parse(JSON.stringify(patch))),
    );
    expect(code).toBe('conflict');
    expect(fields).toContain(field);
    expect(await experiments().get('eta-v2')).toEqual(started);
  });

  it('is replaced by a redesign: a new epoch, recorded, with phases of its own', async () => {
    const report = await app.get(AnalysisService, { strict: false }).run(started);
    expect(report).toMatchObject({ epoch: 1, number: 1 });
    const minimumDetectableEffect = { relative: 0.1 };
    const changed = { alpha: 0.01, method: 'fixed', minimumDetectableEffect };
    const analysis = { ...definition.analysis, ...changed };
    const body = { changes: { analysis }, reason: 'the regulator asks' };
    const decision = await verbs().redesign('eta-v2', body, 'ann');
    expect(decision).toMatchObject({ kind: 'redesign', automatic: false, actor: 'ann' });
    expect(decision.reasons).toMatchObject({
      changed: ['/analysis/method', '/analysis/alpha'],
      epoch: 2,
      hasNewSalt: false,
    });
    const now = await experiments().get('eta-v2');
    expect(now).toMatchObject({ epoch: 2, status: 'running', salt: started.salt });
    expect(now.revision).toBe(started.revision + 1);
    expect(now.design?.analysis).toMatchObject({ alpha: 0.01, method: 'fixed' });
    expect(now.designHash).not.toBe(started.designHash);
    expect(now.rollout?.phases).toHaveLength(1);
    expect(await inPlan()).toMatchObject({ epoch: 2, phase: 1, coverage: 0.4 });
    const next = await app.get(AnalysisService, { strict: false }).run(now);
    expect(next).toMatchObject({ epoch: 2, number: 2 });
    expect(next.evidence).toMatchObject({ previous: [], designHash: now.designHash });
    expect(next.assessment.reading).toBe('not_a_test');
    // limits begin anew with the epoch, and after its first look
    expect(next.evidence).not.toHaveProperty('limitLooks');
    const after = await app.get(EvidenceService, { strict: false }).gather(now, next);
    expect(after.limitLooks?.map(({ variant, kind }) => [variant, kind])).toEqual([
      ['control', 'errorRate'],
      ['control', 'timeoutRate'],
      ['v2', 'errorRate'],
      ['v2', 'timeoutRate'],
    ]);
  });

  it('replays and shows its quantiles whatever the epoch', async () => {
    expect(await app.get(AnalysisService, { strict: false }).quantiles('eta-v2')).toEqual([]);
  });

  it('deals its units out anew when the coverage changes, and stays paused', async () => {
    await verbs().perform('eta-v2', 'pause', { reason: 'wait' }, 'ann');
    await verbs().redesign('eta-v2', { changes: { coverage: 0.2 }, reason: 'less' }, 'ann');
    const now = await experiments().get('eta-v2');
    expect(now).toMatchObject({ epoch: 3, status: 'paused' });
    expect(now.salt).not.toBe(started.salt);
    expect(await inPlan()).toMatchObject({ epoch: 3, coverage: 0.2, salt: now.salt });
  });

  it.each([
    ['/changes', { coverage: 0.2 }],
    ['/changes/model', { model: 'other' }],
    ['/metrics/0/metric', { metrics: [{ metric: 'latencyms', role: 'success' }] }],
  ])('cannot be redesigned: %s', async (field, changes) => {
    const [code, fields] = await fieldsOf(
      verbs().redesign('eta-v2', { changes, reason: 'why not' }, 'ann'),
    );
    expect(code).toBe('invalid_input');
    expect(fields).toContain(field);
  });

  it('cannot be redesigned once it has ended', async () => {
    await verbs().perform('eta-v2', 'abort', { reason: 'enough' }, 'ann');
    const body = { changes: { coverage: 0.9 }, reason: 'again' };
    const [code] = await fieldsOf(verbs().redesign('eta-v2', body, 'ann'));
    expect(code).toBe('conflict');
    const log = await app.get(RolloutsService, { strict: false }).log('eta-v2');
    expect(log.chain.intact).toBe(true);
    expect(log.decisions.map(({ kind }) => kind)).toEqual([
      'start',
      'redesign',
      'pause',
      'redesign',
      'abort',
    ]);
  });
});
