import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import { distributionOf, scatterOf } from '../../../src/monitoring/pair-shapes.js';

const sum = (numbers: readonly number[]): number => numbers.reduce((all, n) => all + n, 0);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e120, max: 1e120 });
const usual = fc.double({ noNaN: true, min: -1e3, max: 1e3 });

describe('a distribution', () => {
  it('has readable edges, 0 among them, and keeps what is exactly 0 apart', () => {
    const found = distributionOf([-1.5, -0.2, 0, 0, 0, 0.1, 0.9, 2.9]);
    expect(found).toMatchObject({ count: 8, zero: 3, below: 0, above: 0, width: 0.2 });
    expect(found.from).toBeCloseTo(-1.6, 12);
    expect(found.bins[0]).toBe(1);
    // [-0.2, 0) ends where [0, 0.2) begins
    expect(found.bins.slice(7, 9)).toEqual([1, 1]);
    expect(found.bins).toHaveLength(23);
    expect(found.mean).toBeCloseTo(2.2 / 8, 12);
  });

  it('has no bins where nothing differs', () => {
    expect(distributionOf([0, 0])).toMatchObject({ count: 2, zero: 2, bins: [], width: 0 });
    expect(distributionOf([])).toMatchObject({ count: 0, zero: 0, mean: 0, bins: [] });
  });

  it('is not flattened by one absurd value, and says that there was one', () => {
    const values = Array.from({ length: 1_000 }, (_, index) => (index % 100) / 100 + 0.005);
    const found = distributionOf([...values, 1e9, -1e9]);
    expect(found.width).toBeLessThan(0.1);
    expect(found.above).toBeGreaterThanOrEqual(1);
    expect(found.below).toBe(1);
  });

  it('loses no value, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(finite, usual, fc.constant(0)), { maxLength: 200 }),
        (values) => {
          const { count, zero, below, above, bins } = distributionOf(values);
          expect(count).toBe(values.length);
          expect(bins.length).toBeLessThanOrEqual(67);
          if (bins.length > 0) expect(zero + below + above + sum(bins)).toBe(count);
          const beyond = values.filter((value) => value !== 0).length;
          // a hundredth on either side, and at least the outermost value
          expect(below + above).toBeLessThanOrEqual(0.02 * beyond + 2);
        },
      ),
    );
  });

  it('bins what is too small to be divided', () => {
    const { bins, zero, below, above } = distributionOf([-5e-324, 5e-324, 1e-310, 0]);
    expect(bins.length).toBeLessThanOrEqual(67);
    expect(zero + below + above + sum(bins)).toBe(4);
    const scatter = scatterOf({ primary: [-5e-324, 5e-324], shadow: [5e-324, 0] }, 'linear');
    expect(scatter?.outside).toBe(0);
    expect(sum(scatter?.cells.map(({ pairs }) => pairs) ?? [])).toBe(2);
  });

  it('puts a value into the bin that its edges name', () => {
    fc.assert(
      fc.property(fc.array(usual, { minLength: 1, maxLength: 60 }), usual, (others, value) => {
        fc.pre(Math.abs(value) > 1e-6);
        const before = distributionOf([...others, value, value]);
        const { from, width, bins, below, above } = before;
        if (bins.length === 0) return;
        const end = from + width * bins.length;
        const slack = 1e-9 * Math.max(1, Math.abs(value));
        if (value < from - slack) expect(below).toBeGreaterThanOrEqual(2);
        else if (value > end + slack) expect(above).toBeGreaterThanOrEqual(2);
        else {
          const near = [value - slack, value + slack].map((at) => Math.floor((at - from) / width));
          const counts = near.map((index) => bins[Math.min(bins.length - 1, Math.max(0, index))]);
          expect(Math.max(...counts.map((n) => n ?? 0))).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });
});

describe('a scatter', () => {
  it('has the same range on both axes: the same answers lie on the diagonal', () => {
    const scores = Array.from({ length: 101 }, (_, index) => index / 100);
    const found = scatterOf({ primary: scores, shadow: scores }, 'linear');
    expect(found).toMatchObject({ count: 101, size: 32, scale: 'linear' });
    expect(found!.cells.every(({ column, row }) => column === row)).toBe(true);
    expect(sum(found!.cells.map(({ pairs }) => pairs)) + found!.outside).toBe(101);
  });

  it('puts a slower shadow above the diagonal, in logarithms', () => {
    const primary = Array.from({ length: 200 }, (_, index) => 1 + index);
    const found = scatterOf({ primary, shadow: primary.map((ms) => 2 * ms) }, 'log');
    expect(found!.cells.every(({ column, row }) => row > column)).toBe(true);
    const [gaps] = [found!.cells.map(({ column, row }) => row - column)];
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
    expect(found!.from).toBeCloseTo(2, 0);
  });

  it('takes times below the clock for the smallest one', () => {
    const found = scatterOf({ primary: [0, 1, 10], shadow: [0, 1, 10] }, 'log');
    expect(found!.outside).toBe(0);
    expect(found!.from).toBeCloseTo(0.01, 12);
  });

  it('is nothing without a pair, and a single point has room around it', () => {
    expect(scatterOf({ primary: [], shadow: [] }, 'linear')).toBeNull();
    const point = scatterOf({ primary: [5], shadow: [5] }, 'linear');
    expect(point!.cells).toHaveLength(1);
    expect(point!.from).toBeLessThan(5);
    expect(point!.to).toBeGreaterThan(5);
  });

  it('loses no pair, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(finite, finite), { minLength: 1, maxLength: 200 }),
        fc.constantFrom('linear' as const, 'log' as const),
        (pairs, scale) => {
          const found = scatterOf(
            { primary: pairs.map(([left]) => left), shadow: pairs.map(([, right]) => right) },
            scale,
          );
          expect(sum(found!.cells.map(({ pairs }) => pairs)) + found!.outside).toBe(pairs.length);
          for (const { column, row } of found!.cells) {
            expect(Math.min(column, row)).toBeGreaterThanOrEqual(0);
            expect(Math.max(column, row)).toBeLessThan(32);
          }
          expect(found!.outside).toBeLessThanOrEqual(0.02 * pairs.length + 4);
        },
      ),
    );
  });
});
