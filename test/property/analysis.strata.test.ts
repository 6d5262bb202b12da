import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { assess } from '../../src/analysis/assess.js';
import type { MetricCell } from '../../src/metrics/metric.js';
import type { MetricAssessment } from '../../src/statistics/assessment.js';
import {
  cellOf,
  designOf,
  evidenceOf,
  mistakes,
  phaseOf,
  rateCell,
  revenue,
  success,
} from '../support/evidence.js';

const design = designOf({ metrics: [success(mistakes), success(revenue)] });

/** A phase in which both arms are alike: the same rate, and the same values over and over. */
interface EqualPhase {
  /** Multiples of a hundred units. */
  readonly control: number;
  readonly treatment: number;
  /** Units of a hundred that have an event. */
  readonly rate: number;
  readonly values: readonly number[];
}

const phase: fc.Arbitrary<EqualPhase> = fc.record({
  control: fc.integer({ min: 1, max: 40 }),
  treatment: fc.integer({ min: 1, max: 40 }),
  rate: fc.integer({ min: 1, max: 99 }),
  values: fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 5, maxLength: 5 }),
});

function cellsOf(phases: readonly EqualPhase[]): readonly MetricCell[] {
  return phases.flatMap(({ control, treatment, rate, values }, index) =>
    [
      { variant: 'control', hundreds: control },
      { variant: 'v2', hundreds: treatment },
    ].flatMap(({ variant, hundreds }) => {
      const key = { variant, phase: index + 1 };
      const all = Array.from({ length: 20 * hundreds }, () => values).flat();
      return [
        rateCell({ ...key, metric: 'mistakes' }, rate * hundreds, 100 * hundreds),
        cellOf({ ...key, metric: 'revenue' }, all),
      ];
    }),
  );
}

function assessed(phases: readonly EqualPhase[]): readonly MetricAssessment[] {
  const known = phases.map((_, index) => phaseOf(index + 1));
  return assess(evidenceOf(cellsOf(phases), { design, phases: known })).metrics;
}

describe('phases in which the arms are alike', () => {
  it('show no difference together, however the level drifts and the split changes between them', () => {
    fc.assert(
      fc.property(fc.array(phase, { minLength: 2, maxLength: 4 }), (phases) => {
        for (const { effect, deterioration, superiority } of assessed(phases)) {
          // of values up to 1,000
          expect(Math.abs(effect ?? Number.NaN)).toBeLessThan(1e-9);
          for (const result of [superiority, deterioration]) {
            if (result?.kind === 'tested' && result.engine === 'confidence_sequence') {
              expect(result.passed).toBe(false);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('show the difference of the phases, not that of the totals, when a falling level hides it', () => {
    // the variant gets most of its units late, when everybody spends less: better inside each phase, worse in total
    const values = [0, 50, 100, 150, 200];
    const arm = (variant: string, number: number, hundreds: number, by: number): MetricCell =>
      cellOf(
        { metric: 'revenue', variant, phase: number },
        Array.from({ length: 20 * hundreds }, () => values.map((value) => value + by)).flat(),
      );
    const cells = [
      ...[arm('control', 1, 30, 500), arm('v2', 1, 2, 520)],
      ...[arm('control', 2, 2, 0), arm('v2', 2, 30, 20)],
    ];
    const own = designOf({ metrics: [success(revenue)] });
    const phases = [phaseOf(1), phaseOf(2)];
    const [found] = assess(evidenceOf(cells, { design: own, phases })).metrics;
    expect(found?.effect).toBeCloseTo(20, 9);
    expect(found?.treatment.value ?? 0).toBeLessThan(found?.control.value ?? 0);
    expect(found?.deterioration).toMatchObject({ kind: 'tested', passed: false });
  });
});
