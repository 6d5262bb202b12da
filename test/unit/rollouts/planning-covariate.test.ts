import { describe, expect, it } from 'vitest';
import type { FrozenDesign } from '../../../src/experiments/experiment.js';
import type { MetricCell } from '../../../src/metrics/metric.js';
import {
  type ArmDraws,
  cellOf,
  controlModel,
  draw,
  NO_DRAWS,
} from '../../../src/rollouts/planning/arm.js';
import {
  type Assumption,
  type PlannedMetric,
  plannedMetrics,
} from '../../../src/rollouts/planning/baseline.js';
import { characteristicsOf, scenariosOf } from '../../../src/rollouts/planning/characteristics.js';
import { observationsOf, type SeenOutcome } from '../../../src/rollouts/planning/observed.js';
import { randomOf } from '../../../src/rollouts/planning/random.js';
import {
  covariateSavings,
  detectableEffects,
  testSizes,
} from '../../../src/rollouts/planning/sample-size.js';
import { replicate } from '../../../src/rollouts/planning/simulate.js';
import { designOf, latency, revenue, success } from '../../support/evidence.js';

const DAY_MS = 86_400_000;
const adjusted = { ...revenue, covariate: { lookbackMs: 7 * DAY_MS } };
const converted = {
  ...adjusted,
  name: 'converted',
  kind: 'proportion',
  numerator: { ...revenue.numerator, aggregation: 'any' },
} as const;

function designWith(definition: typeof revenue, relative = 0.1): FrozenDesign {
  const analysis = {
    ...designOf().analysis,
    minimumDetectableEffect: { relative },
    plannedUnits: 4_000,
    maxRuntimeMs: 14 * DAY_MS,
    intervalMs: 60_000,
  };
  return designOf({ kind: 'ab', steps: [], metrics: [success(definition)], analysis });
}

function planned(design: FrozenDesign, assumption: Assumption): readonly PlannedMetric[] {
  const name = design.metrics[0]?.definition.name ?? '';
  return plannedMetrics(design, { assume: { [name]: assumption }, observed: new Map() });
}

const PAYMENTS = { control: 10, standardDeviation: 12 };
const FOLLOWS = { ...PAYMENTS, covariateCorrelation: 0.8 };

function correlationIn({ m2Y, covariate }: MetricCell): number {
  if (covariate === null) return 0;
  return covariate.coMomentXY / Math.sqrt(m2Y * covariate.m2X);
}

describe('an arm whose units have a past', () => {
  const figures = { value: 0.2, standardDeviation: 0.4, requestsPerUnit: 1 };
  it.each([
    ['values', controlModel({ ...figures, value: 10, standardDeviation: 12 }, false), 10, 144],
    ['shares', controlModel(figures, true), 0.2, 0.16],
  ] as const)('draws %s with the moments and the correlation given', (_, plain, mean, variance) => {
    const random = randomOf(11, 1);
    const model = { ...plain, correlation: -0.6 };
    const units = 200_000;
    let draws: ArmDraws = NO_DRAWS;
    for (let batch = 0; batch < 20; batch += 1) draws = draw(random, model, draws, units / 20);
    const cell = cellOf({ metric: 'm', phase: 1, variant: 'v', pending: 0 }, model, draws);
    expect(Math.abs(cell.meanY - mean)).toBeLessThan(5 * Math.sqrt(variance / units));
    expect(cell.m2Y / (units - 1) / variance).toBeCloseTo(1, 1);
    expect(cell.covariate?.unitsWithData).toBe(units);
    expect(Math.abs(cell.covariate?.meanX ?? 1)).toBeLessThan(5 / Math.sqrt(units));
    expect((cell.covariate?.m2X ?? 0) / (units - 1)).toBeCloseTo(1, 1);
    expect(correlationIn(cell)).toBeCloseTo(-0.6, 2);
  });

  it('has cells without a covariate where nothing is adjusted', () => {
    const model = controlModel(figures, true);
    const draws = draw(randomOf(1, 1), model, NO_DRAWS, 100);
    const cell = cellOf({ metric: 'm', phase: 1, variant: 'v', pending: 0 }, model, draws);
    expect(cell.covariate).toBeNull();
  });
});

