import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import type { MetricCell, MetricDefinition } from '../../../src/metrics/metric.js';
import type { MetricAssessment, TestResult } from '../../../src/statistics/assessment.js';
import { cellOf, designOf, evidenceOf, phaseOf, revenue, success } from '../../support/evidence.js';
import { randomFrom } from './random.js';

/** Control to variant as 19 to 1. */
const phases = [{ ...phaseOf(1), coverage: 0.05, shares: { control: 0.95, v2: 0.05 } }];

function withThird(cell: MetricCell, values: readonly number[]): MetricCell {
  return { ...cell, m3Y: values.reduce((sum, y) => sum + (y - cell.meanY) ** 3, 0) };
}

function assessed(cells: readonly MetricCell[], definition: MetricDefinition): MetricAssessment {
  const design = designOf({ metrics: [success(definition)], steps: [] });
  const [found] = assess(evidenceOf(cells, { design, phases })).metrics;
  if (found === undefined) throw new Error('one metric was assessed');
  return found;
}

/** `n` values of which every fiftieth is 50 and the others 0: mean 1, skewness 6.86. */
function payments(n: number): readonly number[] {
  return Array.from({ length: n }, (_, index) => (index % 50 === 0 ? 50 : 0));
}

const SKEWNESS = 48 / 7;

function cellsOf(controlUnits: number, treatmentUnits: number): readonly MetricCell[] {
  const cell = (variant: string, n: number): MetricCell =>
    withThird(cellOf({ metric: 'revenue', variant }, payments(n)), payments(n));
  return [cell('control', controlUnits), cell('v2', treatmentUnits)];
}

/** 355 skewness^2 units, as many as the larger arm leaves to ask for. */
function needed(smaller: number, larger: number): number {
  const imbalance = (larger - smaller) ** 2 / (larger * (smaller + larger));
  return Math.ceil(355 * SKEWNESS ** 2 * imbalance);
}

describe('a mean of skewed values', () => {
  it('is not tested in a small arm beside a large one, for better or worse, and says how many units it needs', () => {
    const { superiority, deterioration } = assessed(cellsOf(19_000, 1_000), revenue);
    const need = needed(1_000, 19_000);
    expect(need).toBe(14_233);
    for (const result of [superiority, deterioration]) {
      expect(result).toEqual({ kind: 'insufficient', reason: 'too_skewed', have: 1_000, need });
    }
  });

  it('is tested once there are 355 units per squared skewness, as far as the arms are uneven', () => {
    const short = cellsOf(19 * 14_200, 14_200);
    expect(assessed(short, revenue).superiority).toMatchObject({ need: 14_233 });
    const enough = cellsOf(19 * 14_250, 14_250);
    expect(assessed(enough, revenue).superiority).toMatchObject({ kind: 'tested' });
    // less uneven, fewer: 1,500 are enough beside 1,750
    expect(needed(1_500, 1_750)).toBeLessThan(1_500);
    expect(assessed(cellsOf(1_750, 1_500), revenue).superiority).toMatchObject({ kind: 'tested' });
  });

  it('is tested from the usual minimum on where the arms are equally large', () => {
    expect(assessed(cellsOf(200, 200), revenue).superiority).toMatchObject({ kind: 'tested' });
  });

  it('is tested when its values are cut at a cap', () => {
    const capped = { ...revenue, winsorizeAt: 50 };
    expect(assessed(cellsOf(19_000, 1_000), capped).superiority).toMatchObject({ kind: 'tested' });
  });

  it('is tested as before in evidence that was stored without third moments', () => {
    const [control, v2] = cellsOf(19_000, 1_000);
    const { m3Y: ofControl, ...before } = control ?? {};
    expect(ofControl).toBeGreaterThan(0);
    const mixed = [before as MetricCell, v2 as MetricCell];
    expect(assessed(mixed, revenue).superiority).toMatchObject({ kind: 'tested' });
  });
});

const REPLICATIONS = 150;
const LOOKS = 20;
const TREATED_PER_LOOK = 20;

/** exp(sigma Z), Box and Muller (1958). */
function lognormal(random: () => number, sigma: number): number {
  const z = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(sigma * z);
}

function hasPassed(result: TestResult | null): boolean {
  return result?.kind === 'tested' && result.passed;
}

/** Whether equal arms, 19 to 1, are told apart at some look: with third moments in the cells, and without. */
function falseAlarms(seed: number): { readonly guarded: boolean; readonly unguarded: boolean } {
  const random = randomFrom(seed);
  const arms: Readonly<Record<string, number[]>> = { control: [], v2: [] };
  const found = { guarded: false, unguarded: false };
  for (let look = 0; look < LOOKS; look += 1) {
    const plain = Object.entries(arms).map(([variant, values]) => {
      const more = variant === 'control' ? 19 * TREATED_PER_LOOK : TREATED_PER_LOOK;
      for (let unit = 0; unit < more; unit += 1) values.push(lognormal(random, 1.5));
      return { values, cell: cellOf({ metric: 'revenue', variant }, values) };
    });
    const unguarded = assessed(
      plain.map(({ cell }) => cell),
      revenue,
    );
    const guarded = assessed(
      plain.map(({ cell, values }) => withThird(cell, values)),
      revenue,
    );
    const alarm = (one: MetricAssessment): boolean =>
      hasPassed(one.superiority) || hasPassed(one.deterioration);
    found.guarded ||= alarm(guarded);
    found.unguarded ||= alarm(unguarded);
  }
  return found;
}

describe('equal arms of a lognormal metric, 19 to 1', () => {
  it('are told apart too often by the normal approximation alone, and not with the rule', () => {
    const runs = Array.from({ length: REPLICATIONS }, (_, seed) => falseAlarms(seed + 1));
    const share = (kind: 'guarded' | 'unguarded'): number =>
      runs.filter((run) => run[kind]).length / REPLICATIONS;
    expect(share('unguarded')).toBeGreaterThan(0.1);
    expect(share('guarded')).toBeLessThanOrEqual(0.05);
  });
});
