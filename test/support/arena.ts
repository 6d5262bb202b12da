import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { AppModule } from '../../src/app/app.module.js';
import { Database } from '../../src/database/database.service.js';
import { experimentSchema } from '../../src/experiments/experiment.contract.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { SluiceError } from '../../src/kernel/errors.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { ModelsService } from '../../src/models/models.service.js';
import type { Verb } from '../../src/rollouts/rollouts.contract.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { testConfig } from './config.js';

/** The control plane without HTTP, and experiments whose evidence never stands still. */
export interface Arena {
  readonly app: INestApplicationContext;
  /** Experiments that are running or paused. */
  running(): Promise<readonly string[]>;
  /** Starts an experiment on every model that has none. */
  restock(): Promise<void>;
  /** A person's verb. */
  act(idOrName: string, verb: Verb | 'redesign'): Promise<Reaction>;
  close(): Promise<void>;
}

/** `refused`: not from this state, as the contract says. Everything else that goes wrong is an `error`. */
export type Reaction =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'error'; readonly text: string };

const STEPS = [0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5];

/** Goes up a step at every look, so that most turns decide something. */
function climbing(name: string, model: string) {
  return experimentSchema.parse({
    name,
    model,
    kind: 'canary',
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2' },
    ],
    metrics: [{ metric: 'error_rate', role: 'success' }],
    analysis: {
      ...{ minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1_000, minUnits: 2 },
      ...{ minRuntime: '1s', interval: '1s' },
    },
    rollout: { steps: [...STEPS, 1].map((coverage) => ({ coverage })) },
  });
}

export async function openArena(databaseUrl: string, models: number): Promise<Arena> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-arena-'));
  const config = testConfig({ databaseUrl, dataDir, roles: ['control'] });
  const app = await NestFactory.createApplicationContext(AppModule.of(config), { logger: false });
  await app.get(Database, { strict: false }).whenReady();
  const names = Array.from({ length: models }, (_, index) => `m${String(index)}`);
  for (const name of names) await register(app.get(ModelsService, { strict: false }), name);
  const experiments = app.get(ExperimentsService, { strict: false });
  const verbs = app.get(VerbsService, { strict: false });
  let made = 0;
  const restock = async (): Promise<void> => {
    for (const model of names) {
      const all = await experiments.list({ model });
      if (all.some(({ status }) => status === 'running' || status === 'paused')) continue;
      made += 1;
      const { name } = await experiments.create(climbing(`${model}-${String(made)}`, model));
      await verbs.perform(name, 'start', { reason: 'go' }, 'ann');
    }
  };
  const reason = 'a person wants it';
  return {
    app,
    running: async () => {
      const all = await experiments.list();
      return all
        .filter(({ status }) => status === 'running' || status === 'paused')
        .map(({ id }) => id);
    },
    restock,
    act: async (id, verb) =>
      reactionTo(
        verb === 'redesign'
          ? verbs.redesign(id, { changes: { hypothesis: String((made += 1)) }, reason }, 'ann')
          : verbs.perform(id, verb, { reason }, 'ann'),
      ),
    close: async () => {
      await app.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function register(models: ModelsService, model: string): Promise<void> {
  await models.put(model, modelSchema.parse({}), 'test');
  for (const version of ['v1', 'v2']) {
    const request = versionSchema.parse({ url: 'http://127.0.0.1:9' });
    await models.putVersion({ model, version, request, actor: 'test' });
  }
}

async function reactionTo(verb: Promise<unknown>): Promise<Reaction> {
  try {
    await verb;
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'conflict') return { kind: 'refused' };
    return { kind: 'error', text: String(error) };
  }
}

/**
 * Events of new units in both arms of every experiment, as a gateway's shipper inserts them: a third of the variants
 * are as good as their control, a third fail far more often, a third far less.
 */
const FEED = `
WITH fed AS MATERIALIZED (
  SELECT e.id AS experiment_id, e.model, e.epoch, jsonb_array_length(e.rollout->'phases') AS phase,
         gen_random_uuid() AS request_id, gen_random_uuid()::text AS unit_key, arm.variant, arm.version,
         $2 AND random() < CASE WHEN arm.version = 'v1' THEN 0.1
                         ELSE (ARRAY[0.1, 0.9, 0.02])[1 + (hashtext(e.id::text) & 1023) % 3] END AS error
  FROM experiments AS e
  CROSS JOIN (VALUES ('control', 'v1'), ('v2', 'v2')) AS arm (variant, version)
  CROSS JOIN generate_series(1, $1) AS nth
  WHERE e.status IN ('running', 'paused')),
exposed AS (
  INSERT INTO exposures (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version,
    config_version)
  SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date, unit_key, request_id, clock_timestamp(), model,
         experiment_id, epoch, phase, variant, version, 1 FROM fed)
INSERT INTO predictions (day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant,
  assigned_version, served_version, reason, status, error, timeout, fallback, latency_ms, attempts, config_version)
SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date, unit_key, request_id, clock_timestamp(), model, experiment_id,
       epoch, phase, variant, version, version, 'experiment', CASE WHEN error THEN 500 ELSE 200 END, error, false,
       false, 10 * random(), 1, 1 FROM fed`;

/** So many new units per arm of every running experiment; `smooth`: no request fails. */
export async function feed(
  client: pg.Client,
  units: number,
  kind: 'rough' | 'smooth' = 'rough',
): Promise<void> {
  await client.query(`SELECT ensure_event_day((clock_timestamp() AT TIME ZONE 'UTC')::date)`);
  await client.query(FEED, [units, kind === 'rough']);
}

/** True when an analysis would see every event: no transaction is older than they are. */
export async function isVisible(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(
    'SELECT 1 FROM exposures WHERE x >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1',
  );
  return rows.length === 0;
}
