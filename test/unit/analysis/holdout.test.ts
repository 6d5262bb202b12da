import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import type {
  HoldoutEvidence,
  PeriodEvidence,
} from '../../../src/analysis/holdout/holdout-evidence.js';
import { isDue, isFinal, periodsOf } from '../../../src/analysis/holdout/holdout-evidence.js';
import type { FrozenDesign, Phase } from '../../../src/experiments/experiment.js';
import type { MetricCell } from '../../../src/metrics/metric.js';
import type { HoldoutAssessment, Promotion } from '../../../src/statistics/assessment.js';
import {
  cellOf,
  designOf,
  evidenceOf,
  latency,
  phaseOf,
  revenue,
  success,
} from '../../support/evidence.js';
import { randomFrom } from './random.js';

const DAY_MS = 86_400_000;
const UNITS = 400;
const PHASE: Phase = { ...phaseOf(1), shares: { holdout: 0.5, shipped: 0.5 } };

function design(overrides: Partial<FrozenDesign> = {}): FrozenDesign {
  return designOf({
    kind: 'holdout',
    variants: [
      { name: 'holdout', version: 'v1', control: true, weight: 1 },
      { name: 'shipped', version: 'v1', control: false, weight: 1 },
    ],
    metrics: [success(revenue)],
    steps: [],
    periodMs: DAY_MS,
    ...overrides,
  });
}

interface Made {
  readonly lift: number;
  readonly units?: number;
  readonly isWhole?: boolean;
}

/** Periods of a day each, of which the last goes on; revenue 10 per unit of the holdout, spread evenly by 20 %. */
function periodsWith(made: readonly Made[], metric = revenue.name): readonly PeriodEvidence[] {
  return made.map(({ lift, units = UNITS, isWhole = true }, index) => {
    const phase = index + 1;
    const values = (mean: number): number[] =>
      Array.from({ length: units }, (_, unit) => mean * (0.8 + (0.4 * unit) / (units - 1)));
    const cells: readonly MetricCell[] = [
      cellOf({ metric, variant: 'holdout', phase }, values(10)),
      cellOf({ metric, variant: 'shipped', phase }, values(10 * (1 + lift))),
    ];
    return {
      phase,
      startedAtMs: index * DAY_MS,
      endedAtMs: index === made.length - 1 ? null : (index + 1) * DAY_MS,
      readAtMs: 0,
      isFinal: false,
      isWhole,
      unitCells: ['holdout', 'shipped'].map((variant) => ({
        phase,
        variant,
        units,
        crossovers: 0,
      })),
      metricCells: isWhole ? cells : [],
    };
  });
}

function shown(
  periods: readonly PeriodEvidence[],
  promotions: readonly Promotion[],
  frozen = design(),
): HoldoutAssessment {
  const holdout: HoldoutEvidence = { share: 0.1, version: 'v1', promotions, periods };
  const found = assess(evidenceOf([], { design: frozen, phases: [PHASE], holdout })).holdout;
  if (found === undefined) throw new Error('a holdout is assessed as one');
  return found;
}

const promoted = (day: number, version = `v${day}`): Promotion => ({
  previous: 'v1',
  version,
  atMs: day * DAY_MS,
});

describe('the periods of a holdout', () => {
  it('are compared each by itself, with an interval around the lift at a stated level', () => {
    const { periods } = shown(periodsWith([{ lift: 0 }, { lift: 0.2 }]), []);
    expect(periods.map(({ period }) => period)).toEqual([1, 2]);
    const [first, second] = periods.map(({ metrics }) => metrics[0]);
    expect(first?.level).toBe(0.95);
    expect(first?.effect).toBeCloseTo(0, 10);
    expect(second?.lift?.estimate).toBeCloseTo(0.2, 10);
    expect(second?.lift?.lower).toBeLessThan(0.2);
    expect(second?.lift?.lower).toBeGreaterThan(0);
  });

  it('have no figures with fewer units than the design asks for, or when they were too large to read', () => {
    const { periods } = shown(
      periodsWith([
        { lift: 0.2, units: 99 },
        { lift: 0.2, isWhole: false },
      ]),
      [],
    );
    for (const { metrics } of periods)
      expect(metrics[0]).toMatchObject({ effect: null, lift: null });
    expect(periods.map(({ isWhole }) => isWhole)).toEqual([true, false]);
  });

  it('end where the next one begins', () => {
    const phases = [0, 5, 9].map((startedAtMs, index) => ({ ...phaseOf(index + 1), startedAtMs }));
    expect(periodsOf(phases).map(({ endedAtMs }) => endedAtMs)).toEqual([5, 9, null]);
  });

  it('are read again a hundred times in their length and when they end, until nothing can change them', () => {
    const [first] = periodsWith([{ lift: 0 }]);
    if (first === undefined) throw new Error('a period');
    const at = (nowMs: number) => ({ nowMs, periodMs: DAY_MS });
    expect(isDue(first, undefined, at(0))).toBe(true);
    expect(isDue(first, first, at(DAY_MS / 100 - 1))).toBe(false);
    expect(isDue(first, first, at(DAY_MS / 100))).toBe(true);
    expect(isDue({ ...first, endedAtMs: DAY_MS }, first, at(1))).toBe(true);
    expect(isDue(first, { ...first, isFinal: true }, at(DAY_MS * 9))).toBe(false);
  });

  it('are final once every window that was open at their end has closed, and a period has passed', () => {
    const period = { phase: 1, startedAtMs: 0, endedAtMs: DAY_MS };
    const at = (nowMs: number, windowMs: number | null) =>
      isFinal(period, { nowMs, periodMs: DAY_MS, windowsMs: [windowMs] });
    expect(at(2 * DAY_MS - 1, 1)).toBe(false);
    expect(at(2 * DAY_MS, 1)).toBe(true);
    expect(at(2 * DAY_MS, null)).toBe(true);
    expect(at(4 * DAY_MS - 1, 3 * DAY_MS)).toBe(false);
    expect(at(4 * DAY_MS, 3 * DAY_MS)).toBe(true);
    expect(
      isFinal({ ...period, endedAtMs: null }, { nowMs: 9e15, periodMs: 1, windowsMs: [] }),
    ).toBe(false);
  });
});

