import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import { exposure, insertEvents, requestIdAt, settle } from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 4, 4, 12);
/** The earlier experiment was rolled back an hour later. */
const ENDED = T0 + HOUR;
const LATER = T0 + 2 * HOUR;

let pool: Pool;
let rollups: RollupService;
let close: () => Promise<void>;
let salt = 0;

beforeAll(async () => {
  const started = await startRollups();
  pool = started.database.pool;
  ({ rollups, close } = started);
});

afterAll(async () => {
  await close();
});

async function newModel(): Promise<string> {
  const model = `m-${randomUUID()}`;
  await pool.query(`INSERT INTO models (name, settings) VALUES ($1, '{}')`, [model]);
  return model;
}

interface Ending {
  readonly status: 'rolled_back' | 'completed';
  readonly kind?: 'ab' | 'canary' | 'shadow' | 'holdout';
  /** An arm of it that was closed for harm when it ended. */
  readonly closed?: string;
}

/** An experiment of the model as it is in the tables, without any event yet. */
async function experimentOf(
  model: string,
  { status, kind = 'canary', closed }: Ending,
): Promise<string> {
  const id = randomUUID();
  const variants = [
    { name: 'v2', control: false },
    { name: 'old', control: true },
  ];
  await pool.query(
    `INSERT INTO experiments (id, name, model, kind, status, definition, frozen, salt, ended_at)
     VALUES ($1, $2, $3, $4, $5, '{}', $6, '', $7)`,
    [id, `e-${id}`, model, kind, status, JSON.stringify({ variants }), new Date(ENDED)],
  );
  if (closed !== undefined) await decided(id, 1, 'rollback', { scope: 'arm', variant: closed });
  return id;
}

async function decided(id: string, number: number, kind: string, reasons: object): Promise<void> {
  await pool.query(
    `INSERT INTO decisions (experiment_id, number, kind, automatic, actor, summary, reasons, inputs, policy_version,
       from_revision, previous_hash, hash, at)
     VALUES ($1, $2, $3, true, '', '', $4, '{}', '2', $2, '', '', $5)`,
    [id, number, kind, JSON.stringify(reasons), new Date(ENDED)],
  );
}

interface Enrolled {
  readonly unit: string;
  readonly variant: string;
  readonly atMs?: number;
}

async function enrol(target: RollupTarget, all: readonly Enrolled[]): Promise<void> {
  const { experimentId, model } = target;
  const exposures = all.map(({ unit, variant, atMs = T0 }) => {
    salt += 1;
    const requestId = requestIdAt(atMs, salt);
    return exposure({ requestId, atMs, unitKey: unit, experimentId, model, variant });
  });
  await insertEvents(pool, { exposures });
  await settle(pool);
  await rollups.rollUp(target);
}

const targetOf = (experimentId: string, model: string): RollupTarget => {
  return { experimentId, epoch: 1, model, metrics: [] };
};

async function carryOverOf(target: RollupTarget): Promise<Record<string, number | undefined>> {
  const { unitCells } = await rollups.cells(target);
  return Object.fromEntries(unitCells.map(({ variant, carryOver }) => [variant, carryOver]));
}

/** Two units met the variant of an earlier experiment and two did not; all enter the next one. */
async function nextAfter(ending: Ending): Promise<RollupTarget> {
  const model = await newModel();
  const earlier = targetOf(await experimentOf(model, ending), model);
  await enrol(earlier, [
    { unit: 'a', variant: 'v2' },
    { unit: 'b', variant: 'v2' },
    { unit: 'c', variant: 'old' },
  ]);
  const next = targetOf(randomUUID(), model);
  await enrol(next, [
    { unit: 'a', variant: 'control', atMs: LATER },
    { unit: 'b', variant: 'v3', atMs: LATER },
    { unit: 'c', variant: 'v3', atMs: LATER },
    { unit: 'd', variant: 'v3', atMs: LATER },
  ]);
  return next;
}

describe('units that met a variant which was rolled back', () => {
  it('are counted in the arm that they enter next, and stay in it', async () => {
    const next = await nextAfter({ status: 'rolled_back' });
    expect(await carryOverOf(next)).toEqual({ control: 1, v3: 1 });
    const { unitCells } = await rollups.cells(next);
    expect(unitCells.map(({ variant, units }) => [variant, units])).toEqual([
      ['control', 1],
      ['v3', 3],
    ]);
  });

  it.each([
    ['was not rolled back', { status: 'completed' }],
    ['nobody ever got an answer from', { status: 'rolled_back', kind: 'shadow' }],
    [
      'compared cohorts that nothing was taken back from',
      { status: 'rolled_back', kind: 'holdout' },
    ],
    ['closed another of its arms', { status: 'completed', kind: 'ab', closed: 'v4' }],
  ] as const)('are not those of an experiment that %s', async (_, ending) => {
    expect(await carryOverOf(await nextAfter(ending))).toEqual({ control: 0, v3: 0 });
  });

  it('are those of an arm that was closed for harm, while its experiment went on to its end', async () => {
    const next = await nextAfter({ status: 'completed', kind: 'ab', closed: 'v2' });
    expect(await carryOverOf(next)).toEqual({ control: 1, v3: 1 });
  });

  it('are not those of an arm whose experiment was redesigned since', async () => {
    const model = await newModel();
    const id = await experimentOf(model, { status: 'completed', kind: 'ab', closed: 'v2' });
    await decided(id, 2, 'redesign', {});
    await enrol(targetOf(id, model), [{ unit: 'a', variant: 'v2' }]);
    const next = targetOf(randomUUID(), model);
    await enrol(next, [{ unit: 'a', variant: 'v3', atMs: LATER }]);
    expect(await carryOverOf(next)).toEqual({ v3: 0 });
  });

  it('are not those that entered before the rollback, nor those of another model', async () => {
    const model = await newModel();
    const earlier = targetOf(await experimentOf(model, { status: 'rolled_back' }), model);
    await enrol(earlier, [{ unit: 'a', variant: 'v2' }]);
    const early = targetOf(randomUUID(), model);
    await enrol(early, [{ unit: 'a', variant: 'v3', atMs: ENDED - 1 }]);
    expect(await carryOverOf(early)).toEqual({ v3: 0 });
    const elsewhere = targetOf(randomUUID(), await newModel());
    await enrol(elsewhere, [{ unit: 'a', variant: 'v3', atMs: LATER }]);
    expect(await carryOverOf(elsewhere)).toEqual({ v3: 0 });
  });

  it('keep their mark when more of them comes in, lose it as crossovers, and are found by a recomputation', async () => {
    const next = await nextAfter({ status: 'rolled_back' });
    await enrol(next, [{ unit: 'b', variant: 'v3', atMs: LATER + HOUR }]);
    expect(await carryOverOf(next)).toEqual({ control: 1, v3: 1 });
    await enrol(next, [{ unit: 'b', variant: 'control', atMs: LATER + HOUR }]);
    expect(await carryOverOf(next)).toEqual({ control: 1, v3: 0 });
    await rollups.recompute(next);
    expect(await carryOverOf(next)).toEqual({ control: 1, v3: 0 });
  });

  it('lose it when an exposure from before the rollback turns up', async () => {
    const next = await nextAfter({ status: 'rolled_back' });
    await enrol(next, [{ unit: 'b', variant: 'v3', atMs: ENDED - HOUR / 2 }]);
    expect(await carryOverOf(next)).toEqual({ control: 1, v3: 0 });
  });
});
