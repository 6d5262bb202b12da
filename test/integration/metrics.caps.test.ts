import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { quantileSorted } from 'simple-statistics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.service.js';
import { defineMetric } from '../../src/metrics/define-metric.js';
import { freezeCaps } from '../../src/metrics/freeze-caps.js';
import type { MetricBody } from '../../src/metrics/metric.contract.js';
import type { MetricDefinition } from '../../src/metrics/metric.js';
import { MetricsService } from '../../src/metrics/metrics.service.js';
import { MetricsStore } from '../../src/metrics/metrics.store.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import {
  exposure,
  insertEvents,
  outcome,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import type { EventRows } from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';
import { openedDays } from '../support/scans.js';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 2, 20, 12);
const UNITS = 1_200;

let database: Database;
let pool: Pool;
let metrics: MetricsService;
let rollups: RollupService;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startRollups();
  ({ database } = started);
  pool = database.pool;
  rollups = started.rollups;
  metrics = new MetricsService(started.database, new MetricsStore());
  close = () => started.close();
});

afterAll(async () => {
  await close();
});

const spent = (index: number): number => (index * 7919) % 1_000;

function revenue(body: Partial<MetricBody> = {}): MetricDefinition {
  return defineMetric('revenue', {
    kind: 'mean',
    source: { outcome: 'buy' },
    direction: 'increase',
    winsorize: { percentile: 0.99 },
    ...body,
  });
}

/** Units with a request two days before NOW and two purchases after it; every fifth has none. */
function past(model: string, units: number): EventRows {
  const salt = Number.parseInt(randomUUID().slice(0, 6), 16);
  const seenAt = NOW - 48 * HOUR;
  return {
    predictions: Array.from({ length: units }, (_, index) =>
      prediction({
        requestId: requestIdAt(seenAt, salt + index),
        atMs: seenAt,
        unitKey: `u${index.toString()}`,
        experimentId: null,
        model,
      }),
    ),
    outcomes: Array.from({ length: units }, (_, index) => index)
      .filter((index) => index % 5 !== 0)
      .flatMap((index) =>
        [0, 1].map((half) =>
          outcome({
            id: `o${index.toString()}-${half.toString()}`,
            atMs: seenAt + (1 + half * 24) * HOUR,
            model,
            unit: `u${index.toString()}`,
            name: 'buy',
            value: spent(index) / 2,
          }),
        ),
      ),
  };
}

const totals = (factor: number): number[] =>
  Array.from({ length: UNITS }, (_, index) => (index % 5 === 0 ? 0 : spent(index) * factor)).sort(
    (a, b) => a - b,
  );

