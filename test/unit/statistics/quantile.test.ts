import { describe, expect, it } from 'vitest';
import { binomialPoint } from '../../../src/statistics/numerics.js';
import {
  clusteredQuantile,
  quantileDifference,
  quantileRanks,
  sampleQuantile,
} from '../../../src/statistics/quantile.js';
import { seeded } from './seeded.js';

const random = seeded(21);
const values = (n: number): number[] => Array.from({ length: n }, () => random() ** 2);
const median = { level: 0.5, alpha: 0.05 };

describe('a sample quantile', () => {
  it('is of type 7 and does not disturb the sample', () => {
    const sample = [4, 1, 3, 2];
    expect(sampleQuantile(sample, 0.3)).toEqual({ kind: 'value', value: 1.9 });
    expect(sample).toEqual([4, 1, 3, 2]);
    expect(sampleQuantile([], 0.3)).toMatchObject({ reason: 'insufficient_sample' });
    expect(() => sampleQuantile(sample, 1.1)).toThrow('level');
    expect(() => sampleQuantile([Number.NaN], 0.5)).toThrow('values[0]');
  });
});

describe('ranks around a quantile', () => {
  it.each([
    [6, 0.5, 0.05],
    [40, 0.9, 0.1],
    [75, 0.25, 0.01],
    [500, 0.99, 0.2],
  ])('of %d values at %d keep both tails below alpha/2 and are the tightest', (n, level, alpha) => {
    const found = quantileRanks({ n, level, alpha });
    if (found.kind === 'undefined') throw new Error(found.reason);
    const points = Array.from({ length: n + 1 }, (_, k) => binomialPoint(k, n, level));
    const sum = (from: number, to: number): number =>
      points.slice(from, to).reduce((total, p) => total + p, 0);
    const { lower, upper, coverage } = found.value;
    expect(sum(0, lower)).toBeLessThanOrEqual(alpha / 2);
    expect(sum(0, lower + 1)).toBeGreaterThan(alpha / 2);
    expect(sum(upper, n + 1)).toBeLessThanOrEqual(alpha / 2);
    expect(sum(upper - 1, n + 1)).toBeGreaterThan(alpha / 2);
    expect(coverage).toBeCloseTo(sum(lower, upper), 12);
  });

  it('do not exist in samples that are too small for the level', () => {
    expect(quantileRanks({ n: 300, level: 0.99, alpha: 0.05 }).kind).toBe('undefined');
    expect(quantileRanks({ n: 0, ...median }).kind).toBe('undefined');
    expect(() => quantileRanks({ n: 1.5, ...median })).toThrow('n must be');
  });
});

describe('the difference of quantiles', () => {
  it('covers the true difference about as often as it says', () => {
    let covered = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run += 1) {
      const found = quantileDifference({ control: values(150), treatment: values(200), ...median });
      if (found.kind === 'value' && found.value.lower <= 0 && found.value.upper >= 0) covered += 1;
    }
    expect(covered / runs).toBeGreaterThan(0.92);
    expect(covered / runs).toBeLessThan(0.98);
  });

  it('is undefined where the interval leaves the sample or has no width', () => {
    const flat = new Array<number>(100).fill(3);
    expect(quantileDifference({ control: flat, treatment: values(99), ...median })).toMatchObject({
      reason: 'zero_variance',
    });
    const high = { level: 0.999, alpha: 0.05 };
    expect(
      quantileDifference({ control: values(99), treatment: values(99), ...high }),
    ).toMatchObject({ reason: 'insufficient_sample' });
  });
});

describe('the quantile of clustered values', () => {
  it('has the error of the units when every unit repeats one value (kills the error of the requests)', () => {
    const units = values(400);
    const repeated = clusteredQuantile({
      clusters: units.map((value) => new Array<number>(10).fill(value)),
      ...median,
    });
    if (repeated.kind === 'undefined') throw new Error(repeated.reason);
    expect(repeated.value.designEffect).toBeCloseTo(10, 0);
  });

  it('has a design effect of about 1 when units have one value each', () => {
    const single = clusteredQuantile({ clusters: values(400).map((value) => [value]), ...median });
    if (single.kind === 'undefined') throw new Error(single.reason);
    expect(single.value.designEffect).toBeCloseTo(400 / 399, 10);
  });

  it('is undefined for one unit, or when all units have the same share below', () => {
    expect(clusteredQuantile({ clusters: [values(50)], ...median })).toMatchObject({
      reason: 'insufficient_sample',
    });
    const alike = Array.from({ length: 30 }, (_, index) => [1 + index / 100, 2 + index / 100]);
    expect(clusteredQuantile({ clusters: alike, ...median })).toMatchObject({
      reason: 'zero_variance',
    });
  });
});
