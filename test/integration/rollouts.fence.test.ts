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
import { ModelsService } from '../../src/models/models.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { EvaluationService } from '../../src/rollouts/evaluation.service.js';
import { OutboxService } from '../../src/rollouts/outbox.service.js';
import { RolloutsService } from '../../src/rollouts/rollouts.service.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const LEASE_MS = 30_000;

/** Experiments of this file never come due by themselves: the test alone is the worker. */
const definition = experimentSchema.parse({
  name: 'fenced',
  model: 'eta',
  kind: 'canary',
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'v2', version: 'v2' },
  ],
  metrics: [{ metric: 'error_rate', role: 'success' }],
  analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1000, interval: '1s' },
  rollout: { steps: [{ coverage: 0.1 }, { coverage: 0.5 }, { coverage: 1 }] },
});

describe('a decision', () => {
  let database: TestDatabase;
  let app: INestApplicationContext;
  let dataDir: string;
  let pool: pg.Pool;
  let id: string;

  beforeAll(async () => {
    database = await freshDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
    const config = testConfig({ databaseUrl: database.url, dataDir, roles: ['control'] });
    app = await NestFactory.createApplicationContext(AppModule.of(config), { logger: false });
    pool = new pg.Pool({ connectionString: database.url, max: 2 });
    await app.get(Database, { strict: false }).whenReady();
    const models = app.get(ModelsService, { strict: false });
    await models.put('eta', modelSchema.parse({}), 'test');
    for (const version of ['v1', 'v2']) {
      const request = versionSchema.parse({ url: 'http://127.0.0.1:9' });
      await models.putVersion({ model: 'eta', version, request, actor: 'test' });
    }
    const experiments = app.get(ExperimentsService, { strict: false });
    ({ id } = await experiments.create(definition));
    await app
      .get(VerbsService, { strict: false })
      .perform('fenced', 'start', { reason: 'go' }, 'ann');
  });

  afterAll(async () => {
    await pool.end();
    await app.close();
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const due = () =>
    pool.query('UPDATE experiments SET next_analysis_at = now() WHERE id = $1', [id]);
  const expire = () =>
    pool.query(`UPDATE experiments SET lease_until = now() - interval '1 second' WHERE id = $1`, [
      id,
    ]);
  const log = async () =>
    (await app.get(RolloutsService, { strict: false }).log('fenced')).decisions;

  async function claim(holder: string) {
    await due();
    const lease = await app.get(LeasesService, { strict: false }).claim(id, holder, LEASE_MS);
    if (lease === null) throw new Error(`${holder} got no lease`);
    return lease;
  }

  it('is not taken by a worker whose lease has passed to another one', async () => {
    const evaluation = app.get(EvaluationService, { strict: false });
    const paused = await claim('a');
    await expire();
    const holder = await claim('b');
    expect(holder.epoch).toBe(paused.epoch + 1);
    const before = await log();
    await evaluation.evaluate(paused);
    expect(await log()).toEqual(before);
    await evaluation.evaluate(holder);
    expect((await log()).length).toBe(before.length + 1);
  });

  it('is not taken by a worker whose lease has run out, even if nobody took it', async () => {
    await app
      .get(VerbsService, { strict: false })
      .perform('fenced', 'pause', { reason: 'stop' }, 'ann');
    const late = await claim('c');
    await expire();
    const before = await log();
    await app.get(EvaluationService, { strict: false }).evaluate(late);
    expect(await log()).toEqual(before);
  });

  it('is not taken on a state that a person has changed meanwhile', async () => {
    const verbs = app.get(VerbsService, { strict: false });
    const outcomes = await Promise.allSettled([
      verbs.perform('fenced', 'resume', { reason: 'one' }, 'ann'),
      verbs.perform('fenced', 'resume', { reason: 'two' }, 'bob'),
    ]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const resumed = (await log()).filter(({ kind }) => kind === 'resume');
    expect(resumed).toHaveLength(1);
  });

  it('leaves a state only once: the database refuses a second one', async () => {
    const [first] = await log();
    const copy = pool.query(
      `INSERT INTO decisions SELECT experiment_id, 999, kind, automatic, actor, summary, reasons, inputs,
         policy_version, report_number, from_revision, config_version, previous_hash, hash, at
       FROM decisions WHERE experiment_id = $1 AND number = $2`,
      [id, first?.number],
    );
    await expect(copy).rejects.toThrow('decisions_once');
  });

  it('is told outside exactly when it was taken', async () => {
    const { rows } = await pool.query<{ payload: { number: number } }>(
      `SELECT payload FROM outbox WHERE topic = 'decision' ORDER BY id`,
    );
    expect(rows.map(({ payload }) => payload.number)).toEqual(
      (await log()).map(({ number }) => number),
    );
  });

  it('is told to webhooks too when a worker of the release before has told it to its log', async () => {
    await pool.query(
      `INSERT INTO webhooks (name, url, events, sealed_secret)
       VALUES ('ops', 'http://127.0.0.1:9/', '{start,pause}', '')`,
    );
    await pool.query('UPDATE outbox SET sent_at = now()');
    const outbox = app.get(OutboxService, { strict: false });
    expect(await outbox.relay()).toBe((await log()).length);
    expect(await outbox.relay()).toBe(0);
    const { rows } = await pool.query<{ id: string; type: string }>(
      'SELECT message_id AS id, type FROM webhook_deliveries ORDER BY message_id',
    );
    const told = (await log()).filter(({ kind }) => kind === 'start' || kind === 'pause');
    expect(rows).toEqual(
      told.map(({ number, kind }) => ({ id: `${id}-${number}`, type: `sluice.decision.${kind}` })),
    );
  });

  it('does not happen twice when a manual verb is repeated', async () => {
    const verbs = app.get(VerbsService, { strict: false });
    await verbs.perform('fenced', 'rollback', { reason: 'enough' }, 'ann');
    await expect(verbs.perform('fenced', 'rollback', { reason: 'again' }, 'ann')).rejects.toThrow(
      'rollback is not possible while rolled_back',
    );
    expect((await log()).at(-1)).toMatchObject({
      kind: 'rollback',
      automatic: false,
      actor: 'ann',
    });
  });
});
