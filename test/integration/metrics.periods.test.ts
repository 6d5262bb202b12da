import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { Period } from '../../src/metrics/period-sql.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import { cellOf } from '../support/evidence.js';
import {
  exposure,
  insertEvents,
  outcome,
  prediction,
  requestIdAt,
  settle,
  type StoredOutcome,
} from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

/** Just before midnight, so that periods and their events lie in several partitions. */
const T0 = Date.UTC(2026, 3, 6, 22);
const PERIOD_MS = 2 * 3_600_000;

const minutes = defineMetric('minutes', {
  kind: 'mean',
  source: { outcome: 'minutes' },
  direction: 'increase',
});
const clicks = defineMetric('clicks', {
  kind: 'mean',
  source: { outcome: 'click' },
  aggregation: 'count',
  direction: 'increase',
});
const scores = defineMetric('scores', {
  kind: 'mean',
  source: { prediction: 'score' },
  direction: 'increase',
});
const METRICS = [clicks, minutes, scores];

interface Unit {
  readonly key: string;
  readonly variant: 'holdout' | 'shipped';
  /** Visits by period, 1, 2, 3. */
  readonly visits: readonly number[];
}

const units: readonly Unit[] = Array.from({ length: 90 }, (_, unit) => ({
  key: `u${unit}`,
  variant: unit % 2 === 0 ? 'holdout' : 'shipped',
  visits: [unit % 3, (unit >> 1) % 3, unit % 5 === 0 ? 0 : 1],
}));

interface Visit {
  readonly unit: Unit;
  readonly phase: number;
  readonly atMs: number;
  readonly requestId: string;
  readonly score: number;
}

const visits: readonly Visit[] = units.flatMap((unit, index) =>
  unit.visits.flatMap((count, period) =>
    Array.from({ length: count }, (_, nth): Visit => {
      const atMs = T0 + period * PERIOD_MS + index * 7_000 + nth * 1_800_000;
      const number = index * 100 + period * 10 + nth;
      return {
        unit,
        phase: period + 1,
        atMs,
        requestId: requestIdAt(atMs, number),
        score: number % 13,
      };
    }),
  ),
);

let pool: Pool;
let rollups: RollupService;
let close: () => Promise<void>;
let target: RollupTarget;
const outcomes: readonly StoredOutcome[] = [
  // of a request, some of them long after its period
  ...visits.map(({ requestId, atMs }, index) =>
    outcome({
      ...{ id: `m${index}`, requestId, name: 'minutes', value: (index % 17) / 4 },
      atMs: atMs + (index % 4) * PERIOD_MS,
    }),
  ),
  // of a unit, wherever it was then
  ...units.flatMap(({ key }, index) =>
    [0.2, 0.9, 1.4, 2.2].map((periods, nth) =>
      outcome({
        ...{ id: `c${index}-${nth}`, unit: key, name: 'click', value: 1 },
        atMs: T0 + periods * PERIOD_MS + index * 20_000,
      }),
    ),
  ),
];

beforeAll(async () => {
  const started = await startRollups();
  pool = started.database.pool;
  ({ rollups, close } = started);
  target = { experimentId: randomUUID(), epoch: 1, model: 'spam', metrics: METRICS };
  const { experimentId } = target;
  const fields = visits.map(({ unit, phase, atMs, requestId, score }) => ({
    own: { requestId, atMs, unitKey: unit.key, experimentId, variant: unit.variant, phase },
    captured: { score },
  }));
  const crossed = { unitKey: 'u2', experimentId, variant: 'shipped', phase: 3 };
  const atMs = T0 + 2.5 * PERIOD_MS;
  await insertEvents(pool, {
    exposures: [
      ...fields.map(({ own }) => exposure(own)),
      exposure({ ...crossed, atMs, requestId: requestIdAt(atMs, 99_999) }),
    ],
    predictions: fields.map(({ own, captured }) => prediction({ ...own, captured })),
    outcomes,
  });
  await settle(pool);
  await rollups.rollUp(target);
});

