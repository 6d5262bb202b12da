import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import type { Phase } from '../../../src/experiments/experiment.js';
import type { MetricCell } from '../../../src/metrics/metric.js';
import { holm } from '../../../src/statistics/multiplicity.js';
import { pooledZTest } from '../../../src/statistics/two-proportion.js';
import { welchTTestRaw } from '../../../src/statistics/welch.js';
import {
  cellOf,
  errorRate,
  guards,
  mistakes,
  phaseOf,
  rateCell,
  revenue,
  success,
} from '../../support/evidence.js';
import { designWith, looker, metricIn } from '../../support/looks.js';

/** Two arms of n units each: mistakes as given, two errors each. */
function rates(n: number, control: number, treatment: number): MetricCell[] {
  return [
    rateCell({ metric: 'mistakes', variant: 'control' }, control, n),
    rateCell({ metric: 'mistakes', variant: 'v2' }, treatment, n),
    rateCell({ metric: 'error_rate', variant: 'control' }, 2, n),
    rateCell({ metric: 'error_rate', variant: 'v2' }, 2, n),
  ];
}

const groupSequential = designWith({ method: 'group_sequential', plannedUnits: 4000 });
const fixed = designWith({ method: 'fixed', plannedUnits: 4000 });

describe('a group-sequential test', () => {
  it('looks at steps of one hundredth of the information, not in between', () => {
    const { look } = looker(groupSequential);
    const informations = (n: number) =>
      metricIn(look(rates(n, 60, 60)), 'mistakes').looks.map(({ information }) => information);
    expect(informations(400)).toEqual([0.2]);
    expect(informations(415)).toEqual([0.2]);
    expect(informations(420)).toEqual([0.2, 0.21]);
  });

  it('holds the statistic against the published boundary of its looks', () => {
    const { look } = looker(groupSequential);
    for (const n of [400, 800, 1200, 1600]) look(rates(n, 60, 60));
    const { looks } = metricIn(look(rates(2000, 60, 60)), 'mistakes');
    const published = [4.8769, 3.3569, 2.6803, 2.2898, 2.031];
    looks.forEach(({ criticalValue }, k) =>
      expect(criticalValue).toBeCloseTo(published[k] ?? 0, 3),
    );
    expect(looks.at(-1)?.spent).toBeCloseTo(0.05, 12);
  });

  it('passes where the boundary is crossed and says by which numbers', () => {
    const { look } = looker(groupSequential);
    look(rates(400, 60, 50));
    const { superiority } = metricIn(look(rates(1000, 150, 90)), 'mistakes');
    expect(superiority).toMatchObject({ kind: 'tested', passed: true, engine: 'group_sequential' });
    if (superiority?.kind !== 'tested') throw new Error('tested');
    expect(superiority.pValue).toBeLessThan(superiority.alpha);
    expect(superiority.bound).toBeLessThan(0);
  });

  it('does not forget a crossing, and is not a crossing for a difference in the bad direction', () => {
    const better = looker(groupSequential);
    const first = metricIn(better.look(rates(1000, 150, 90)), 'mistakes');
    const later = metricIn(better.look(rates(1400, 180, 170)), 'mistakes');
    expect(later.superiority).toMatchObject({ passed: true, engine: 'group_sequential' });
    expect(later.superiority).toEqual(first.superiority);
    expect(later.looks).toHaveLength(2);
    const worse = looker(groupSequential).look(rates(1000, 90, 150));
    expect(metricIn(worse, 'mistakes').superiority).toMatchObject({ passed: false });
    expect(metricIn(worse, 'mistakes').deterioration).toMatchObject({
      passed: true,
      engine: 'confidence_sequence',
    });
  });

  it('ends at the planned units: a late last look spends what is left, and no look follows', () => {
    const { look } = looker(groupSequential);
    look(rates(1000, 60, 60));
    const late = metricIn(look(rates(2300, 130, 125)), 'mistakes');
    expect(late.looks.at(-1)).toMatchObject({ information: 1.15 });
    expect(late.looks.at(-1)?.spent).toBeCloseTo(0.05, 12);
    const after = metricIn(look(rates(9000, 900, 800)), 'mistakes');
    expect(after.looks).toEqual(late.looks);
    expect(after.superiority).toMatchObject({ passed: false, engine: 'group_sequential' });
  });

  it('is insufficient before its first look, and guardrails are watched by the sequence all along', () => {
    const design = designWith({ method: 'group_sequential', plannedUnits: 400_000 });
    const first = looker(design).look(rates(1000, 150, 150));
    expect(metricIn(first, 'mistakes').superiority).toEqual({
      kind: 'insufficient',
      reason: 'too_little_information',
      have: 500,
      need: 1000,
    });
    expect(metricIn(first, 'error_rate').nonInferiority).toMatchObject({
      engine: 'confidence_sequence',
    });
  });

  it('is computed again from the stored evidence to the last digit', () => {
    const { look, seen } = looker(groupSequential);
    const assessed = [300, 700, 900, 1500, 2100].map((n) =>
      look(rates(n, n / 10, Math.floor(n / 11))),
    );
    seen.forEach((evidence, k) => {
      expect(assess(JSON.parse(JSON.stringify(evidence)))).toEqual(assessed[k]);
    });
    expect(assessed.at(-1)?.metrics[0]?.looks).toHaveLength(5);
  });
});

