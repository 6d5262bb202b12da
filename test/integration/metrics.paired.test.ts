import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mirror } from '../../src/events/event.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { MetricDefinition } from '../../src/metrics/metric.js';
import type { PairCell } from '../../src/metrics/paired.js';
import { PairedService } from '../../src/metrics/paired.service.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import {
  insertEvents,
  outcome,
  requestIdAt,
  settle,
  type StoredOutcome,
} from '../support/metric-events.js';
import { builtIn } from '../support/paired-evidence.js';
import { insertMirrors, mirror, side } from '../support/pairs.js';
import { startRollups } from '../support/rollups.js';
import { seeded } from '../unit/statistics/seeded.js';

const T0 = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;

const label = (loss: 'zero_one' | 'log_loss' | 'squared_error', output = 'score') =>
  ({ label: { outcome: 'chargeback', output, loss } }) as const;
const wrong = defineMetric('wrong', {
  kind: 'proportion',
  source: label('zero_one', 'block'),
  direction: 'decrease',
});
const squares = defineMetric('squares', {
  kind: 'mean',
  source: label('squared_error'),
  direction: 'decrease',
  window: '1h',
});
const score = defineMetric('score', {
  kind: 'mean',
  source: { prediction: 'score' },
  direction: 'increase',
});
const slow = defineMetric('slow', {
  kind: 'proportion',
  source: { prediction: 'latency_ms' },
  threshold: 20,
  direction: 'decrease',
});
const METRICS = [
  builtIn('latency_ms'),
  builtIn('error_rate'),
  builtIn('timeout_rate'),
  ...[wrong, squares, score, slow],
];

let pool: Pool;
let pairs: PairedService;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startRollups();
  pool = started.database.pool;
  pairs = new PairedService(started.database);
  ({ close } = started);
});

afterAll(async () => {
  await close();
});

function targetOf(...metrics: readonly MetricDefinition[]): RollupTarget {
  return { experimentId: randomUUID(), epoch: 1, model: `m-${randomUUID()}`, metrics };
}

function writer({ experimentId, model }: RollupTarget) {
  const seed = Number.parseInt(experimentId.slice(0, 8), 16);
  const id = (number: number, atMs = T0 + number): string =>
    requestIdAt(atMs, (seed + number) >>> 0);
  return {
    id,
    pair: (unitKey: string, number: number, fields: Partial<Mirror> = {}) =>
      mirror({
        ...{ requestId: id(number), atMs: T0 + number, unitKey, experimentId, model },
        ...fields,
      }),
    labelled: (number: number, value: number, more: Partial<StoredOutcome> = {}) =>
      outcome({
        id: randomUUID(),
        atMs: T0 + MINUTE,
        model,
        requestId: id(number),
        name: 'chargeback',
        value,
        ...more,
      }),
  };
}

async function takeIn(target: RollupTarget, limits = {}) {
  await settle(pool);
  return pairs.takeIn(target, limits);
}

async function cellsOf(target: RollupTarget): Promise<Record<string, PairCell>> {
  const { cells } = await pairs.cells(target);
  return Object.fromEntries(cells.map((cell) => [cell.metric, cell]));
}

const both = (primary: object, shadow: object): Partial<Mirror> => ({
  primary: side(primary),
  shadow: side(shadow),
});

