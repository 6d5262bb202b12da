import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mirror } from '../../src/events/event.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import { PairedService } from '../../src/metrics/paired.service.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import { PairSampleService } from '../../src/monitoring/pair-sample.service.js';
import { MAX_SAMPLED_REQUESTS, PairSampleStore } from '../../src/monitoring/pair-sample.store.js';
import { requestIdAt, settle } from '../support/metric-events.js';
import { builtIn } from '../support/paired-evidence.js';
import { insertMirrors, mirror, side } from '../support/pairs.js';
import { startRollups, type TestRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 0, 5, 12);

const score = defineMetric('score', {
  kind: 'mean',
  source: { prediction: 'score' },
  direction: 'increase',
});

describe('shapes of the newest pairs', () => {
  let started: TestRollups;
  let pairs: PairedService;
  let sample: PairSampleService;

  beforeAll(async () => {
    started = await startRollups();
    pairs = new PairedService(started.database);
    sample = new PairSampleService(started.database, new PairSampleStore());
  });

  afterAll(async () => {
    await started.close();
  });

  function targetOf(epoch = 1): RollupTarget {
    const metrics = [builtIn('latency_ms'), builtIn('error_rate'), score];
    return { experimentId: randomUUID(), epoch, model: 'fraud', metrics };
  }

  async function tell(target: RollupTarget, told: readonly Partial<Mirror>[]): Promise<void> {
    const { experimentId } = target;
    const rows = told.map((fields, number) =>
      mirror({
        ...{ requestId: requestIdAt(T0 + number, number), atMs: T0 + number, experimentId },
        ...{ unitKey: `unit-${number}`, ...fields },
      }),
    );
    await insertMirrors(started.database.pool, rows);
    await settle(started.database.pool);
    await pairs.takeIn(target, { maxBatches: 1_000 });
  }

  const both = (primary: number, shadow: number, unitKey: string): Partial<Mirror> => ({
    unitKey,
    primary: side({
      latencyMs: 10,
      captured: { score: primary, tier: 'a', sure: true, amount: 7 },
    }),
    shadow: side({ latencyMs: 20, captured: { score: shadow, tier: 'a', sure: true } }),
  });

  it('are what was answered: differences by unit, scores and latency by request', async () => {
    const target = targetOf();
    await tell(target, [
      both(0.2, 0.4, 'a'),
      both(0.2, 0.2, 'a'),
      both(0.5, 0.5, 'b'),
      both(0.9, 0.5, 'c'),
      { ...both(0, 0, 'd'), shadow: side({ error: true, status: 500, latencyMs: 99 }) },
      { unitKey: 'e', drop: 'in_flight', shadow: null },
    ]);
    const shapes = await sample.shapes(target.experimentId);
    expect(shapes).toMatchObject({ epoch: 1, sent: 5, answered: 4, complete: true });
    expect([shapes.fromMs, shapes.toMs]).toEqual([T0, T0 + 4]);
    // texts and truths have their own table; the request's own fields are on one side only
    expect(shapes.outputs.map(({ output }) => output)).toEqual(['score']);
    const [output] = shapes.outputs;
    expect(output!.scatter).toMatchObject({ count: 4, outside: 0, from: 0.2, to: 0.9 });
    expect(output!.differences).toMatchObject({ count: 4, zero: 2 });
    expect(output!.differences.mean).toBeCloseTo((0.2 - 0.4) / 4, 12);
    expect(shapes.latency).toMatchObject({
      scatter: { count: 4, scale: 'log' },
      differences: { count: 4, mean: 10, zero: 0 },
    });
    const byName = Object.fromEntries(shapes.metrics.map((of) => [of.metric, of.differences]));
    expect(Object.keys(byName)).toEqual(['error_rate', 'latency_ms', 'score']);
    // a: (0.2 + 0) / 2, b: 0, c: -0.4
    expect(byName['score']).toMatchObject({ count: 3, zero: 1 });
    expect(byName['score']!.mean).toBeCloseTo((0.1 + 0 - 0.4) / 3, 12);
    expect(byName['error_rate']).toMatchObject({ count: 4, zero: 3, mean: 0.25 });
  });

  it('are of the present epoch only, and of nothing else', async () => {
    const target = targetOf();
    await tell(target, [both(0.1, 0.2, 'a'), both(0.1, 0.2, 'b')]);
    const again = { ...target, epoch: 2 };
    await pairs.takeIn(again);
    await expect(sample.shapes(target.experimentId)).resolves.toEqual({
      ...{ epoch: 2, sent: 0, answered: 0, fromMs: null, toMs: null, complete: true },
      ...{ latency: null, outputs: [], metrics: [] },
    });
    await expect(sample.shapes(randomUUID())).resolves.toMatchObject({ epoch: null, metrics: [] });
  });

  it('survive numbers that no double and no chart can hold', async () => {
    const target = targetOf();
    await tell(target, [
      both(1e119, -1e119, 'a'),
      both(1e-300, 0, 'b'),
      both(1e300, 0, 'c'),
      both(0.5, 0.5, 'd'),
    ]);
    const { outputs, metrics } = await sample.shapes(target.experimentId);
    expect(outputs[0]!.scatter!.count).toBe(3);
    const found = metrics.find(({ metric }) => metric === 'score')!.differences;
    expect(found).toMatchObject({ count: 3, zero: 2 });
    expect(found.mean).toBeCloseTo(-2e119 / 3, -110);
  });

  it('are of the newest requests where there are too many, and say so', async () => {
    const target = targetOf();
    const many = MAX_SAMPLED_REQUESTS + 500;
    await tell(
      target,
      // the oldest ones differ by far more
      Array.from({ length: many }, (_, n) => both(0, n < 500 ? 100 : 1, `unit-${n % 700}`)),
    );
    const shapes = await sample.shapes(target.experimentId);
    expect(shapes).toMatchObject({ complete: false, answered: MAX_SAMPLED_REQUESTS });
    expect(shapes.outputs[0]!.differences).toMatchObject({ mean: 1, above: 0, zero: 0 });
    expect(shapes.fromMs).toBe(T0 + 500);
    expect(JSON.stringify(shapes).length).toBeLessThan(100_000);
  });
});
