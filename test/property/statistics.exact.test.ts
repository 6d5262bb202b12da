import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { betaMean, betaOrder } from '../../src/statistics/beta-order.js';
import { groupSequentialPower, spendingBoundaries } from '../../src/statistics/group-sequential.js';
import { ksTwoSample } from '../../src/statistics/kolmogorov-smirnov.js';
import { quantileRanks } from '../../src/statistics/quantile.js';
import { mannWhitney, wilcoxonSignedRank } from '../../src/statistics/rank-tests.js';
import { alternative, close, each, MIRROR } from './statistics.arbitraries.js';

const shape = fc.record({
  a: fc.double({ min: -2, max: 6, noNaN: true }).map((power) => 10 ** power),
  b: fc.double({ min: -2, max: 6, noNaN: true }).map((power) => 10 ** power),
});
const sample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 30 });
const runs = { numRuns: 200 };

describe('two Beta variables', () => {
  it('exceed each other with probabilities that sum to 1 and by amounts that differ by the means', () => {
    fc.assert(
      fc.property(shape, shape, (x, y) => {
        const forth = betaOrder(x, y);
        const back = betaOrder(y, x);
        close(forth.probability + back.probability, 1, 1e-8);
        const lead = betaMean(x) - betaMean(y);
        close(
          forth.expectedExcess - back.expectedExcess,
          lead,
          1e-8,
          forth.expectedExcess + back.expectedExcess,
        );
      }),
      runs,
    );
  });
});

describe('spending designs', () => {
  const times = fc
    .uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 })
    .map((percents) => percents.toSorted((p, q) => p - q).map((percent) => percent / 100));

  it('stop falsely with exactly the probability that they have spent', () => {
    fc.assert(
      fc.property(
        times,
        fc.constantFrom('pocock' as const, 'obrien_fleming' as const),
        fc.constantFrom(1 as const, 2 as const),
        fc.double({ min: 1e-6, max: 0.3, noNaN: true }),
        (informationFractions, kind, sides, alpha) => {
          const design = { spending: { kind }, informationFractions, sides, alpha };
          const spent = spendingBoundaries(design).at(-1)?.alphaSpent ?? Number.NaN;
          close(groupSequentialPower({ ...design, drift: 0 }), spent, 1e-10);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('tests of ranks and distributions', () => {
  it('mirror when the arms are swapped and stay in [0, 1]', () => {
    fc.assert(
      fc.property(sample, sample, alternative, (control, treatment, side) => {
        const back = { control: treatment, treatment: control };
        each(mannWhitney({ control, treatment, alternative: side }), (forth) => {
          each(mannWhitney({ ...back, alternative: MIRROR[side] }), (mirrored) => {
            close(mirrored.pAsymptotic, forth.pAsymptotic, 1e-12);
            close(mirrored.pCorrected, forth.pCorrected, 1e-12);
            if (forth.pExact !== null) close(mirrored.pExact ?? -1, forth.pExact, 1e-12);
          });
          expect(forth.pCorrected).toBeLessThanOrEqual(1);
        });
        each(ksTwoSample({ control, treatment }), (forth) => {
          expect(ksTwoSample(back)).toMatchObject({ value: { d: forth.d } });
          expect(forth.pExact ?? 0).toBeLessThanOrEqual(1);
        });
      }),
      runs,
    );
  });

  it('see only ranks: any increasing map of the values changes nothing', () => {
    fc.assert(
      fc.property(sample, sample, (control, treatment) => {
        const map = (values: readonly number[]): number[] => values.map((value) => value ** 3 - 7);
        const mapped = { control: map(control), treatment: map(treatment) };
        expect(ksTwoSample(mapped)).toEqual(ksTwoSample({ control, treatment }));
        const side = { alternative: 'two-sided' } as const;
        expect(mannWhitney({ ...mapped, ...side })).toEqual(
          mannWhitney({ control, treatment, ...side }),
        );
      }),
      runs,
    );
  });

  it('ignore differences of 0 and mirror with the sign', () => {
    fc.assert(
      fc.property(sample, alternative, (differences, side) => {
        const test = wilcoxonSignedRank({ differences, alternative: side });
        const padded = [0, ...differences, 0];
        expect(wilcoxonSignedRank({ differences: padded, alternative: side })).toEqual(test);
        const negated = differences.map((difference) => -difference);
        each(test, ({ pAsymptotic }) => {
          each(wilcoxonSignedRank({ differences: negated, alternative: MIRROR[side] }), (back) => {
            close(back.pAsymptotic, pAsymptotic, 1e-12);
          });
        });
      }),
      runs,
    );
  });
});

describe('ranks around a quantile', () => {
  it('cover at least 1 - alpha', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.double({ min: 1e-6, max: 0.9, noNaN: true }),
        (n, level, alpha) => {
          each(quantileRanks({ n, level, alpha }), ({ lower, upper, coverage }) => {
            expect(lower).toBeGreaterThanOrEqual(1);
            expect(upper).toBeLessThanOrEqual(n);
            expect(lower).toBeLessThan(upper);
            expect(coverage).toBeGreaterThanOrEqual(1 - alpha - 1e-12);
          });
        },
      ),
      runs,
    );
  });
});