describe('pairs', () => {
  it('sum the differences of a unit over its requests, and errors over every copy', async () => {
    const target = targetOf(...METRICS);
    const w = writer(target);
    await insertMirrors(pool, [
      w.pair('a', 1, both({ latencyMs: 10 }, { latencyMs: 30 })),
      w.pair('a', 2, both({ latencyMs: 5 }, { latencyMs: 4 })),
      w.pair('a', 3, both({}, { error: true, timeout: true, status: 0, latencyMs: 1000 })),
      w.pair('b', 4, both({ latencyMs: 1 }, { latencyMs: 2 })),
      w.pair('b', 5, { drop: 'in_flight', shadow: null }),
    ]);
    const progress = await takeIn(target);
    expect(progress).toMatchObject({ mirrors: 5, touchedUnits: 2, caughtUp: true });
    const cells = await cellsOf(target);
    expect(cells['latency_ms']).toMatchObject({ n: 2, meanD: 10, meanP: 8, meanM: 1.5 });
    expect(cells['slow']).toMatchObject({ meanD: 0.5, events: { primary: 0, shadow: 1 } });
    expect(cells['error_rate']).toMatchObject({ n: 2, meanD: 0.5, meanM: 2, differing: 1 });
    expect(cells['timeout_rate']).toMatchObject({ meanD: 0.5, meanM: 2 });
    const { counts, units } = await pairs.cells(target);
    expect(units).toBe(2);
    expect(counts).toEqual({
      ...{ sent: 4, answered: 3, shadowFailed: 1, primaryFailed: 0, bothFailed: 0 },
      dropped: { in_flight: 1 },
    });
  });

  it('compare losses once the label is there, corrected ones too, and those in time only', async () => {
    const target = targetOf(wrong, squares);
    const w = writer(target);
    const said = (block: boolean, value: number): object => ({ captured: { block, score: value } });
    await insertMirrors(pool, [
      w.pair('a', 1, both(said(true, 0.75), said(false, 0.5))),
      w.pair('b', 2, both(said(true, 1), said(true, 0))),
      w.pair('c', 3, both(said(false, 0), { captured: null })),
    ]);
    await takeIn(target);
    expect(await cellsOf(target)).toEqual({});
    await insertEvents(pool, { outcomes: [w.labelled(1, 0), w.labelled(3, 0)] });
    await takeIn(target);
    let cells = await cellsOf(target);
    expect(cells['wrong']).toMatchObject({
      ...{ n: 2, meanD: 0, differing: 2 },
      first: { primaryOnly: 1, shadowOnly: 1, both: 0, neither: 0 },
    });
    expect(cells['squares']).toMatchObject({ n: 1, meanD: 0.25 - 0.5625, lopsided: 1 });

    const corrected = w.labelled(1, 1, { atMs: T0 + 2 * MINUTE });
    const late = w.labelled(2, 1, { atMs: T0 + 61 * MINUTE });
    await insertEvents(pool, { outcomes: [corrected, late] });
    await takeIn(target);
    cells = await cellsOf(target);
    expect(cells['wrong']).toMatchObject({
      n: 3,
      first: { primaryOnly: 0, shadowOnly: 2, both: 0, neither: 1 },
    });
    expect(cells['squares']).toMatchObject({ n: 1, meanD: 0.25 - 0.0625 });
  });

  it('put each unit into the tables once, with the first request that both answered', async () => {
    const target = targetOf(score);
    const w = writer(target);
    const said = (captured: object): object => ({ captured });
    await insertMirrors(pool, [w.pair('a', 1, both({ error: true, status: 500 }, said({})))]);
    await takeIn(target);
    await insertMirrors(pool, [
      w.pair('a', 2, both(said({ score: 0.31, class: 'x' }), said({ score: -3, class: 'y' }))),
      w.pair('a', 3, both(said({ score: 0.9 }), said({ score: 0.9 }))),
      w.pair('b', 4, both(said({ score: 0.32, class: 'x' }), said({ score: 0.33, class: 'x' }))),
    ]);
    await takeIn(target);
    const { outputs, units } = await pairs.cells(target);
    expect(units).toBe(2);
    expect(outputs.map(({ output, agreeing }) => [output, agreeing])).toEqual([
      ['class', 1],
      ['score', 1],
    ]);
    const [classes, scores] = outputs;
    expect(classes?.categories).toEqual([
      { kind: 'text', text: 'x' },
      { kind: 'text', text: 'y' },
    ]);
    expect(scores?.categories[1]).toEqual({ kind: 'bin', from: 0.3, to: 0.35 });
    const negative = scores?.categories[0];
    expect(negative?.kind === 'bin' && negative.from < -3 && -3 <= negative.to).toBe(true);
    expect(scores?.counts).toEqual([
      [1, 0, 1],
      [1, 1, 1],
    ]);
  });

  it('are those of the present epoch and experiment', async () => {
    const target = targetOf(builtIn('latency_ms'));
    const w = writer(target);
    await insertMirrors(pool, [
      w.pair('a', 1, { epoch: 2 }),
      w.pair('a', 2, { experimentId: randomUUID() }),
      w.pair('a', 3),
    ]);
    await takeIn(target);
    expect((await pairs.cells(target)).counts.sent).toBe(1);
    await expect(pairs.cells({ ...target, epoch: 2 })).rejects.toThrow(/another epoch/);
    await takeIn({ ...target, epoch: 2 });
    expect((await pairs.cells({ ...target, epoch: 2 })).counts.sent).toBe(1);
  });

  it('never miss one of a transaction that ends late', async () => {
    const target = targetOf(builtIn('latency_ms'));
    const w = writer(target);
    await insertMirrors(pool, [w.pair('a', 1)]);
    const client = await pool.connect();
    await client.query('BEGIN');
    await insertMirrors(client, [w.pair('b', 2)]);
    await insertMirrors(pool, [w.pair('c', 3)]);
    await pairs.takeIn(target);
    await client.query('COMMIT');
    client.release();
    await takeIn(target);
    expect((await pairs.cells(target)).counts.sent).toBe(3);
  });

  it('take labels in the order in which their transactions began, so that a first pair stays first', async () => {
    const target = targetOf(wrong);
    const w = writer(target);
    const said = both({ captured: { block: true } }, { captured: { block: false } });
    const same = both({ captured: { block: true } }, { captured: { block: true } });
    await insertMirrors(pool, [w.pair('a', 1, said), w.pair('a', 2, same)]);
    await settle(pool);
    const client = await pool.connect();
    await client.query('BEGIN');
    await insertEvents(client, { outcomes: [w.labelled(1, 1)] });
    await insertEvents(pool, { outcomes: [w.labelled(2, 1)] });
    await pairs.takeIn(target);
    expect((await cellsOf(target))['wrong']).toBeUndefined();
    await client.query('COMMIT');
    client.release();
    await takeIn(target);
    expect((await cellsOf(target))['wrong']).toMatchObject({
      first: { shadowOnly: 1, neither: 0, both: 0, primaryOnly: 0 },
    });
  });

  it('say when the sums are those of a part of the events', async () => {
    const target = targetOf(builtIn('latency_ms'));
    const w = writer(target);
    for (const unit of [1, 2, 3]) await insertMirrors(pool, [w.pair(`u${String(unit)}`, unit)]);
    expect(await takeIn(target, { batchRows: 1, maxBatches: 2 })).toMatchObject({
      mirrors: 2,
      caughtUp: false,
    });
    expect(await takeIn(target)).toMatchObject({ mirrors: 1, caughtUp: true });
  });
});

