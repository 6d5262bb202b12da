import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_METRICS } from '../../src/metrics/built-in.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { MetricCell, MetricDefinition } from '../../src/metrics/metric.js';
import type { RollupProgress, RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import {
  exposure,
  insertEvents,
  outcome,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 0, 5, 12);

const bought = defineMetric('bought', {
  kind: 'proportion',
  source: { outcome: 'purchase' },
  direction: 'increase',
});
const revenue = defineMetric('revenue', {
  kind: 'mean',
  source: { outcome: 'purchase' },
  direction: 'increase',
});

let pool: Pool;
let rollups: RollupService;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startRollups();
  pool = started.database.pool;
  ({ rollups, close } = started);
});

afterAll(async () => {
  await close();
});

function targetOf(...metrics: MetricDefinition[]): RollupTarget {
  return { experimentId: randomUUID(), epoch: 1, model: `m-${randomUUID()}`, metrics };
}

async function cellsOf(target: RollupTarget): Promise<Record<string, Partial<MetricCell>>> {
  const { metricCells } = await rollups.cells(target);
  return Object.fromEntries(
    metricCells.map((cell) => [`${cell.metric}/${cell.variant}/${cell.phase.toString()}`, cell]),
  );
}

/** A rollup that may take in everything written before it. */
async function rollUp(target: RollupTarget): Promise<RollupProgress> {
  await settle(pool);
  return rollups.rollUp(target);
}

/** Request ids differ between targets: the tables know a request only once. */
function requestIdOf(target: RollupTarget, atMs: number, number: number): string {
  return requestIdAt(atMs, (Number.parseInt(target.experimentId.slice(0, 8), 16) + number) >>> 0);
}

/** Events of one target with fewer words. */
function writer(target: RollupTarget) {
  const { experimentId, model } = target;
  const id = (atMs: number, number: number): string => requestIdOf(target, atMs, number);
  return {
    exposed: (unitKey: string, atMs: number, number: number, variant = 'control', more = {}) =>
      exposure({
        requestId: id(atMs, number),
        atMs,
        unitKey,
        experimentId,
        model,
        variant,
        ...more,
      }),
    answered: (unitKey: string, atMs: number, number: number, more = {}) =>
      prediction({ requestId: id(atMs, number), atMs, unitKey, experimentId, model, ...more }),
    happened: (unit: string, atMs: number, id: string, name: string, value = 1) =>
      outcome({ id, atMs, model, unit, name, value }),
    labelled: (requestId: string, atMs: number, id: string, name: string, value: number) =>
      outcome({ id, atMs, model, requestId, name, value }),
  };
}

