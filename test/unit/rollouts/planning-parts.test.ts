import { describe, expect, it } from 'vitest';
import {
  type ArmDraws,
  type ArmModel,
  cellOf,
  controlModel,
  draw,
  modelAt,
  NO_DRAWS,
  unitVariance,
} from '../../../src/rollouts/planning/arm.js';
import { plannedMetrics } from '../../../src/rollouts/planning/baseline.js';
import {
  observationsOf,
  type SeenOutcome,
  type SeenRequest,
  trafficOf,
} from '../../../src/rollouts/planning/observed.js';
import { binomial, chiSquare, normal, randomOf } from '../../../src/rollouts/planning/random.js';
import { requiredUnits, testSizes } from '../../../src/rollouts/planning/sample-size.js';
import { daysFor, timelineOf, unitsBy } from '../../../src/rollouts/planning/timeline.js';
import {
  designOf,
  errorRate,
  guards,
  latency,
  mistakes,
  revenue,
  success,
} from '../../support/evidence.js';

const DAY_MS = 86_400_000;
const DRAWS = 4_000;

function momentsOf(draw: () => number): { readonly mean: number; readonly variance: number } {
  const values = Array.from({ length: DRAWS }, draw);
  const mean = values.reduce((sum, value) => sum + value, 0) / DRAWS;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (DRAWS - 1) };
}

/** Within five standard errors of a mean of the draws. */
function expectMean(mean: number, expected: number, variance: number): void {
  expect(Math.abs(mean - expected)).toBeLessThan(5 * Math.sqrt(variance / DRAWS));
}

describe('draws', () => {
  it.each([
    [20, 0.3],
    [5_000, 0.001],
    [5_000, 0.4],
    [1_000_000_000, 0.97],
    [7, 1],
    [7, 0],
  ])('of %d trials at %d have the moments of a binomial', (n, p) => {
    const random = randomOf(n, 1);
    const { mean, variance } = momentsOf(() => {
      const successes = binomial(random, n, p);
      expect(Number.isInteger(successes) && successes >= 0 && successes <= n).toBe(true);
      return successes;
    });
    const expected = n * p * (1 - p);
    if (expected === 0) expect(mean).toBe(n * p);
    else expectMean(mean, n * p, expected);
    expect(Math.abs(variance - expected)).toBeLessThanOrEqual(0.15 * expected);
  });

  it('have the moments of a normal and of a chi-square', () => {
    const random = randomOf(3, 1);
    const ofNormal = momentsOf(() => normal(random));
    expectMean(ofNormal.mean, 0, 1);
    expect(ofNormal.variance).toBeCloseTo(1, 0);
    for (const df of [1, 2.5, 40]) {
      const { mean, variance } = momentsOf(() => chiSquare(random, df));
      expectMean(mean, df, 2 * df);
      expect(Math.abs(variance - 2 * df)).toBeLessThan(0.5 * df);
    }
  });
});

describe('an arm', () => {
  const models: readonly (readonly [string, ArmModel, number])[] = [
    [
      'shares of units',
      controlModel({ value: 0.1, standardDeviation: 0.3, requestsPerUnit: 1 }, true),
      0.1,
    ],
    [
      'clustered events of requests',
      controlModel({ value: 0.05, standardDeviation: 0.1, requestsPerUnit: 10 }, true),
      0.05,
    ],
    ['values', controlModel({ value: 120, standardDeviation: 60, requestsPerUnit: 4 }, false), 120],
  ];

  it.each(models)(
    'of %s has the value and the variance that it is given',
    (_what, model, value) => {
      const random = randomOf(5, 1);
      const units = 200_000;
      let draws: ArmDraws = NO_DRAWS;
      for (let batch = 0; batch < 4; batch += 1) draws = draw(random, model, draws, units / 4);
      const cell = cellOf({ metric: 'm', phase: 1, variant: 'v', pending: 0 }, model, draws);
      expect(cell.n).toBe(units);
      const found = cell.meanY / cell.meanD;
      const error = Math.sqrt(unitVariance(model) / units);
      expect(Math.abs(found - value)).toBeLessThan(5 * error);
      const variance = cell.m2Y / (units - 1) / cell.meanD ** 2;
      expect(variance / unitVariance(model)).toBeCloseTo(1, 1);
    },
  );

  it('of clustered events has the deviation that was given, also at no events and at another rate', () => {
    const [, [, clustered]] = models as [never, readonly [string, ArmModel, number]];
    expect(Math.sqrt(unitVariance(clustered))).toBeCloseTo(0.1, 6);
    expect(unitVariance(modelAt(clustered, 0))).toBe(0);
    expect(unitVariance(modelAt(clustered, 0.1))).toBeGreaterThan(unitVariance(clustered));
  });
});

