import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import { pairedDistance, type PairTable } from '../../../src/statistics/paired-permutation.js';
import {
  clusterFactor,
  pairedContrast,
  restrictedPairVariance,
} from '../../../src/statistics/paired-ratio.js';
import { pairCell, type Pair } from '../../support/paired-evidence.js';
import { seeded } from './seeded.js';

const value = fc.integer({ min: -50, max: 50 });
const units = fc.array(
  fc.array(fc.tuple(value, value) as fc.Arbitrary<Pair>, { minLength: 1, maxLength: 5 }),
  { minLength: 2, maxLength: 30 },
);

describe('a paired contrast', () => {
  it('is the ratio of totals, with the variance of its residuals over units', () => {
    fc.assert(
      fc.property(units, fc.constantFrom(1, 0.9, 1.25), value, (given, factor, shift) => {
        const found = pairedContrast(pairCell('m', given), { factor, shift });
        if (found.kind !== 'value') throw new Error(found.reason);
        const rows = given.map((pairs) => ({
          c: pairs.reduce((sum, [p, s]) => sum + s - factor * p + shift, 0),
          m: pairs.length,
        }));
        const m = rows.reduce((sum, row) => sum + row.m, 0);
        const ratio = rows.reduce((sum, row) => sum + row.c, 0) / m;
        const n = rows.length;
        const residual = rows.reduce((sum, row) => sum + (row.c - ratio * row.m) ** 2, 0);
        const squares = rows.reduce((sum, row) => sum + row.c ** 2, 0);
        expect(found.value.estimate).toBeCloseTo(ratio, 8);
        expect(found.value.variance).toBeCloseTo((residual * n) / (n - 1) / m ** 2, 6);
        expect(found.value.nullVariance).toBeCloseTo(squares / m ** 2, 6);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('has the variance of McNemar for one 0/1 pair a unit without an effect', () => {
    const given = [...Array<Pair[]>(7).fill([[1, 0]]), ...Array<Pair[]>(4).fill([[0, 1]])];
    const concordant = Array<Pair[]>(89).fill([[0, 0]]);
    const found = pairedContrast(pairCell('m', [...given, ...concordant]), { factor: 1, shift: 0 });
    expect(found.kind === 'value' && found.value.nullVariance).toBeCloseTo(11 / 100 ** 2, 15);
    expect(found.kind === 'value' && found.value.estimate).toBeCloseTo(-0.03, 12);
  });

  it('loses nothing where the sides are large and the differences small', () => {
    const given = [0, 1, 2, 3].map((d): Pair[] => [[1e12, 1e12 + d]]);
    const found = pairedContrast(pairCell('m', given), { factor: 1, shift: 0 });
    expect(found).toMatchObject({ kind: 'value', value: { estimate: 1.5, variance: 5 / 3 / 4 } });
  });

  it('is undefined without pairs and for a single unit', () => {
    const linear = { factor: 1, shift: 0 };
    expect(pairedContrast(pairCell('m', []), linear).kind).toBe('undefined');
    expect(pairedContrast(pairCell('m', [[[1, 2]]]), linear).kind).toBe('undefined');
  });

  it('counts pairs of a unit that are all alike as one', () => {
    expect(clusterFactor(pairCell('m', [[[0, 0]], [[0, 0]]]))).toBe(1);
    expect(clusterFactor(pairCell('m', [[[0, 0]], Array<Pair>(3).fill([0, 0])]))).toBe(1.25);
  });
});

describe('the variance of a pair at a margin', () => {
  /** The largest likelihood among tables with a difference, by looking at many of them. */
  function searched(b: number, c: number, n: number, d: number): number {
    const size = Math.abs(d);
    const [few, many] = d >= 0 ? [b, c] : [c, b];
    let best = { likelihood: Number.NEGATIVE_INFINITY, q: 0 };
    for (let step = 1; step < 200_000; step += 1) {
      const q = ((1 - size) / 2) * (step / 200_000);
      const both = n - few - many;
      const likelihood =
        many * Math.log(q + size) + few * Math.log(q) + both * Math.log(1 - 2 * q - size);
      if (likelihood > best.likelihood) best = { likelihood, q };
    }
    return 2 * best.q + size - size * size;
  }

  it.each([
    [3, 8, 100, 0.02],
    [3, 8, 100, -0.02],
    [1, 0, 500, 0.01],
    [40, 5, 60, 0.2],
  ])('is that of the most likely table (%i, %i of %i at %f)', (b, c, n, difference) => {
    const found = restrictedPairVariance(
      { pairs: n, controlOnly: b, treatmentOnly: c },
      difference,
    );
    expect(found).toBeCloseTo(searched(b, c, n, difference), 4);
  });

  it('is above 0 also when no pair is discordant', () => {
    const none = { pairs: 200, controlOnly: 0, treatmentOnly: 0 };
    expect(restrictedPairVariance(none, 0.05)).toBeCloseTo(0.05 * 0.95, 12);
  });

  it('is the same with the sides and the sign exchanged', () => {
    const counts = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(counts, counts, fc.double({ min: 0.001, max: 0.5, noNaN: true }), (b, c, d) => {
        const one = restrictedPairVariance({ pairs: 100, controlOnly: b, treatmentOnly: c }, d);
        const other = restrictedPairVariance({ pairs: 100, controlOnly: c, treatmentOnly: b }, -d);
        expect(one).toBe(other);
        expect(one).toBeGreaterThan(0);
        expect(one).toBeLessThanOrEqual(1);
      }),
      { seed: 8 },
    );
  });
});

describe('the distance of two sides of pairs', () => {
  const input = { categories: 3, permutations: 199, level: 0.05, seed: [1, 2, 3, 4] } as const;

  it('is the same for the same seed, and another for another', () => {
    const table: PairTable = [
      [0, 1, 40],
      [1, 0, 30],
      [1, 2, 9],
      [2, 2, 21],
    ];
    const once = pairedDistance({ ...input, table });
    expect(pairedDistance({ ...input, table })).toEqual(once);
    expect(pairedDistance({ ...input, table, seed: [9, 2, 3, 4] })).not.toEqual(once);
  });

  it('is 0, and never beyond, for sides that agree; undefined without pairs', () => {
    expect(pairedDistance({ ...input, table: [[1, 1, 50]] })).toEqual({
      kind: 'value',
      value: { distance: 0, threshold: 0, pValue: 1 },
    });
    expect(pairedDistance({ ...input, table: [] }).kind).toBe('undefined');
  });

  it('has the p-value of the sign test for two categories', () => {
    // 12 of 14 discordant pairs one way: 2 P(Bin(14, 1/2) >= 12) = 0.0129
    const table: PairTable = [
      [0, 1, 12],
      [1, 0, 2],
      [0, 0, 30],
    ];
    const found = pairedDistance({ ...input, permutations: 20_000, table });
    expect(found.kind === 'value' && found.value.pValue).toBeCloseTo(0.0129, 2);
    expect(found.kind === 'value' && Math.abs(found.value.pValue - 0.012939)).toBeLessThan(0.0025);
  });

  it('has the p-value of the normal limit for very many pairs', () => {
    // z = 600 / sqrt(400,000) = 0.9487, two-sided p = 0.3428
    const table: PairTable = [
      [0, 1, 200_300],
      [1, 0, 199_700],
    ];
    const found = pairedDistance({ ...input, permutations: 5_000, table });
    expect(found.kind === 'value' && Math.abs(found.value.pValue - 0.3428)).toBeLessThan(0.025);
  });

  it('alarms at its level when both sides are drawn alike', () => {
    const random = seeded(31);
    let alarms = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run += 1) {
      const table = Array.from({ length: 50 }, () => {
        const base = Math.floor(random() * 3);
        const side = (): number => (random() < 0.3 ? Math.floor(random() * 3) : base);
        return [side(), side(), 1] as const;
      });
      const found = pairedDistance({ ...input, permutations: 99, table, seed: [run, 1, 2, 3] });
      if (found.kind === 'value' && found.value.pValue <= 0.05) alarms += 1;
    }
    expect(alarms / runs).toBeGreaterThan(0.02);
    expect(alarms / runs).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs));
  });

  it('refuses tables that are none', () => {
    expect(() => pairedDistance({ ...input, table: [[0, 3, 1]] })).toThrow(/categories below 3/);
    expect(() => pairedDistance({ ...input, table: [[0, 1, 1.5]] })).toThrow(/whole number/);
  });
});