describe('a plan with a covariate', () => {
  const design = designWith(adjusted);

  it('needs 1 - correlation^2 of the units, and shows a smaller effect with those that are planned', () => {
    const [plain] = testSizes(design, planned(design, PAYMENTS));
    const [less] = testSizes(design, planned(design, FOLLOWS));
    const ratio = (less?.fixedHorizon?.control ?? 0) / (plain?.fixedHorizon?.control ?? 1);
    expect(ratio).toBeCloseTo(0.36, 2);
    const mde = (assumption: Assumption): number =>
      detectableEffects(design, planned(design, assumption))[0]?.fixedHorizon ?? 0;
    expect(mde(FOLLOWS) / mde(PAYMENTS)).toBeCloseTo(0.6, 2);
  });

  it('says what is saved, and what to give where nobody knows', () => {
    const [saving] = covariateSavings(design, planned(design, FOLLOWS));
    expect(saving).toMatchObject({ metric: 'revenue', correlation: 0.8, source: 'assumed' });
    expect(saving?.savedUnits).toBe((saving?.unitsWithout ?? 0) - (saving?.unitsWith ?? 0));
    expect((saving?.unitsWith ?? 0) / (saving?.unitsWithout ?? 1)).toBeCloseTo(0.36, 2);
    const [unknown] = covariateSavings(design, planned(design, PAYMENTS));
    expect(unknown).toMatchObject({ correlation: null, varianceReduction: 0, savedUnits: 0 });
    expect(unknown?.note).toContain('assume.revenue.covariateCorrelation');
    const without = designWith(revenue);
    expect(covariateSavings(without, planned(without, PAYMENTS))).toEqual([]);
  });

  it('refuses a correlation of a metric that is not adjusted', () => {
    for (const definition of [revenue, { ...latency, covariate: { lookbackMs: DAY_MS } }]) {
      expect(() => planned(designWith(definition), FOLLOWS)).toThrow(/covariateCorrelation/);
    }
  });

  it.each([
    ['a mean', adjusted, PAYMENTS, 0.1],
    ['a share', converted, { control: 0.2 }, 0.15],
  ] as const)(
    'promotes %s more often and earlier, and no more often without an effect',
    (...row) => {
      const [, definition, assumption, relative] = row;
      const run = (more: Partial<Assumption>) => {
        const own = designWith(definition, relative);
        const scenarios = scenariosOf(own, planned(own, { ...assumption, ...more }), 250);
        return scenarios.slice(0, 2).map((scenario) => {
          const endings = Array.from({ length: 120 }, (_, index) =>
            replicate(scenario.world, randomOf(3, index)),
          );
          return characteristicsOf(scenario, endings, true);
        });
      };
      const [none, plain] = run({});
      const [noneAdjusted, less] = run({ covariateCorrelation: 0.8 });
      expect(less?.promote.probability).toBeGreaterThan((plain?.promote.probability ?? 1) + 0.1);
      expect(less?.medianUnitsToVerdict ?? Infinity).toBeLessThan(
        plain?.medianUnitsToVerdict ?? Infinity,
      );
      for (const found of [none, noneAdjusted]) {
        const { probability = 1, standardError = 0 } = found?.promote ?? {};
        expect(probability).toBeLessThanOrEqual(0.05 + 3 * standardError);
      }
    },
  );
});

describe('recent events', () => {
  const nowMs = Date.UTC(2026, 3, 20);
  const seenMs = nowMs - DAY_MS;

  function recentOf(unitsWithPast: number) {
    const units = Array.from({ length: 400 }, (_, index) => index);
    const requests = units.map((unit) => ({
      ...{
        requestId: `r${String(unit)}`,
        unitKey: `u${String(unit)}`,
        atMs: seenMs,
        version: 'v1',
      },
      ...{ latencyMs: 5, error: false, timeout: false, fallback: false, captured: null },
    }));
    const paid = (unit: number, atMs: number, value: number): SeenOutcome => ({
      ...{ requestId: null, unitKey: `u${String(unit)}`, name: 'revenue', value, atMs },
    });
    const outcomes = units.flatMap((unit) => [
      ...(unit < unitsWithPast ? [paid(unit, seenMs - DAY_MS, unit % 20)] : []),
      // longer ago than the look-back: not its business
      paid(unit, seenMs - 8 * DAY_MS, 1e6 * (unit % 7)),
      paid(unit, seenMs + 1, 4 * (unit % 20) + 3 * Math.floor(unit / 20)),
    ]);
    return { requests, outcomes, nowMs };
  }

  it('say how strongly a metric follows the past of its units', () => {
    const { metrics } = designWith(adjusted);
    const covariate = observationsOf(metrics, 'v1', recentOf(400)).get('revenue')?.covariate;
    expect(covariate).toMatchObject({ units: 400, unitsWithData: 400 });
    expect(covariate?.correlation).toBeCloseTo(0.8, 12);
  });

  it('say nothing of it with too few units that have a past, or for a metric without covariate', () => {
    const { metrics } = designWith(adjusted);
    expect(observationsOf(metrics, 'v1', recentOf(99)).get('revenue')?.covariate).toBeNull();
    const plain = designWith(revenue).metrics;
    expect(observationsOf(plain, 'v1', recentOf(400)).get('revenue')?.covariate).toBeNull();
  });
});
