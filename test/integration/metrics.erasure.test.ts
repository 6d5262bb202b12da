import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineMetric } from '../../src/metrics/define-metric.js';
import { ErasureService } from '../../src/metrics/erasure.service.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import { exposure, insertEvents, outcome, requestIdAt, settle } from '../support/metric-events.js';
import type { EventRows } from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 0, 5, 12);
const revenue = defineMetric('revenue', {
  kind: 'mean',
  source: { outcome: 'purchase' },
  direction: 'increase',
});

let pool: Pool;
let rollups: RollupService;
let erasure: ErasureService;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startRollups();
  pool = started.database.pool;
  erasure = new ErasureService(started.database);
  ({ rollups, close } = started);
});
afterAll(async () => {
  await close();
});

/** An experiment with this status and the model that it is on. */
async function anExperiment(status: string): Promise<RollupTarget & { readonly name: string }> {
  const experimentId = randomUUID();
  const [model, name] = [`m-${experimentId}`, `e-${experimentId}`];
  await pool.query("INSERT INTO models (name, settings) VALUES ($1, '{}')", [model]);
  await pool.query(
    `INSERT INTO experiments (id, name, model, kind, status, definition, frozen, salt, started_at)
     VALUES ($1, $2, $3, 'ab', $4, '{}', '{}', 'salt', '2026-01-01')`,
    [experimentId, name, model, status],
  );
  return { experimentId, name, epoch: 1, model, metrics: [revenue] };
}

let number = 0;

/** Exposures of units and what they bought, some of it filed under the request. */
function eventsOf({ experimentId, model }: RollupTarget, units: readonly string[]): EventRows {
  const exposures = units.map((unitKey, index) => {
    const requestId = requestIdAt(T0 + index, (number += 1));
    const variant = index % 2 === 0 ? 'control' : 'candidate';
    return exposure({ requestId, atMs: T0 + index, unitKey, experimentId, model, variant });
  });
  const outcomes = exposures.flatMap(({ unitKey, requestId }, index) => [
    outcome({ ...bought(model, index), unit: unitKey }),
    outcome({ ...bought(model, index + 7), requestId }),
  ]);
  return { exposures, outcomes };
}

function bought(model: string, value: number) {
  return { id: `o-${(number += 1)}`, atMs: T0 + 1_000, model, name: 'purchase', value: value / 3 };
}

async function rolledUp(target: RollupTarget): Promise<unknown> {
  await settle(pool);
  await rollups.rollUp(target);
  return rollups.cells(target);
}

async function rowsOf(unit: string): Promise<number> {
  const tables = ['exposures', 'outcomes', 'experiment_units', 'unit_values', 'pair_units'];
  let count = 0;
  for (const table of tables) {
    const { rows } = await pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table} WHERE unit_key = $1`,
      [unit],
    );
    count += rows[0]?.count ?? 0;
  }
  return count;
}

describe('the erasure of a unit', () => {
  it('leaves a running experiment exactly as if the unit had never been in it', async () => {
    const [with_, without] = [await anExperiment('running'), await anExperiment('running')];
    const units = Array.from({ length: 9 }, (_, index) => `u${index}`);
    await insertEvents(pool, eventsOf(with_, units));
    await rolledUp(with_);
    const report = await erasure.erase({ unitKey: 'u3', model: with_.model, actor: 'dpo' });
    expect(report).toEqual({
      erased: { exposures: 1, predictions: 0, mirrors: 0, outcomes: 2 },
      leftExperiments: [with_.name],
      keptSums: [],
    });
    expect(await rowsOf('u3')).toBe(0);
    const left = await rollups.cells(with_);

    const events = eventsOf(without, units);
    const isOther = ({ unitKey }: { readonly unitKey: string }): boolean => unitKey !== 'u3';
    const gone = events.exposures?.find((one) => !isOther(one))?.requestId;
    await insertEvents(pool, {
      exposures: events.exposures?.filter(isOther) ?? [],
      outcomes: (events.outcomes ?? []).filter(
        ({ unit, requestId }) => unit !== 'u3' && requestId !== gone,
      ),
    });
    expect(left).toEqual(await rolledUp(without));
    await rollups.recompute(with_);
    expect(await rollups.cells(with_)).toEqual(left);
  });

  it('keeps the sums of an experiment that has ended, and none of the values', async () => {
    const target = await anExperiment('completed');
    await insertEvents(pool, eventsOf(target, ['v0', 'v1']));
    const before = await rolledUp(target);
    const report = await erasure.erase({ unitKey: 'v1', model: target.model, actor: 'dpo' });
    expect(report).toMatchObject({ leftExperiments: [], keptSums: [target.name] });
    expect(await rollups.cells(target)).toEqual(before);
    expect(await rowsOf('v1')).toBe(0);
    expect(await rowsOf('v0')).toBeGreaterThan(0);
  });

  it('touches no other model when one is named, and all of them when none is', async () => {
    const [one, other] = [await anExperiment('running'), await anExperiment('running')];
    await insertEvents(pool, eventsOf(one, ['w']));
    await insertEvents(pool, eventsOf(other, ['w']));
    await rolledUp(one);
    await rolledUp(other);
    await erasure.erase({ unitKey: 'w', model: one.model, actor: 'dpo' });
    expect(await rowsOf('w')).toBeGreaterThan(0);
    const rest = await erasure.erase({ unitKey: 'w', model: null, actor: 'dpo' });
    expect(rest.leftExperiments).toEqual([other.name]);
    expect(await rowsOf('w')).toBe(0);
  });

  it('writes down that it was done, by whom and how much, and nothing that names the unit', async () => {
    const target = await anExperiment('running');
    await insertEvents(pool, eventsOf(target, ['very-secret-unit']));
    await erasure.erase({ unitKey: 'very-secret-unit', model: target.model, actor: 'dpo' });
    const { rows } = await pool.query<Record<string, unknown>>(
      'SELECT * FROM unit_erasures WHERE model = $1',
      [target.model],
    );
    expect(rows).toMatchObject([{ actor: 'dpo', exposures: '1', outcomes: '2' }]);
    expect(JSON.stringify(rows)).not.toContain('very-secret-unit');
  });

  it('takes the ids of its outcomes along, and is repeated without harm', async () => {
    const target = await anExperiment('running');
    await insertEvents(pool, eventsOf(target, ['x']));
    const request = { unitKey: 'x', model: target.model, actor: 'dpo' };
    await erasure.erase(request);
    const { rows } = await pool.query('SELECT FROM outcome_ids WHERE model = $1', [target.model]);
    expect(rows).toEqual([]);
    expect((await erasure.erase(request)).erased).toEqual({
      ...{ exposures: 0, predictions: 0, mirrors: 0, outcomes: 0 },
    });
  });
});