afterAll(async () => {
  await close();
});

function periodAt(phase: number, isOver = true): Period {
  const startedAtMs = T0 + (phase - 1) * PERIOD_MS;
  return { phase, startedAtMs, endedAtMs: isOver ? startedAtMs + PERIOD_MS : null };
}

/** The definition, unit by unit. */
function expected({ phase, endedAtMs }: Period) {
  const seen = units.flatMap((unit) => {
    if (unit.key === 'u2') return [];
    const own = visits.filter((visit) => visit.unit === unit && visit.phase === phase);
    if (own.length === 0) return [];
    const sinceMs = Math.min(...own.map(({ atMs }) => atMs));
    const named = own.map(({ requestId }) => requestId);
    const inPeriod = outcomes.filter(
      ({ unit: key, requestId, atMs }) =>
        (key === unit.key && atMs >= sinceMs && atMs < (endedAtMs ?? Infinity)) ||
        (requestId !== null && named.includes(requestId)),
    );
    const sum = (name: string): number =>
      inPeriod.filter((one) => one.name === name).reduce((total, { value }) => total + value, 0);
    const score = own.reduce((total, one) => total + one.score, 0);
    const requests = own.length;
    const count = inPeriod.filter(({ name }) => name === 'minutes').length;
    return [
      {
        variant: unit.variant,
        clicks: sum('click'),
        minutes: sum('minutes'),
        count,
        score,
        requests,
      },
    ];
  });
  const arms = (['holdout', 'shipped'] as const).map((variant) => ({
    variant,
    all: seen.filter((one) => one.variant === variant),
  }));
  return { arms, phase };
}

describe('the cells of a period', () => {
  it.each([1, 2, 3])(
    'are of the units seen in period %i, by what they did in it',
    async (phase) => {
      const period = periodAt(phase);
      const { unitCells, metricCells } = await rollups.period(target, period);
      const { arms } = expected(period);
      expect(unitCells).toEqual(
        arms.map(({ variant, all }) => ({ phase, variant, units: all.length, crossovers: 0 })),
      );
      for (const { variant, all } of arms) {
        const found = (name: string) =>
          metricCells.find((cell) => cell.metric === name && cell.variant === variant);
        const key = { variant, phase };
        const close9 = (cell: ReturnType<typeof cellOf>) => ({
          n: cell.n,
          meanY: expect.closeTo(cell.meanY, 9),
          m2Y: expect.closeTo(cell.m2Y, 6),
          meanD: expect.closeTo(cell.meanD, 9),
        });
        expect(found('clicks')).toMatchObject(
          close9(
            cellOf(
              { ...key, metric: 'clicks' },
              all.map((one) => one.clicks),
            ),
          ),
        );
        expect(found('scores')).toMatchObject(
          close9(
            cellOf(
              { ...key, metric: 'scores' },
              all.map((one) => one.score),
              all.map((one) => one.requests),
            ),
          ),
        );
        const perEvent = minutes.numerator.aggregation === 'mean';
        expect(found('minutes')).toMatchObject(
          close9(
            cellOf(
              { ...key, metric: 'minutes' },
              all.map((one) => one.minutes),
              all.map((one) => (perEvent ? one.count : 1)),
            ),
          ),
        );
      }
    },
  );

  it('of one that goes on take in everything up to now', async () => {
    const { metricCells } = await rollups.period(target, periodAt(1, false));
    const { arms } = expected(periodAt(1, false));
    for (const { variant, all } of arms) {
      const cell = metricCells.find((one) => one.metric === 'clicks' && one.variant === variant);
      const total = all.reduce((sum, one) => sum + one.clicks, 0);
      expect((cell?.n ?? 0) * (cell?.meanY ?? 0)).toBeCloseTo(total, 6);
    }
  });

  it('are none for a period without visitors', async () => {
    expect(await rollups.period(target, periodAt(9))).toEqual({ unitCells: [], metricCells: [] });
  });
});