/** What the sums should be, from the raw rows. */
function oracle(mirrors: readonly Mirror[], labels: readonly StoredOutcome[]) {
  const labelOf = (requestId: string): number | null =>
    labels
      .filter((one) => one.requestId === requestId)
      .sort((l, r) => r.atMs - l.atMs || (l.id < r.id ? 1 : -1))[0]?.value ?? null;
  const units = new Map<string, { d: number; p: number; m: number }>();
  for (const { requestId, unitKey, primary, shadow, drop } of mirrors) {
    if (drop !== null || shadow === null || primary.error || shadow.error) continue;
    const v = labelOf(requestId);
    const [q, r] = [primary.captured?.['score'], shadow.captured?.['score']];
    if (v === null || typeof q !== 'number' || typeof r !== 'number') continue;
    const [lossP, lossS] = [(q - v) ** 2, (r - v) ** 2];
    const was = units.get(unitKey) ?? { d: 0, p: 0, m: 0 };
    units.set(unitKey, { d: was.d + lossS - lossP, p: was.p + lossP, m: was.m + 1 });
  }
  const all = [...units.values()];
  const mean = (of: (unit: { d: number; p: number; m: number }) => number): number =>
    all.reduce((sum, unit) => sum + of(unit), 0) / all.length;
  const [meanD, meanP, meanM] = [mean(({ d }) => d), mean(({ p }) => p), mean(({ m }) => m)];
  return {
    ...{ n: all.length, meanD, meanP, meanM },
    m2D: all.reduce((sum, { d }) => sum + (d - meanD) ** 2, 0),
    coDP: all.reduce((sum, { d, p }) => sum + (d - meanD) * (p - meanP), 0),
    coPM: all.reduce((sum, { p, m }) => sum + (p - meanP) * (m - meanM), 0),
  };
}

function history(target: RollupTarget, seed: number) {
  const random = seeded(seed);
  const w = writer(target);
  const sixteenth = (): number => Math.floor(random() * 17) / 16;
  const answer = () =>
    side({
      error: random() < 0.1,
      latencyMs: Math.floor(random() * 100),
      captured: random() < 0.1 ? null : { score: sixteenth(), block: random() < 0.5 },
    });
  const mirrors = Array.from({ length: 120 }, (_, index) => {
    const isDropped = random() < 0.1;
    return w.pair(`u${String(Math.floor(random() * 25))}`, index, {
      drop: isDropped ? 'breaker' : null,
      primary: answer(),
      shadow: isDropped ? null : answer(),
    });
  });
  const labels = Array.from({ length: 140 }, (_, index) =>
    w.labelled(Math.floor(random() * 120), random() < 0.5 ? 1 : 0, {
      atMs: T0 + MINUTE + index,
      id: `label-${target.experimentId}-${String(index).padStart(3, '0')}`,
    }),
  );
  return { mirrors, labels, random };
}

describe.each([11, 12])('pairs of a random history (seed %i)', (seed) => {
  it('sum up to the same in whatever order and portions events come, and as recomputed', async () => {
    const target = targetOf(...METRICS);
    const { mirrors, labels, random } = history(target, seed);
    const events = [...mirrors.map((one) => ({ mirror: one })), ...labels.map((one) => ({ one }))]
      .map((event) => ({ event, key: random() }))
      .sort((left, right) => left.key - right.key)
      .map(({ event }) => event);
    for (let at = 0; at < events.length; at += 37) {
      const portion = events.slice(at, at + 37);
      await insertMirrors(
        pool,
        portion.flatMap((event) => ('mirror' in event ? [event.mirror] : [])),
      );
      const outcomes = portion.flatMap((event) => ('one' in event ? [event.one] : []));
      await insertEvents(pool, { outcomes });
      await takeIn(target, { batchRows: 10 });
    }
    const incremental = await pairs.cells(target);
    expect(incremental.counts.sent).toBe(mirrors.filter(({ drop }) => drop === null).length);
    const found = incremental.cells.find(({ metric }) => metric === 'squares');
    const expected = oracle(mirrors, labels);
    for (const [name, value] of Object.entries(expected)) {
      expect(found?.[name as keyof PairCell]).toBeCloseTo(value, 9);
    }
    await pairs.recompute(target);
    expect(await pairs.cells(target)).toEqual(incremental);
  });
});