describe('sample sizes', () => {
  const assume = {
    mistakes: { control: 0.2 },
    revenue: { control: 10, standardDeviation: 20 },
    error_rate: { control: 0 },
    latency_ms: { control: 100, standardDeviation: 50 },
  };
  const design = designOf({
    metrics: [
      success(mistakes),
      success(revenue),
      guards(errorRate, { absolute: 0.02 }),
      guards(latency, { relative: 0.1 }),
    ],
    analysis: { ...designOf().analysis, minimumDetectableEffect: { relative: 0.1 } },
  });
  const sizes = testSizes(design, plannedMetrics(design, { assume, observed: new Map() }));

  it('share alpha among success metrics and beta among guardrails', () => {
    expect(sizes.map(({ alpha }) => alpha)).toEqual([0.025, 0.025, 0.05, 0.05]);
    expect(sizes[2]!.power).toBeCloseTo(1 - 0.2 / 3, 12);
  });

  it('are those of the textbook', () => {
    // ((z_.9875 + z_.8) / 1)^2 x 2 x 400
    expect(sizes[1]!.fixedHorizon!.control).toBe(Math.ceil((2.241403 + 0.841621) ** 2 * 800));
    // ((z_.95 + z_.9333) / 10)^2 x 50^2 x (1 + 1.1^2)
    const z = 1.644854 + 1.501086;
    expect(sizes[3]!.fixedHorizon!.control).toBe(Math.ceil((z / 10) ** 2 * 2500 * 2.21));
  });

  it('need evidence even where the control has no event at all', () => {
    expect(sizes[2]!.fixedHorizon!.control).toBeGreaterThanOrEqual(500);
  });

  it('are met together by the largest', () => {
    expect(requiredUnits(sizes)).toBe(
      Math.max(...sizes.map(({ sequential }) => sequential!.total)),
    );
  });
});

describe('the expected course', () => {
  const design = designOf({
    steps: [
      { coverage: 0.1, hold: { durationMs: 2 * DAY_MS, minUnits: 0, approval: false } },
      { coverage: 0.5, hold: { durationMs: 0, minUnits: 0, approval: false } },
      { coverage: 1, hold: { durationMs: 0, minUnits: 0, approval: false } },
    ],
  });

  it('enrols twice the coverage while it holds, then everybody', () => {
    const timeline = timelineOf(design, 1000);
    expect(unitsBy(timeline, 2 * DAY_MS)).toBeCloseTo(400, 6);
    expect(unitsBy(timeline, 3 * DAY_MS)).toBeCloseTo(1400, 6);
    expect(daysFor(design, 1000, 1400)).toBeCloseTo(3, 6);
  });

  it('stays in a step until there is the minimum evidence', () => {
    expect(daysFor(design, 100, 400)).toBeGreaterThan(10);
  });
});

describe('recent events', () => {
  const nowMs = 100 * DAY_MS;
  const requests: SeenRequest[] = Array.from({ length: 300 }, (_, index) => ({
    requestId: `request-${String(index)}`,
    unitKey: `unit-${String(index % 150)}`,
    atMs: nowMs - DAY_MS + index,
    version: index % 150 < 120 ? 'v1' : 'v2',
    latencyMs: 10 + (index % 2),
    error: index % 10 === 0,
    timeout: false,
    fallback: false,
    captured: { spam: true },
  }));
  const outcomes: SeenOutcome[] = requests
    .slice(0, 150)
    .map(({ requestId, unitKey, atMs }, index) => ({
      ...{ requestId, unitKey, atMs, name: 'is_spam' },
      value: index % 4 === 0 ? 0 : 1,
    }));
  const recent = { requests, outcomes, nowMs };

  it('give the control of the asked version, per unit', () => {
    const design = designOf({ metrics: [success(mistakes), guards(latency, { relative: 0.1 })] });
    const found = observationsOf(design.metrics, 'v1', recent);
    expect(found.get('mistakes')).toMatchObject({ value: 0.25, requestsPerUnit: 1, units: 120 });
    expect(found.get('latency_ms')).toMatchObject({ value: 10.5, requestsPerUnit: 2, units: 120 });
  });

  it('give units per day, and a reason where they do not', () => {
    expect(trafficOf(recent).unitsPerDay).toBeCloseTo(150, 0);
    expect(trafficOf({ ...recent, requests: [] })).toMatchObject({
      unitsPerDay: null,
      unitsSeen: 0,
    });
    const young = trafficOf({ ...recent, nowMs: nowMs - DAY_MS + 1000 });
    expect(young.unitsPerDay).toBeNull();
    expect(young.reason).toContain('hour');
  });

  it('of too few units are no baseline', () => {
    const observed = new Map([
      [
        'mistakes',
        { value: 0.2, standardDeviation: 0.4, requestsPerUnit: 1, units: 20, covariate: null },
      ],
    ]);
    const design = designOf({ metrics: [success(mistakes)] });
    expect(() => plannedMetrics(design, { assume: {}, observed })).toThrow(/assume\/mistakes/);
  });
});
