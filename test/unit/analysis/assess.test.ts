import { describe, expect, it } from 'vitest';
import { assess, runningResults } from '../../../src/analysis/assess.js';
import type { MetricAssessment } from '../../../src/statistics/assessment.js';
import {
  cellOf,
  designOf,
  errorRate,
  evidenceOf,
  guards,
  latency,
  mistakes,
  phaseOf,
  rateCell,
  revenue,
  success,
} from '../../support/evidence.js';

function find(assessment: ReturnType<typeof assess>, metric: string): MetricAssessment {
  const found = assessment.metrics.find((entry) => entry.metric === metric);
  if (found === undefined) throw new Error(`no ${metric}`);
  return found;
}

const control = (metric: string, phase = 1) => ({ metric, variant: 'control', phase });
const v2 = (metric: string, phase = 1) => ({ metric, variant: 'v2', phase });

function mistakesAndErrors(counts: {
  readonly mistakes: readonly [number, number];
  readonly errors: readonly [number, number];
  readonly n: number;
}) {
  return [
    rateCell(control('mistakes'), counts.mistakes[0], counts.n),
    rateCell(v2('mistakes'), counts.mistakes[1], counts.n),
    rateCell(control('error_rate'), counts.errors[0], counts.n),
    rateCell(v2('error_rate'), counts.errors[1], counts.n),
  ];
}

describe('superiority', () => {
  it('passes for a clearly lower rate of mistakes and says by which bound', () => {
    const cells = mistakesAndErrors({ mistakes: [120, 20], errors: [0, 0], n: 1000 });
    const found = find(assess(evidenceOf(cells)), 'mistakes');
    expect(found.effect).toBeCloseTo(-0.1, 12);
    expect(found.superiority).toMatchObject({ kind: 'tested', passed: true, alpha: 0.05 });
    expect(found.deterioration).toMatchObject({ kind: 'tested', passed: false });
    expect(found.interval?.upper).toBeLessThan(0);
    expect(found.lift?.estimate).toBeCloseTo(-0.8333, 3);
  });

  it('is never claimed for a difference in the bad direction', () => {
    const cells = mistakesAndErrors({ mistakes: [20, 120], errors: [0, 0], n: 1000 });
    const found = find(assess(evidenceOf(cells)), 'mistakes');
    expect(found.superiority).toMatchObject({ passed: false });
    expect(found.deterioration).toMatchObject({ passed: true });
  });

  it('is insufficient, not p = 1, below the minimum of units and events', () => {
    const few = find(
      assess(evidenceOf(mistakesAndErrors({ mistakes: [9, 0], errors: [0, 0], n: 90 }))),
      'mistakes',
    );
    expect(few.superiority).toEqual({
      kind: 'insufficient',
      reason: 'too_few_units',
      have: 90,
      need: 100,
    });
    const rare = find(
      assess(evidenceOf(mistakesAndErrors({ mistakes: [9, 3], errors: [0, 0], n: 900 }))),
      'mistakes',
    );
    expect(rare.superiority).toEqual({
      kind: 'insufficient',
      reason: 'too_few_events',
      have: 3,
      need: 10,
    });
  });

  it('is reached by the exact event test when the variant makes no mistake at all', () => {
    const cells = mistakesAndErrors({ mistakes: [60, 0], errors: [0, 0], n: 900 });
    expect(find(assess(evidenceOf(cells)), 'mistakes').superiority).toMatchObject({
      passed: true,
      engine: 'e_process',
    });
  });

  it('splits alpha over success metrics and arms', () => {
    const design = designOf({
      metrics: [success(mistakes), success(revenue), guards(errorRate, { absolute: 0.02 })],
    });
    const cells = mistakesAndErrors({ mistakes: [120, 20], errors: [0, 0], n: 1000 });
    expect(find(assess(evidenceOf(cells, { design })), 'mistakes').superiority).toMatchObject({
      alpha: 0.025,
    });
  });
});

describe('non-inferiority', () => {
  it('is shown for a rate without any event once enough units were seen', () => {
    const found = (n: number) =>
      find(
        assess(evidenceOf(mistakesAndErrors({ mistakes: [n / 10, n / 10], errors: [0, 0], n }))),
        'error_rate',
      );
    expect(found(400).nonInferiority).toMatchObject({
      kind: 'insufficient',
      reason: 'too_few_units',
      need: 500,
    });
    expect(found(1000).nonInferiority).toMatchObject({ kind: 'tested', passed: true });
  });

  it('is not shown for a rate at the margin', () => {
    const cells = mistakesAndErrors({ mistakes: [200, 200], errors: [20, 60], n: 2000 });
    expect(find(assess(evidenceOf(cells)), 'error_rate').nonInferiority).toMatchObject({
      passed: false,
    });
  });

  it('takes a relative margin as a share of the control', () => {
    const design = designOf({ metrics: [success(mistakes), guards(latency, { relative: 0.25 })] });
    const times = (base: number) => Array.from({ length: 600 }, (_, unit) => base + (unit % 7));
    const found = (treatment: number) =>
      find(
        assess(
          evidenceOf(
            [
              rateCell(control('mistakes'), 60, 600),
              rateCell(v2('mistakes'), 60, 600),
              cellOf(control('latency_ms'), times(100)),
              cellOf(v2('latency_ms'), times(treatment)),
            ],
            { design },
          ),
        ),
        'latency_ms',
      );
    expect(found(110).margin).toBeCloseTo(25.75, 1);
    expect(found(110).nonInferiority).toMatchObject({ passed: true });
    expect(found(110).deterioration).toMatchObject({ passed: false });
    expect(found(128).nonInferiority).toMatchObject({ passed: false });
    expect(found(150).deterioration).toMatchObject({ passed: true });
  });
});