describe('the warning that the lift fell after a promotion', () => {
  const codes = (found: HoldoutAssessment) =>
    found.warnings.map(({ promotion, before, after }) => [
      promotion.version,
      before.period,
      after.period,
    ]);

  it('compares the last whole period before with the whole ones after, without the one of the promotion', () => {
    // promoted in the middle of period 3, in which the lift is mixed
    const made = [
      { lift: 0 },
      { lift: 0.5 },
      { lift: 9 },
      { lift: 0.1 },
      { lift: 0.5 },
      { lift: 0 },
    ];
    expect(codes(shown(periodsWith(made), [promoted(2.5, 'v9')]))).toEqual([['v9', 2, 4]]);
  });

  it('stays silent while intervals touch, for a fall that is not over, and when the lift rises', () => {
    const silent = (made: readonly Made[]) => codes(shown(periodsWith(made), [promoted(1.5)]));
    expect(silent([{ lift: 0.3 }, { lift: 0 }, { lift: 0.28 }, { lift: 0 }])).toEqual([]);
    expect(silent([{ lift: 0.5 }, { lift: 0 }, { lift: 0 }])).toEqual([]);
    expect(silent([{ lift: 0.1 }, { lift: 0 }, { lift: 0.5 }, { lift: 0 }])).toEqual([]);
  });

  it('counts a period for the promotion before it only', () => {
    const made = [
      { lift: 0.5 },
      { lift: 0 },
      { lift: 0.5 },
      { lift: 0 },
      { lift: 0.1 },
      { lift: 0 },
    ];
    const found = shown(periodsWith(made), [promoted(1.5, 'v2'), promoted(3.5, 'v3')]);
    expect(codes(found)).toEqual([['v3', 3, 5]]);
  });

  it('passes over periods with too few units', () => {
    const made = [
      { lift: 0.5 },
      { lift: 0, units: 50 },
      { lift: 0 },
      { lift: 0.1, units: 50 },
      { lift: 0.1 },
      { lift: 0 },
    ];
    expect(codes(shown(periodsWith(made), [promoted(2.5, 'v2')]))).toEqual([['v2', 1, 5]]);
  });

  it('turns metrics round of which less is better', () => {
    const frozen = design({ metrics: [success(latency)] });
    const worse = periodsWith(
      [{ lift: -0.5 }, { lift: 0 }, { lift: 0 }, { lift: 0 }],
      latency.name,
    );
    const found = shown(worse, [promoted(1.5, 'v2')], frozen);
    expect(codes(found)).toEqual([['v2', 1, 3]]);
    expect(found.warnings[0]?.before.estimate).toBeCloseTo(0.5, 10);
    const better = periodsWith(
      [{ lift: 0 }, { lift: 0 }, { lift: -0.5 }, { lift: 0 }],
      latency.name,
    );
    expect(codes(shown(better, [promoted(1.5)], frozen))).toEqual([]);
  });

  it('shares one alpha among all promotions and periods for ever', () => {
    const made = Array.from({ length: 60 }, (_, index) => ({ lift: index === 0 ? 5 : 0 }));
    const first = shown(periodsWith(made), [promoted(1)]).warnings;
    expect(first).toHaveLength(58);
    expect(first[0]?.alpha).toBeCloseTo(0.05 / 4, 12);
    expect(first.reduce((sum, { alpha }) => sum + alpha, 0)).toBeLessThan(0.05 / 2);
    const second = shown(periodsWith(made), [promoted(0), promoted(1)]).warnings;
    expect(second[0]?.alpha).toBeCloseTo(0.05 / (2 * 3) / 2, 12);
  });

  it('is wrong in at most alpha of the worlds in which a promotion changes nothing, units being the same', () => {
    const runs = 400;
    let wrong = 0;
    for (let run = 0; run < runs; run += 1) {
      const random = randomFrom(run + 1);
      // normal enough: a sum of four uniforms with variance 1
      const draw = (): number => Math.sqrt(3) * (random() + random() + random() + random() - 2);
      const people = ['holdout', 'shipped'].map((variant) => ({
        variant,
        levels: Array.from({ length: UNITS }, () => 10 + draw()),
      }));
      const periods = periodsWith(Array.from({ length: 8 }, () => ({ lift: 0 }))).map((period) => ({
        ...period,
        metricCells: people.map(({ variant, levels }) =>
          cellOf(
            { metric: revenue.name, variant, phase: period.phase },
            levels.map((level) => level * (variant === 'shipped' ? 1.1 : 1) + draw()),
          ),
        ),
      }));
      const frozen = design({
        analysis: { ...design().analysis, alpha: 0.2, plannedUnits: 2 * UNITS },
      });
      if (shown(periods, [promoted(2.5), promoted(4.5)], frozen).warnings.length > 0) wrong += 1;
    }
    // 3 standard errors above the bound; intervals at every look make it rarer by far
    expect(wrong / runs).toBeLessThan(0.2 + 3 * Math.sqrt((0.2 * 0.8) / runs));
  });
});
