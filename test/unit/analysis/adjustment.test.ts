import { describe, expect, it } from 'vitest';
import type { MetricCell } from '../../../src/metrics/metric.js';
import { cupedDifference } from '../../../src/statistics/cuped.js';
import { pairedMomentsOf } from '../../../src/statistics/moments.js';
import {
  cellOf,
  designOf,
  evidenceOf,
  guards,
  phaseOf,
  revenue,
  success,
} from '../../support/evidence.js';
import { assess } from '../../../src/analysis/assess.js';
import { looker, metricIn } from '../../support/looks.js';
import { randomFrom } from './random.js';

type Row = readonly [y: number, x: number];

const adjusted = { ...revenue, covariate: { lookbackMs: 604_800_000 } };
const design = designOf({ metrics: [success(adjusted)] });

/** n units whose outcome follows what they did before: x, plus noise, plus the effect. */
function rowsOf(n: number, seed: number, effect = 0, level = 0): Row[] {
  const random = randomFrom(seed);
  return Array.from({ length: n }, () => {
    const x = level + random() * 10;
    return [2 * x + random() * 6 + effect, x];
  });
}

function cell(
  variant: string,
  rows: readonly Row[],
  phase = 1,
  withData = rows.length,
): MetricCell {
  const { meanD: meanX, m2D: m2X, coMoment } = pairedMomentsOf(rows);
  const plain = cellOf(
    { metric: 'revenue', variant, phase },
    rows.map(([y]) => y),
  );
  const covariate = { unitsWithData: withData, meanX, m2X, coMomentXY: coMoment };
  return { ...plain, covariate };
}

const found = (cells: readonly MetricCell[], of = design) =>
  metricIn(assess(evidenceOf(cells, { design: of, phases: [phaseOf(1), phaseOf(2)] })), 'revenue');

describe('an adjusted difference', () => {
  const control = rowsOf(400, 11);
  const treatment = rowsOf(500, 23, 1);

  it('is CUPED with the slope inside the arms, and says so', () => {
    const metric = found([cell('control', control), cell('v2', treatment)]);
    const reference = cupedDifference({
      control: pairedMomentsOf(control),
      treatment: pairedMomentsOf(treatment),
      theta: 'pooled_within',
      alpha: 0.05,
      alternative: 'two-sided',
    });
    if (reference.kind !== 'value') throw new Error('estimable');
    const { estimate, standardError, theta } = reference.value;
    expect(metric.effect).toBeCloseTo(estimate, 10);
    expect(metric.standardError).toBeCloseTo(standardError, 10);
    if (metric.adjustment.kind !== 'cuped') throw new Error('adjusted');
    expect(metric.adjustment.theta).toBeCloseTo(theta, 12);
    expect(metric.adjustment.varianceReduction).toBeGreaterThan(0.85);
  });

  it('does not move when every covariate is shifted or scaled', () => {
    const moved = (rows: readonly Row[]): Row[] => rows.map(([y, x]) => [y, 1e6 - 3 * x]);
    const one = found([cell('control', control), cell('v2', treatment)]);
    const other = found([cell('control', moved(control)), cell('v2', moved(treatment))]);
    expect(other.effect).toBeCloseTo(one.effect ?? 0, 8);
    expect(other.standardError).toBeCloseTo(one.standardError ?? 0, 8);
    expect(other.lift?.lower).toBeCloseTo(one.lift?.lower ?? 0, 6);
  });

  it('takes an imbalance before the exposure out, which the plain difference shows as an effect', () => {
    const imbalanced = rowsOf(500, 23, 0, 1);
    const cells = [cell('control', control), cell('v2', imbalanced)];
    const plain = found(cells.map((one) => ({ ...one, covariate: null })));
    expect(plain.adjustment).toEqual({ kind: 'none', reason: 'no_units' });
    expect(plain.effect).toBeGreaterThan(1);
    expect(Math.abs(found(cells).effect ?? 9)).toBeLessThan(0.3);
  });

  it('compares inside phases with one slope over all of them', () => {
    // the later phase has a higher level of covariate and outcome, and another split
    const parts = [
      rowsOf(300, 3),
      rowsOf(300, 5, 1),
      rowsOf(200, 7, 50, 40),
      rowsOf(600, 9, 51, 40),
    ];
    const [c1 = [], t1 = [], c2 = [], t2 = []] = parts;
    const cells = [cell('control', c1), cell('v2', t1), cell('control', c2, 2), cell('v2', t2, 2)];
    const metric = found(cells);
    expect(metric.effect).toBeCloseTo(1, 0);
    if (metric.adjustment.kind !== 'cuped') throw new Error('adjusted');
    expect(metric.adjustment.theta).toBeCloseTo(2, 1);
  });

  it('enters tests against a relative margin with both arms at a common past', () => {
    const guarded = designOf({ metrics: [guards(adjusted, { relative: 0.1 })] });
    const rows = { control: rowsOf(4000, 1), treatment: rowsOf(4000, 2, 0, 1) };
    const cells = [cell('control', rows.control), cell('v2', rows.treatment)];
    const test = found(cells, guarded).nonInferiority;
    if (test?.kind !== 'tested') throw new Error('tested');
    // treatment - .9 control at the common past: a tenth of the level of about 14
    expect(test.passed).toBe(true);
    expect(test.bound).toBeGreaterThan(1.25);
    expect(test.bound).toBeLessThan(1.4);
  });
});