describe('rollup', () => {
  it('counts a unit once per metric under the arm of its first exposure', async () => {
    const target = targetOf(bought, revenue, ...BUILT_IN_METRICS);
    const w = writer(target);
    await insertEvents(pool, {
      exposures: [
        w.exposed('a', T0, 1),
        w.exposed('a', T0 + 5, 2),
        w.exposed('b', T0, 3, 'v2', { phase: 1 }),
      ],
      predictions: [
        w.answered('a', T0, 1, { latencyMs: 10 }),
        w.answered('a', T0 + 5, 2, { latencyMs: 20, error: true }),
        w.answered('b', T0, 3, { latencyMs: 5, servedVersion: 'v1', fallback: true }),
      ],
      outcomes: [
        w.happened('a', T0 + 9, 'o1', 'purchase', 3.5),
        w.happened('a', T0 + 10, 'o2', 'purchase', 4),
      ],
    });
    const progress = await rollUp(target);
    expect(progress).toMatchObject({
      exposures: 3,
      touchedUnits: 2,
      caughtUp: true,
      watermarkMs: T0 + 5,
    });
    const cells = await cellsOf(target);
    expect(cells['bought/control/0']).toMatchObject({ n: 1, meanY: 1, events: 1 });
    expect(cells['bought/v2/1']).toMatchObject({ n: 1, meanY: 0, events: 0 });
    expect(cells['revenue/control/0']).toMatchObject({ n: 1, meanY: 7.5 });
    expect(cells['latency_ms/control/0']).toMatchObject({ n: 1, meanY: 30, meanD: 2 });
    expect(cells['error_rate/control/0']).toMatchObject({ meanY: 1, meanD: 2 });
    expect(cells['fallback_rate/v2/1']).toMatchObject({ meanY: 1, meanD: 1 });
    const { unitCells } = await rollups.cells(target);
    expect(unitCells).toEqual([
      { phase: 0, variant: 'control', units: 1, crossovers: 0, carryOver: 0 },
      { phase: 1, variant: 'v2', units: 1, crossovers: 0, carryOver: 0 },
    ]);
  });

  it('does nothing when nothing is new', async () => {
    const target = targetOf(bought);
    const w = writer(target);
    await insertEvents(pool, { exposures: [w.exposed('a', T0, 1)] });
    await rollUp(target);
    const again = await rollUp(target);
    expect(again).toMatchObject({ exposures: 0, touchedUnits: 0, caughtUp: true, watermarkMs: T0 });
  });

  it('leaves a unit seen in two variants out of both arms and counts it', async () => {
    const target = targetOf(bought);
    const w = writer(target);
    await insertEvents(pool, {
      exposures: [w.exposed('a', T0 + 5, 1, 'v2'), w.exposed('b', T0, 2, 'v2')],
    });
    await rollUp(target);
    expect((await cellsOf(target))['bought/v2/0']).toMatchObject({ n: 2 });
    await insertEvents(pool, { exposures: [w.exposed('a', T0, 3, 'control')] });
    await rollUp(target);
    expect(Object.keys(await cellsOf(target))).toEqual(['bought/v2/0']);
    expect((await rollups.cells(target)).unitCells).toEqual([
      { phase: 0, variant: 'control', units: 0, crossovers: 1, carryOver: 0 },
      { phase: 0, variant: 'v2', units: 1, crossovers: 0, carryOver: 0 },
    ]);
  });

  it('counts an outcome that arrived before its exposure, but not one that happened before it', async () => {
    const target = targetOf(revenue);
    const w = writer(target);
    await insertEvents(pool, {
      outcomes: [
        w.happened('a', T0 + 1, 'o1', 'purchase', 2),
        w.happened('a', T0 - 1, 'o2', 'purchase', 40),
      ],
    });
    await rollUp(target);
    await insertEvents(pool, { exposures: [w.exposed('a', T0, 1)] });
    await rollUp(target);
    expect((await cellsOf(target))['revenue/control/0']).toMatchObject({ n: 1, meanY: 2 });
  });

  it('keeps a unit pending until its window closes and ignores outcomes after it', async () => {
    const short = defineMetric('short', {
      kind: 'mean',
      source: { outcome: 'purchase' },
      direction: 'increase',
      window: '3s',
    });
    const target = targetOf(short);
    const w = writer(target);
    const now = Date.now();
    await insertEvents(pool, {
      exposures: [w.exposed('open', now, 1), w.exposed('closed', now - 60_000, 2)],
      outcomes: [
        w.happened('open', now + 2_999, 'o1', 'purchase', 2),
        w.happened('open', now + 3_000, 'o2', 'purchase', 40),
        w.happened('closed', now - 57_000, 'o3', 'purchase', 80),
      ],
    });
    await rollUp(target);
    const before = (await cellsOf(target))['short/control/0'];
    if (Date.now() < now + 2_900) expect(before).toMatchObject({ n: 1, pending: 1, meanY: 0 });
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, now + 3_100 - Date.now())));
    await rollUp(target);
    expect((await cellsOf(target))['short/control/0']).toMatchObject({
      n: 2,
      pending: 0,
      meanY: 1,
    });
  });

  it('compares the latest label of a request with what the answer said', async () => {
    const loss = (name: string, kind: 'zero_one' | 'brier' | 'squared_error') =>
      defineMetric(name, {
        kind: kind === 'zero_one' ? 'proportion' : 'mean',
        source: { label: { outcome: 'truth', output: 'spam', loss: kind } },
        direction: 'decrease',
      });
    const target = targetOf(
      loss('wrong', 'zero_one'),
      loss('brier', 'brier'),
      loss('square', 'squared_error'),
    );
    const w = writer(target);
    const requests = [1, 2, 3, 4].map((number) => w.answered('a', T0 + number, number).requestId);
    const [first = '', second = '', third = ''] = requests;
    await insertEvents(pool, {
      exposures: [w.exposed('a', T0, 0)],
      predictions: [
        w.answered('a', T0 + 1, 1, { captured: { spam: true } }),
        w.answered('a', T0 + 2, 2, { captured: { spam: 0.25 } }),
        w.answered('a', T0 + 3, 3, { captured: null, error: true }),
        w.answered('a', T0 + 4, 4, { captured: { spam: true } }),
      ],
      outcomes: [
        w.labelled(first, T0 + 9, 'l1', 'truth', 1),
        w.labelled(first, T0 + 8, 'l2', 'truth', 0),
        w.labelled(second, T0 + 9, 'l3', 'truth', 1),
        w.labelled(third, T0 + 9, 'l4', 'truth', 0),
        w.labelled(first, T0 + 10, 'l5', 'other', 0),
      ],
    });
    await rollUp(target);
    const cells = await cellsOf(target);
    expect(cells['wrong/control/0']).toMatchObject({ n: 1, meanY: 2, meanD: 3 });
    expect(cells['brier/control/0']).toMatchObject({ n: 1, meanY: 0.5625, meanD: 2 });
    expect(cells['square/control/0']).toMatchObject({ n: 1, meanY: 0.5625, meanD: 2 });
  });

  it('never mixes two epochs, and an old epoch cannot undo the work of the new one', async () => {
    const first = targetOf(bought);
    const second = { ...first, epoch: 2 };
    const w = writer(first);
    await insertEvents(pool, {
      exposures: [w.exposed('a', T0, 1), w.exposed('a', T0 + 5, 2, 'v2', { epoch: 2 })],
    });
    await rollUp(first);
    expect(Object.keys(await cellsOf(first))).toEqual(['bought/control/0']);
    await rollUp(second);
    expect(Object.keys(await cellsOf(second))).toEqual(['bought/v2/0']);
    await expect(rollUp(first)).rejects.toMatchObject({ code: 'conflict' });
    await expect(rollups.cells(first)).rejects.toMatchObject({ code: 'conflict' });
    expect((await rollups.cells(second)).unitCells).toEqual([
      { phase: 0, variant: 'v2', units: 1, crossovers: 0, carryOver: 0 },
    ]);
  });

  it('starts afresh when a definition changes', async () => {
    const target = targetOf(bought);
    const w = writer(target);
    await insertEvents(pool, { exposures: [w.exposed('a', T0, 1)] });
    await rollUp(target);
    const changed = { ...target, metrics: [revenue] };
    await rollUp(changed);
    expect(Object.keys(await cellsOf(changed))).toEqual(['revenue/control/0']);
  });

  it('keeps a variance of 1e-6 at a mean of 1e12', async () => {
    const target = targetOf(revenue);
    const w = writer(target);
    const amounts = [1e12, 1e12 + 0.001, 1e12 + 0.002];
    await insertEvents(pool, {
      exposures: amounts.map((_, index) => w.exposed(`u${index.toString()}`, T0, index)),
      outcomes: amounts.map((amount, index) =>
        w.happened(`u${index.toString()}`, T0 + 1, `o${index.toString()}`, 'purchase', amount),
      ),
    });
    await rollUp(target);
    expect((await cellsOf(target))['revenue/control/0']).toMatchObject({ n: 3, m2Y: 0.000006 / 3 });
  });

  it('survives a value that no double could square', async () => {
    const target = targetOf(revenue);
    const w = writer(target);
    await insertEvents(pool, {
      exposures: [w.exposed('a', T0, 1), w.exposed('b', T0, 2)],
      outcomes: [
        w.happened('a', T0 + 1, 'o1', 'purchase', 1e300),
        w.happened('b', T0 + 1, 'o2', 'purchase', 5e-324),
      ],
    });
    await rollUp(target);
    expect((await cellsOf(target))['revenue/control/0']).toMatchObject({ n: 2, meanY: 0, m2Y: 0 });
  });
});