describe('deterioration', () => {
  it('is found by the exact event test after a handful of failures, before any minimum of units', () => {
    const cells = mistakesAndErrors({ mistakes: [5, 5], errors: [0, 16], n: 60 });
    expect(find(assess(evidenceOf(cells)), 'error_rate').deterioration).toMatchObject({
      passed: true,
      engine: 'e_process',
    });
  });

  it('counts the share of the units that the phase intended, not one half', () => {
    const cells = mistakesAndErrors({ mistakes: [5, 5], errors: [1, 16], n: 60 });
    const phases = [{ ...phaseOf(1, 0.9), coverage: 0.9 }];
    const unequal = find(assess(evidenceOf(cells, { phases })), 'error_rate').deterioration;
    expect(unequal).not.toMatchObject({ passed: true });
  });
});

describe('phases', () => {
  // The baseline rises from 2 % to 20 % while the variant gets most of the later units: crude totals show harm.
  const drifting = [
    rateCell(control('mistakes', 1), 180, 9000),
    rateCell(v2('mistakes', 1), 20, 1000),
    rateCell(control('mistakes', 2), 200, 1000),
    rateCell(v2('mistakes', 2), 1800, 9000),
  ];
  const phases = [phaseOf(1, 0.5), phaseOf(2, 0.5)];

  it('are compared inside themselves, so that a drifting baseline is no effect', () => {
    const found = find(assess(evidenceOf(drifting, { phases })), 'mistakes');
    expect(found.treatment.value).toBeCloseTo(0.182, 3);
    expect(found.control.value).toBeCloseTo(0.038, 3);
    expect(found.effect).toBeCloseTo(0, 12);
    expect(found.deterioration).not.toMatchObject({ passed: true, engine: 'confidence_sequence' });
  });

  it('give the same assessment in whatever order their cells come', () => {
    const one = assess(evidenceOf(drifting, { phases }));
    const other = assess(evidenceOf([...drifting].reverse(), { phases }));
    expect(other.metrics).toEqual(one.metrics);
  });
});

describe('rates per request with several requests per unit', () => {
  // 200 units of 10 requests each; a unit either fails always or never: 10 % of the units.
  const clustered = (events: number) =>
    Array.from({ length: 200 }, (_, unit) => (unit < events ? 10 : 0));
  const tens = Array.from({ length: 200 }, () => 10);

  it('are as uncertain as their units, not as their requests', () => {
    const cells = [
      cellOf(control('mistakes'), clustered(20), tens),
      cellOf(v2('mistakes'), clustered(30), tens),
    ];
    const found = find(assess(evidenceOf(cells)), 'mistakes');
    expect(found.effect).toBeCloseTo(0.05, 12);
    // 2,000 requests would give 0.0104; 200 units give 0.0330.
    expect(found.standardError).toBeCloseTo(0.0331, 3);
  });
});

describe('data quality', () => {
  const even = mistakesAndErrors({ mistakes: [100, 100], errors: [0, 0], n: 1000 });

  it('raises an alarm on a lasting sample-ratio mismatch and keeps it', () => {
    const unitCells = [
      { phase: 1, variant: 'control', units: 10_000, crossovers: 0 },
      { phase: 1, variant: 'v2', units: 9_000, crossovers: 0 },
    ];
    const first = assess(evidenceOf(even, { unitCells })).quality.sampleRatio;
    expect(first.mismatch).toBe(true);
    expect(first.chiSquarePValue).toBeLessThan(1e-10);
    const later = assess(evidenceOf(even, { previousSampleRatioPValue: first.runningPValue }));
    expect(later.quality.sampleRatio.mismatch).toBe(true);
    expect(assess(evidenceOf(even)).quality.sampleRatio.mismatch).toBe(false);
  });

  it('counts crossovers, and forgives those that a coverage above one half makes by design', () => {
    const unitCells = [
      { phase: 1, variant: 'control', units: 900, crossovers: 100 },
      { phase: 1, variant: 'v2', units: 1000, crossovers: 0 },
    ];
    expect(assess(evidenceOf(even, { unitCells })).quality.crossoverAlarm).toBe(true);
    const phases = [phaseOf(1, 0.5), phaseOf(2, 0.75)];
    expect(assess(evidenceOf(even, { unitCells, phases })).quality.crossoverAlarm).toBe(false);
  });
});

it('keeps the running intersection and the smallest p-value from look to look', () => {
  const strong = evidenceOf(mistakesAndErrors({ mistakes: [120, 60], errors: [0, 0], n: 1000 }));
  const first = assess(strong);
  const weak = mistakesAndErrors({ mistakes: [130, 100], errors: [0, 0], n: 1100 });
  const second = assess(evidenceOf(weak, { previous: runningResults(first, strong) }));
  const [before, after] = [find(first, 'mistakes'), find(second, 'mistakes')];
  expect(after.runningPValue).toBe(before.pValue);
  expect(after.runningInterval?.upper).toBe(before.interval?.upper);
  expect(after.pValue).toBeGreaterThan(before.pValue ?? 1);
});

it('says nothing where nothing can be said', () => {
  const found = find(assess(evidenceOf([])), 'mistakes');
  expect(found).toMatchObject({ effect: null, interval: null, pValue: null, lift: null });
  expect(found.superiority).toMatchObject({ kind: 'insufficient', reason: 'too_few_units' });
  expect(found.control.value).toBeNull();
});