describe('a fixed test', () => {
  it('is locked until the planned units have matured, and its interim numbers are not a test', () => {
    const assessment = looker(fixed).look(rates(1999, 400, 100));
    expect(assessment.reading).toBe('not_a_test');
    const locked = {
      kind: 'insufficient',
      reason: 'fixed_horizon_not_reached',
      have: 3998,
      need: 4000,
    };
    expect(metricIn(assessment, 'mistakes').superiority).toEqual(locked);
    expect(metricIn(assessment, 'error_rate').nonInferiority).toEqual(locked);
  });

  it('is locked until the data cover the minimum runtime', () => {
    const design = designWith({ method: 'fixed', plannedUnits: 4000, minRuntimeMs: 5000 });
    const { look } = looker(design);
    const phases = [{ ...phaseOf(1), startedAtMs: 1000 }];
    const early = look(rates(2500, 400, 300), { phases, watermarkMs: 5999 });
    expect(metricIn(early, 'mistakes').superiority).toMatchObject({
      reason: 'fixed_runtime_not_reached',
      have: 4999,
    });
    const ripe = look(rates(2500, 400, 300), { phases, watermarkMs: 6000 });
    expect(ripe).toMatchObject({ reading: 'test', horizon: { reached: true } });
    expect(metricIn(ripe, 'mistakes').superiority).toMatchObject({ passed: true });
  });

  it('waits for the slowest of its metrics', () => {
    const cells = rates(2000, 400, 100).map((cell) =>
      cell.metric === 'error_rate' && cell.variant === 'v2' ? { ...cell, n: 1500 } : cell,
    );
    expect(looker(fixed).look(cells).horizon).toMatchObject({ reached: false, haveUnits: 3500 });
  });

  it('does not wait for an arm that was closed', () => {
    const names = ['control', 'v2', 'v3'];
    const variants = names.map((name) => ({
      ...{ name, version: name, control: name === 'control', weight: 1 },
    }));
    const design = { ...fixed, kind: 'ab', steps: [], variants } as const;
    const closed = rateCell({ metric: 'mistakes', variant: 'v3' }, 30, 100);
    const cells = [...rates(2000, 400, 100), closed, { ...closed, metric: 'error_rate' }];
    const phase = { phase: 1, coverage: 1, startedAtMs: 0 };
    const open = { ...phase, shares: { control: 1 / 3, v2: 1 / 3, v3: 1 / 3 } };
    const left = { ...phase, phase: 2, shares: { control: 0.5, v2: 0.5, v3: 0 } };
    const horizonAt = (phases: readonly Phase[]) => looker(design).look(cells, { phases }).horizon;
    expect(horizonAt([open])).toMatchObject({ reached: false, haveUnits: 2100 });
    expect(horizonAt([open, left])).toMatchObject({ reached: true, haveUnits: 4000 });
    // a wider segment still gives it units
    const narrow = [open, left].map((one) => ({ ...one, coverage: 0.5 }));
    expect(horizonAt([...narrow, { ...open, phase: 3 }])?.reached).toBe(false);
  });

  it('finds harm at any time', () => {
    const early = looker(fixed).look(rates(600, 50, 200));
    expect(metricIn(early, 'mistakes').deterioration).toMatchObject({ passed: true });
  });

  it('is the pooled z test of proportions, and the restricted one against a margin', () => {
    const { superiority } = metricIn(looker(fixed).look(rates(2000, 200, 160)), 'mistakes');
    const textbook = pooledZTest({
      control: { successes: 200, trials: 2000 },
      treatment: { successes: 160, trials: 2000 },
      alternative: 'two-sided',
    });
    if (superiority?.kind !== 'tested' || textbook.kind !== 'value') throw new Error('tested');
    expect(superiority.engine).toBe('fixed');
    expect(superiority.pValue).toBeCloseTo(textbook.value.pValue, 12);
    const guardrail = metricIn(looker(fixed).look(rates(2000, 200, 160)), 'error_rate');
    expect(guardrail.nonInferiority).toMatchObject({ passed: true, engine: 'fixed', alpha: 0.05 });
  });

  it("is Welch's t test of means", () => {
    const plan = { method: 'fixed', plannedUnits: 300, minUnits: 20 } as const;
    const design = designWith(plan, { metrics: [success(revenue)] });
    const control = Array.from({ length: 100 }, (_, unit) => (unit * 37) % 23);
    const treatment = Array.from({ length: 200 }, (_, unit) => ((unit * 41) % 29) * 0.95);
    const cells = [
      cellOf({ metric: 'revenue', variant: 'control' }, control),
      cellOf({ metric: 'revenue', variant: 'v2' }, treatment),
    ];
    const { superiority } = metricIn(looker(design).look(cells), 'revenue');
    const input = { control, treatment, alpha: 0.05, alternative: 'two-sided' } as const;
    const textbook = welchTTestRaw(input);
    if (superiority?.kind !== 'tested' || textbook.kind !== 'value') throw new Error('tested');
    expect(superiority.pValue).toBeCloseTo(textbook.value.pValue, 10);
    expect(superiority.bound).toBeCloseTo(textbook.value.lower, 10);
  });

  it('is made once: whatever comes later changes neither verdict nor replay', () => {
    const { look, seen } = looker(fixed);
    const made = metricIn(look(rates(2000, 200, 195)), 'mistakes');
    expect(made.superiority).toMatchObject({ kind: 'tested', passed: false });
    const later = look(rates(6000, 900, 300));
    expect(metricIn(later, 'mistakes').superiority).toEqual(made.superiority);
    expect(assess(JSON.parse(JSON.stringify(seen[1])))).toEqual(later);
  });

  it('holds several success metrics and arms against alpha by Holm', () => {
    const plan = { method: 'fixed', plannedUnits: 4000 } as const;
    const design = designWith(plan, {
      metrics: [success(mistakes), success({ ...mistakes, name: 'spam' })],
      variants: [
        { name: 'control', version: 'v1', control: true, weight: 1 },
        { name: 'v2', version: 'v2', control: false, weight: 1 },
        { name: 'v3', version: 'v3', control: false, weight: 1 },
      ],
    });
    const counts = { mistakes: { v2: 148, v3: 154 }, spam: { v2: 190, v3: 157 } };
    const cells = (['mistakes', 'spam'] as const).flatMap((metric) => [
      rateCell({ metric, variant: 'control' }, 200, 2000),
      rateCell({ metric, variant: 'v2' }, counts[metric].v2, 2000),
      rateCell({ metric, variant: 'v3' }, counts[metric].v3, 2000),
    ]);
    const phases = [{ ...phaseOf(1), shares: { control: 1 / 3, v2: 1 / 3, v3: 1 / 3 } }];
    const { metrics } = looker(design).look(cells, { phases });
    const raw = [148, 154, 190, 157].map((successes) => {
      const control = { successes: 200, trials: 2000 };
      const treatment = { successes, trials: 2000 };
      const test = pooledZTest({ control, treatment, alternative: 'two-sided' });
      return test.kind === 'value' ? test.value.pValue : 1;
    });
    const tests = metrics.map(({ superiority }) => superiority);
    holm(raw).forEach((expected, at) => {
      const test = tests[at];
      if (test?.kind !== 'tested') throw new Error('tested');
      expect(test.pValue).toBeCloseTo(expected, 10);
    });
    // 157 of 2000 has p = .018: above .05/4, within .05/2 once the two stronger ones are rejected
    expect(raw[3]).toBeGreaterThan(0.05 / 4);
    expect(tests.map((test) => test?.kind === 'tested' && test.passed)).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });
});

