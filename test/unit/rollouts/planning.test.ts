import { describe, expect, it } from 'vitest';
import type { FrozenDesign } from '../../../src/experiments/experiment.js';
import { type Assumption, plannedMetrics } from '../../../src/rollouts/planning/baseline.js';
import {
  type Characteristics,
  characteristicsOf,
  type Scenario,
  scenariosOf,
} from '../../../src/rollouts/planning/characteristics.js';
import { randomOf } from '../../../src/rollouts/planning/random.js';
import { replicate } from '../../../src/rollouts/planning/simulate.js';
import { designOf, errorRate, guards, latency, revenue, success } from '../../support/evidence.js';

const RUNS = 150;

function scenarios(
  design: FrozenDesign,
  assume: Readonly<Record<string, Assumption>>,
  unitsPerDay: number,
): readonly Scenario[] {
  const metrics = plannedMetrics(design, { assume, observed: new Map() });
  return scenariosOf(design, metrics, unitsPerDay);
}

function run(scenario: Scenario, runs = RUNS): Characteristics {
  const endings = Array.from({ length: runs }, (_, index) =>
    replicate(scenario.world, randomOf(1, index)),
  );
  return characteristicsOf(scenario, endings, true);
}

const DAY_MS = 86_400_000;
const base = designOf().analysis;
const canary = designOf({
  analysis: {
    ...base,
    minimumDetectableEffect: { absolute: 0.04 },
    plannedUnits: 6000,
    intervalMs: 60_000,
    maxRuntimeMs: 14 * DAY_MS,
  },
});
const KNOWN = { mistakes: { control: 0.12 }, error_rate: { control: 0.005 } };

describe('the simulated policy', () => {
  const found = new Map(
    scenarios(canary, KNOWN, 1000).map((scenario) => [scenario.name, run(scenario)]),
  );
  const of = (name: string): Characteristics => found.get(name as Scenario['name'])!;

  it('promotes a version that is no better with at most its level, and rarely rolls it back', () => {
    const { promote, rollback } = of('no_effect');
    expect(promote.probability).toBeLessThanOrEqual(0.05 + 3 * promote.standardError);
    expect(rollback.probability).toBeLessThanOrEqual(0.05 + 3 * rollback.standardError);
  });

  it('promotes more often the larger the effect, and nearly always at twice the smallest effect', () => {
    const shares = ['no_effect', 'mde', 'twice_mde'].map((name) => of(name).promote.probability);
    expect(shares).toEqual([...shares].sort((left, right) => left - right));
    expect(of('mde').promote.probability).toBeGreaterThan(0.5);
    expect(of('twice_mde').promote.probability).toBeGreaterThanOrEqual(0.97);
    expect(of('twice_mde').medianUnitsToVerdict!).toBeLessThan(of('mde').medianUnitsToVerdict!);
  });

  it('keeps a version out whose guardrail is worse by the margin, however much it gains', () => {
    const { promote, rollback } = of('harm_at_margin');
    expect(promote.probability).toBeLessThanOrEqual(0.05 + 3 * promote.standardError);
    expect(of('harm_at_twice_margin').rollback.probability).toBeGreaterThanOrEqual(
      rollback.probability,
    );
    expect(of('harm_at_twice_margin').rollback.probability).toBeGreaterThan(0.97);
  });

  it('bakes before it promotes, and promotes all the same', () => {
    const baked = scenarios({ ...canary, bakeMs: DAY_MS }, KNOWN, 1000);
    const scenario = baked.find(({ name }) => name === 'twice_mde')!;
    const endings = Array.from({ length: 20 }, (_, index) =>
      replicate(scenario.world, randomOf(1, index)),
    );
    expect(new Set(endings.map(({ verdict }) => verdict))).toEqual(new Set(['promote']));
    const plain = scenarios(canary, KNOWN, 1000).find(({ name }) => name === 'twice_mde')!;
    const sooner = replicate(plain.world, randomOf(1, 0));
    expect(endings[0]!.atMs).toBeGreaterThanOrEqual(sooner.atMs + DAY_MS);
  });

  it('closes harmful arms one after the other, and rolls back with the last', () => {
    const variants = ['control', 'b', 'c', 'd'].map((name, index) => ({
      ...{ name, version: `v${index}`, control: index === 0, weight: 1 },
    }));
    const arms = scenarios({ ...canary, kind: 'ab', steps: [], variants }, KNOWN, 4000);
    const { world } = arms.find(({ name }) => name === 'harm_at_twice_margin')!;
    const verdicts = Array.from({ length: 10 }, (_, index) =>
      replicate(world, randomOf(2, index)),
    ).map(({ verdict }) => verdict);
    expect(new Set(verdicts)).toEqual(new Set(['rollback']));
  });

  it('accounts for every run', () => {
    for (const { promote, rollback, inconclusive } of found.values()) {
      const sum = promote.probability + rollback.probability + inconclusive.probability;
      expect(sum).toBeCloseTo(1, 12);
    }
  });

  it('says the same for the same seed and something else for another', () => {
    const { world } = scenarios(canary, KNOWN, 1000)[1]!;
    const endings = (seed: number) =>
      Array.from({ length: 20 }, (_, index) => replicate(world, randomOf(seed, index)));
    expect(endings(7)).toEqual(endings(7));
    expect(endings(7)).not.toEqual(endings(8));
  });
});

describe('means and requests', () => {
  it('finds an effect on a mean and stops harm to a rate of requests', () => {
    const design = designOf({
      kind: 'ab',
      steps: [],
      metrics: [
        success(revenue),
        guards(latency, { relative: 0.1 }),
        guards(errorRate, { absolute: 0.02 }),
      ],
      analysis: {
        ...canary.analysis,
        minimumDetectableEffect: { relative: 0.1 },
        plannedUnits: 8000,
      },
    });
    const assume = {
      revenue: { control: 10, standardDeviation: 12 },
      latency_ms: { control: 120, standardDeviation: 60, requestsPerUnit: 8 },
      error_rate: { control: 0.01, standardDeviation: 0.05, requestsPerUnit: 8 },
    };
    const [none, , twice, margin] = scenarios(design, assume, 2000).map((each) => run(each, 60));
    expect(none!.promote.probability).toBeLessThanOrEqual(0.05 + 3 * none!.promote.standardError);
    expect(twice!.promote.probability).toBeGreaterThan(0.9);
    expect(margin!.promote.probability).toBeLessThanOrEqual(
      0.05 + 3 * margin!.promote.standardError,
    );
  });

  it('waits for windows: nothing is decided before they pass', () => {
    const design = {
      ...canary,
      metrics: canary.metrics.map((metric) => ({
        ...metric,
        definition: { ...metric.definition, windowMs: 3 * DAY_MS },
      })),
    };
    const twice = scenarios(design, KNOWN, 100_000).find(({ name }) => name === 'twice_mde')!;
    const { medianDaysToVerdict } = run(twice, 20);
    expect(medianDaysToVerdict).toBeGreaterThan(3);
  });
});
