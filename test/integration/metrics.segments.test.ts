import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineMetric } from '../../src/metrics/define-metric.js';
import type { MetricCell, Segment } from '../../src/metrics/metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import type { RollupService } from '../../src/metrics/rollup.service.js';
import { cellOf } from '../support/evidence.js';
import {
  exposure,
  insertEvents,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import { startRollups } from '../support/rollups.js';

const T0 = Date.UTC(2026, 3, 6, 12);
const UNITS = 240;

const scores = defineMetric('scores', {
  kind: 'mean',
  source: { prediction: 'score' },
  direction: 'increase',
});
const slow = defineMetric('slow', {
  kind: 'quantile',
  source: { prediction: 'latency_ms' },
  quantile: 0.9,
  direction: 'decrease',
});

type Value = string | number | boolean | null;
interface Unit {
  readonly key: string;
  readonly variant: 'control' | 'v2';
  readonly phase: number;
  /** Undefined: the field is absent. */
  readonly country: Value | undefined;
  readonly scores: readonly number[];
}

/** Sizes fall from `true` (32 units) over ties to 22 countries of 4 units and two single ones; 20 have no country. */
function countryOf(unit: number): Value | undefined {
  if (unit < 32) return true;
  if (unit < 60) return 7;
  if (unit < 88) return '';
  if (unit < 98) return null;
  if (unit < 108) return undefined;
  if (unit < 238) return `c${String((unit - 108) % 22).padStart(2, '0')}`;
  return `single ${String(unit)}`;
}

const units: readonly Unit[] = Array.from({ length: UNITS }, (_, unit) => ({
  key: `u${unit.toString()}`,
  variant: unit % 2 === 0 ? 'control' : 'v2',
  phase: 1 + (unit % 3 === 0 ? 1 : 0),
  country: countryOf(unit),
  scores: Array.from({ length: 1 + (unit % 3) }, (_score, index) => ((unit * 7) % 11) + index),
}));

let pool: Pool;
let rollups: RollupService;
let close: () => Promise<void>;
let target: RollupTarget;

beforeAll(async () => {
  const started = await startRollups();
  pool = started.database.pool;
  ({ rollups, close } = started);
  target = { experimentId: randomUUID(), epoch: 1, model: 'spam', metrics: [scores, slow] };
  const { experimentId } = target;
  const events = units.flatMap(({ key, variant, phase, country, scores: values }, unit) =>
    values.map((score, index) => {
      const atMs = T0 + index * 1_000_000;
      const requestId = requestIdAt(atMs, unit * 10 + index);
      const fields = { requestId, atMs, unitKey: key, experimentId, variant, phase };
      // what a later request says about the unit may be an effect of the variant
      const own = index === 0 ? country : 'moved';
      return { fields, captured: { score, ...(own === undefined ? {} : { country: own }) } };
    }),
  );
  const crossed = events
    .filter(({ fields }) => fields.unitKey === 'u0')
    .map(({ fields }) => ({
      ...fields,
      variant: 'v2',
      atMs: fields.atMs + 1,
      requestId: requestIdAt(fields.atMs + 1, 9_999),
    }));
  await insertEvents(pool, {
    exposures: [...events.map(({ fields }) => fields), ...crossed].map(exposure),
    predictions: events.map(({ fields, captured }) => prediction({ ...fields, captured })),
  });
  await settle(pool);
  await rollups.rollUp(target);
});

afterAll(async () => {
  await close();
});

const close9 = (value: number): number => expect.closeTo(value, 9) as number;

/** The definition, unit by unit. */
function expected(segment: Segment, own: readonly Unit[]) {
  const groups = [1, 2].flatMap((phase) =>
    (['control', 'v2'] as const).map((variant) => ({
      ...{ phase, variant },
      all: own.filter((unit) => unit.phase === phase && unit.variant === variant),
    })),
  );
  const present = groups.filter(({ all }) => all.length > 0);
  return {
    segment,
    unitCells: present.map(({ phase, variant, all }) => {
      const crossovers = all.filter(({ key }) => key === 'u0').length;
      return { phase, variant, units: all.length - crossovers, crossovers };
    }),
    metricCells: present.map(({ phase, variant, all }): MetricCell => {
      const counted = all.filter(({ key }) => key !== 'u0').map((unit) => unit.scores);
      const sums = counted.map((values) => values.reduce((sum, value) => sum + value, 0));
      const sizes = counted.map((values) => values.length);
      const cell = cellOf({ metric: 'scores', phase, variant }, sums, sizes);
      const { meanY, m2Y, meanD, m2D, coMoment } = cell;
      const m3Y = sums.reduce((sum, y) => sum + (y - meanY) ** 3, 0);
      return {
        ...cell,
        ...{ meanY: close9(meanY), m2Y: close9(m2Y), m3Y: close9(m3Y), meanD: close9(meanD) },
        ...{ m2D: close9(m2D), coMoment: close9(coMoment) },
      };
    }),
  };
}

describe('segments', () => {
  it('split the units by what their first enrolled request said, the largest twenty apart', async () => {
    const found = await rollups.segments(target, { attribute: 'country', metric: scores });
    const texts = units.map((unit) => ({ unit, text: unit.country?.toString() ?? null }));
    const byText = Map.groupBy(texts, ({ text }) => text);
    const ranked = [...byText.entries()]
      .flatMap(([text, all]) => (text === null ? [] : [{ text, all: all.map(({ unit }) => unit) }]))
      .sort((a, b) => b.all.length - a.all.length || (a.text < b.text ? -1 : 1));
    expect(ranked).toHaveLength(27);
    expect(found).toEqual([
      ...ranked.slice(0, 20).map(({ text, all }) => expected({ kind: 'value', value: text }, all)),
      expected(
        { kind: 'other', values: 7 },
        ranked.slice(20).flatMap(({ all }) => all),
      ),
      expected(
        { kind: 'missing', value: null },
        texts.filter(({ text }) => text === null).map(({ unit }) => unit),
      ),
    ]);
    expect(found[0]?.unitCells.reduce((sum, { crossovers }) => sum + crossovers, 0)).toBe(1);
  });

  it('add up to the cells of the experiment', async () => {
    const found = await rollups.segments(target, { attribute: 'country', metric: scores });
    const { metricCells } = await rollups.cells(target);
    const total = (cells: readonly MetricCell[]): number =>
      cells.reduce((sum, { n, meanY }) => sum + n * meanY, 0);
    const parts = total(found.flatMap((one) => one.metricCells));
    expect(parts).toBeCloseTo(total(metricCells), 9);
  });

  it('of a field that nobody captured are one, without a value', async () => {
    const found = await rollups.segments(target, { attribute: 'no', metric: scores });
    expect(found.map(({ segment }) => segment)).toEqual([{ kind: 'missing', value: null }]);
  });

  it('of another epoch are refused', async () => {
    const of = { attribute: 'country', metric: scores };
    await expect(rollups.segments({ ...target, epoch: 2 }, of)).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});