describe('a cap asked for as a percentile', () => {
  it('is that percentile of the number per unit before the start, units without events included', async () => {
    const model = `m-${randomUUID()}`;
    await insertEvents(pool, past(model, UNITS));
    const [frozen] = await metrics.freezeCaps([revenue()], model, NOW);
    expect(frozen?.winsorizeAt).toBeCloseTo(quantileSorted(totals(1), 0.99), 9);
    expect(frozen).toEqual({ ...revenue(), winsorizeAt: frozen?.winsorizeAt });
  });

  it('counts events inside the window of the metric only, and after nothing that lies in the future', async () => {
    const model = `m-${randomUUID()}`;
    await insertEvents(pool, past(model, UNITS));
    const first = await metrics.freezeCaps([revenue({ window: '12h' })], model, NOW);
    expect(first[0]?.winsorizeAt).toBeCloseTo(quantileSorted(totals(0.5), 0.99), 9);
    const early = await metrics.freezeCaps([revenue()], model, NOW - 24 * HOUR);
    expect(early[0]?.winsorizeAt).toBeCloseTo(quantileSorted(totals(0.5), 0.99), 9);
  });

  it.each([
    ['units are few', { winsorize: { percentile: 0.99 } }, UNITS - 300],
    ['no window is over', { window: '7d' }, UNITS],
    ['nobody was seen in the look-back', { winsorize: { percentile: 0.9, lookback: '1h' } }, UNITS],
    ['it would be zero', { winsorize: { percentile: 0.1 } }, UNITS],
  ] satisfies [string, Partial<MetricBody>, number][])(
    'is refused with another way out when %s',
    async (_, body, units) => {
      const model = `m-${randomUUID()}`;
      await insertEvents(pool, past(model, units));
      await expect(metrics.freezeCaps([revenue(body)], model, NOW)).rejects.toMatchObject({
        code: 'invalid_input',
        defects: [
          {
            field: 'winsorize.percentile',
            advice: 'give the cap as a number with winsorize {"at": ...}',
          },
        ],
      });
    },
  );

  it('opens no day outside of the look-back', async () => {
    const model = `m-${randomUUID()}`;
    await insertEvents(pool, past(model, UNITS));
    const days = [NOW - 60 * 24 * HOUR, NOW + 5 * 24 * HOUR].map((at) =>
      new Date(at).toISOString(),
    );
    for (const day of days) await pool.query('SELECT ensure_event_day($1)', [day.slice(0, 10)]);
    const { answer: caps, days: known } = await database.transaction((tx) =>
      openedDays(tx, () => freezeCaps(tx, [revenue()], { model, nowMs: NOW })),
    );
    expect(caps[0]?.winsorizeAt).toBeGreaterThan(0);
    expect(known).toContain('20260318');
    for (const day of days) expect(known).not.toContain(day.slice(0, 10).replaceAll('-', ''));
  });

  it('is taken once, and metrics without one stay as they are', async () => {
    const given = [revenue({ winsorize: { at: 20 } }), { ...revenue(), winsorizeAt: 7 }];
    expect(await metrics.freezeCaps(given, 'nobody', NOW)).toEqual(given);
  });

  it('is not summed before it is frozen', async () => {
    const target = { experimentId: randomUUID(), epoch: 1, model: 'm', metrics: [revenue()] };
    await expect(rollups.rollUp(target)).rejects.toMatchObject({
      defects: [{ field: 'winsorize.percentile' }],
    });
  });
});

describe('a covariate', () => {
  it('is what the unit did in the look-back before its first exposure, and 0 for a newcomer', async () => {
    const model = `m-${randomUUID()}`;
    const experimentId = randomUUID();
    const metric = defineMetric('revenue', {
      kind: 'mean',
      source: { outcome: 'buy' },
      direction: 'increase',
      winsorize: { at: 10 },
      covariate: { lookback: '28d' },
    });
    const salt = Number.parseInt(experimentId.slice(0, 6), 16);
    const exposed = (unitKey: string, number: number): ReturnType<typeof exposure> => {
      const requestId = requestIdAt(NOW, salt + number);
      return exposure({ requestId, atMs: NOW, unitKey, experimentId, model });
    };
    const bought = (id: string, unit: string, daysAfter: number, value: number) =>
      outcome({ id, atMs: NOW + daysAfter * 24 * HOUR, model, unit, name: 'buy', value });
    await insertEvents(pool, {
      exposures: [exposed('a', 1), exposed('b', 2), exposed('c', 3)],
      outcomes: [
        bought('too-old', 'a', -28.001, 100),
        bought('oldest', 'a', -28, 3),
        bought('a1', 'a', -1, 1),
        bought('a2', 'a', 0, 5),
        bought('b1', 'b', -2, 50),
        bought('b2', 'b', 1, 12),
      ],
    });
    const target = { experimentId, epoch: 1, model, metrics: [metric] };
    await settle(pool);
    await rollups.rollUp(target);
    expect((await rollups.cells(target)).metricCells).toMatchObject([
      {
        n: 3,
        meanY: 5,
        capped: 1,
        // x = 4, 10 (cut), 0 beside y = 5, 10 (cut), 0
        covariate: { unitsWithData: 2, meanX: 14 / 3, m2X: 152 / 3, coMomentXY: 50 },
      },
    ]);
  });
});
