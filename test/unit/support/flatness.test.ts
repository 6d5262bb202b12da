import { describe, expect, it } from 'vitest';
import { fitOf, isFlat, type Sample } from '../../support/flatness.js';

const line = (slope: number, noise: (index: number) => number = () => 0): readonly Sample[] =>
  Array.from({ length: 60 }, (_, index) => ({
    atS: index * 5,
    value: 100 + slope * index * 5 + noise(index),
  }));
/** Deterministic, without a trend. */
const wobble = (index: number): number => [0, 7, -5, 3, -8, 4, 1, -2][index % 8] ?? 0;

describe('the line through samples', () => {
  it('has the slope and growth of points that lie on one', () => {
    const fit = fitOf(line(0.5));
    expect(fit?.slope).toBeCloseTo(0.5, 12);
    expect(fit?.growth).toBeCloseTo(0.5 * 295, 9);
    expect(fit?.slopeError).toBeCloseTo(0, 9);
  });

  it('has the standard error of its slope', () => {
    const fit = fitOf([1, 3, 2, 5, 4, 6, 8, 7].map((value, atS) => ({ atS, value })));
    // Sxx = 42, Sxy = 39, Syy = 42: residual 42 - 39²/42 = 5.785714 on 6 degrees of freedom
    expect(fit?.slope).toBeCloseTo(39 / 42, 12);
    expect(fit?.slopeError).toBeCloseTo(Math.sqrt((42 - 39 ** 2 / 42) / 6 / 42), 12);
  });

  it('says nothing about fewer than eight samples', () => {
    expect(fitOf(line(1).slice(0, 7))).toBeNull();
  });
});

describe('a series', () => {
  const flat = (samples: readonly Sample[], noise: number): boolean => {
    const fit = fitOf(samples);
    return fit !== null && isFlat(fit, noise);
  };

  it('that wobbles or falls is flat', () => {
    expect(flat(line(0, wobble), 0)).toBe(true);
    expect(flat(line(-1, wobble), 0)).toBe(true);
  });

  it('that grows beyond the noise is not, however it wobbles', () => {
    expect(flat(line(0.2, wobble), 20)).toBe(false);
  });

  it('that grows by less than the noise is', () => {
    expect(flat(line(0.01), 20)).toBe(true);
  });
});