describe('units whose outcome is still open', () => {
  it.each(['sequential', 'group_sequential', 'fixed'] as const)(
    'are counted and enter no test of either arm: %s',
    (method) => {
      const design = designWith({ method, plannedUnits: 2000 });
      const cells = rates(1000, 150, 90);
      const open = cells.map((cell, at) => ({ ...cell, pending: 500 * (at + 1) }));
      const [without, withOpen] = [cells, open].map((given) => looker(design).look(given));
      const tests = (assessment: typeof without) =>
        assessment?.metrics.map(({ control: _control, treatment: _treatment, ...rest }) => rest);
      expect(tests(withOpen)).toEqual(tests(without));
      expect(withOpen?.horizon).toEqual(without?.horizon);
      expect(withOpen?.metrics[0]?.treatment).toMatchObject({ n: 1000, pending: 1000 });
    },
  );

  it('do not bring a fixed test nearer', () => {
    const open = rates(1000, 150, 90).map((cell) => ({ ...cell, pending: 5000 }));
    expect(looker(fixed).look(open).horizon).toMatchObject({ reached: false, haveUnits: 2000 });
  });
});

describe('a share of slow answers', () => {
  it('counts as events, so that the exact test watches it from the first one', () => {
    const slow = {
      ...errorRate,
      name: 'slow',
      threshold: 800,
      numerator: {
        source: { kind: 'prediction', measure: 'latency_ms' },
        aggregation: 'mean',
      },
    } as const;
    const design = designWith(
      {},
      { metrics: [success(mistakes), guards(slow, { absolute: 0.02 })] },
    );
    const cells = [
      ...rates(60, 5, 5),
      rateCell({ metric: 'slow', variant: 'control' }, 0, 60),
      rateCell({ metric: 'slow', variant: 'v2' }, 16, 60),
    ];
    expect(metricIn(looker(design).look(cells), 'slow').deterioration).toMatchObject({
      passed: true,
      engine: 'e_process',
    });
  });
});

it('says how many units of each arm were cut at the cap', () => {
  const cells = rates(1000, 150, 90).map((cell) => ({ ...cell, capped: cell.events / 10 }));
  const { control, treatment } = metricIn(looker(fixed).look(cells), 'mistakes');
  expect([control.capped, treatment.capped]).toEqual([15, 9]);
});