describe('a difference stays unadjusted', () => {
  const [control, treatment] = [rowsOf(4000, 11), rowsOf(4000, 23, 1)];
  const arms = (withData: number) => [
    cell('control', control, 1, withData),
    cell('v2', treatment, 1, withData),
  ];

  it.each([
    ['without a covariate', 'no_covariate', success(revenue), arms(4000)],
    ['below 5 % of units with a past', 'too_few_units_with_data', success(adjusted), arms(199)],
    [
      'below 100 units with a past',
      'too_few_units_with_data',
      success(adjusted),
      [cell('control', control.slice(0, 200), 1, 49), cell('v2', treatment.slice(0, 200), 1, 50)],
    ],
    [
      'where everybody has the same past',
      'constant_covariate',
      success(adjusted),
      arms(4000).map((one) => ({
        ...one,
        covariate: { unitsWithData: 4000, meanX: 1, m2X: 0, coMomentXY: 0 },
      })),
    ],
  ])('%s', (_when, reason, metric, cells) => {
    const plain = found(cells, designOf({ metrics: [metric] }));
    expect(plain.adjustment).toEqual({ kind: 'none', reason });
    const bare = cells.map((one) => ({ ...one, covariate: null }));
    expect(plain.effect).toBe(found(bare, designOf({ metrics: [success(revenue)] })).effect);
  });

  it('where it is one of ratios', () => {
    const perRequest = {
      ...adjusted,
      numerator: { ...adjusted.numerator, aggregation: 'mean' },
    } as const;
    const ratios = arms(4000).map((one, at) => ({ ...one, meanD: 2, m2D: 50 + at, coMoment: 9 }));
    const metric = found(ratios, designOf({ metrics: [success(perRequest)] }));
    expect(metric.adjustment).toEqual({ kind: 'none', reason: 'ratio' });
  });

  it('begins to be adjusted at 5 % and 100 units', () => {
    expect(found(arms(200)).adjustment.kind).toBe('cuped');
  });
});

it('keeps its level under peeking: adjusted A/A experiments promote in at most 5 %', () => {
  const RUNS = 300;
  let promoted = 0;
  for (let run = 1; run <= RUNS; run += 1) {
    const { look } = looker(designOf({ metrics: [success(adjusted)] }));
    const [control, treatment] = [rowsOf(600, run * 31), rowsOf(600, run * 57 + 1)];
    const passes = [150, 300, 450, 600].some((n) => {
      const cells = [cell('control', control.slice(0, n)), cell('v2', treatment.slice(0, n))];
      const test = metricIn(look(cells), 'revenue').superiority;
      return test?.kind === 'tested' && test.passed;
    });
    if (passes) promoted += 1;
  }
  expect(promoted / RUNS).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / RUNS));
});
