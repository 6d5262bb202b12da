import { fc } from '../support/property.js';
import { expect, it } from 'vitest';
import { assess } from '../../src/analysis/assess.js';
import type { Evidence } from '../../src/analysis/evidence.js';
import type { MetricCell } from '../../src/metrics/metric.js';
import { mergePairedMoments, NO_PAIRED_MOMENTS } from '../../src/statistics/moments.js';
import {
  cellOf,
  designOf,
  errorRate,
  evidenceOf,
  guards,
  latency,
  mistakes,
  phaseOf,
  revenue,
  success,
} from '../support/evidence.js';

const UNITS_PER_CELL = 120;
const design = designOf({
  metrics: [
    success(mistakes),
    success(revenue),
    guards(errorRate, { absolute: 0.02 }),
    guards(latency, { relative: 0.1 }),
  ],
});
const phases = [phaseOf(1, 0.25), phaseOf(2, 0.5)];

/** A unit's numerator and denominator. */
type Row = readonly [number, number];

const requests = fc.integer({ min: 1, max: 4 });
const rates = requests.chain((d) => fc.tuple(fc.integer({ min: 0, max: d }), fc.constant(d)));
const ROWS: Readonly<Record<string, fc.Arbitrary<Row>>> = {
  mistakes: rates,
  error_rate: rates,
  revenue: fc.tuple(fc.double({ min: -100, max: 100, noNaN: true }), fc.constant(1)),
  latency_ms: requests.chain((d) =>
    fc.tuple(fc.double({ min: 0, max: 500, noNaN: true }), fc.constant(d)),
  ),
};

interface Sample {
  readonly metric: string;
  readonly phase: number;
  readonly variant: string;
  readonly rows: readonly Row[];
}

const samples: fc.Arbitrary<readonly Sample[]> = fc.tuple(
  ...Object.entries(ROWS).flatMap(([metric, row]) =>
    phases.flatMap(({ phase }) =>
      ['control', 'v2'].map((variant) =>
        fc
          .array(row, { minLength: UNITS_PER_CELL, maxLength: UNITS_PER_CELL })
          .map((rows): Sample => ({ metric, phase, variant, rows })),
      ),
    ),
  ),
);

/** Numbers in [0, 1) that choose how cells are cut and paired; used in turn, again from the start when they are over. */
const choices = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
  minLength: 20,
  maxLength: 40,
});

function chooser(numbers: readonly number[]): (below: number) => number {
  let turn = 0;
  return (below) => {
    const number = numbers[turn % numbers.length] ?? 0;
    turn += 1;
    return Math.floor(number * below);
  };
}

/** Cuts a cell's units into parts and merges two of them, whichever, until one is left. */
function mergedCell(sample: Sample, choose: (below: number) => number): MetricCell {
  const { rows, ...key } = sample;
  const parts: MetricCell[] = [];
  for (let at = 0; at < rows.length;) {
    const part = rows.slice(at, at + 1 + choose(40));
    at += part.length;
    parts.push(wholeCell({ ...key, rows: part }));
  }
  while (parts.length > 1) {
    const [left] = parts.splice(choose(parts.length), 1);
    const [right] = parts.splice(choose(parts.length), 1);
    if (left === undefined || right === undefined) throw new Error('two parts were there');
    parts.push({ ...left, ...mergePairedMoments(left, right), events: left.events + right.events });
  }
  return parts[0] ?? { ...wholeCell({ ...key, rows: [] }), ...NO_PAIRED_MOMENTS };
}

function wholeCell({ rows, ...key }: Sample): MetricCell {
  return cellOf(
    key,
    rows.map(([y]) => y),
    rows.map(([, d]) => d),
  );
}

const evidence = (cells: readonly MetricCell[]): Evidence => evidenceOf(cells, { design, phases });

/** Equal in everything that is no number, and to 1e-12 (of the larger of 1 and the number) in everything that is. */
function expectSame(path: string, actual: unknown, expected: unknown): void {
  if (typeof expected === 'number' && typeof actual === 'number') {
    if (Object.is(actual, expected)) return;
    const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
    expect(error, `${path}: ${String(actual)}, not ${String(expected)}`).toBeLessThan(1e-12);
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(actual as object), path).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      expectSame(`${path}.${name}`, (actual as Record<string, unknown>)[name], value);
    }
  } else expect(actual, path).toBe(expected);
}

it('gives the same assessment to 1e-12 in whatever order and grouping the cells were merged', () => {
  fc.assert(
    fc.property(samples, choices, choices, (drawn, first, second) => {
      const whole = assess(evidence(drawn.map(wholeCell)));
      for (const numbers of [first, second]) {
        const choose = chooser(numbers);
        const merged = drawn.map((sample) => mergedCell(sample, choose));
        expectSame('assessment', assess(evidence(merged)), whole);
      }
    }),
    { numRuns: 40 },
  );
});
