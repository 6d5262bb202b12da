import { describe, expect, it } from 'vitest';
import type { Estimable } from '../../../src/statistics/estimable.js';
import { kolmogorovUpperTail, ksTwoSample } from '../../../src/statistics/kolmogorov-smirnov.js';
import { mannWhitney, wilcoxonSignedRank } from '../../../src/statistics/rank-tests.js';
import { mannWhitneyTails, signedRankTails } from '../../../src/statistics/ranks.js';
import { seeded } from './seeded.js';

function valueOf<T>(found: Estimable<T>): T {
  if (found.kind === 'undefined') throw new Error(found.reason);
  return found.value;
}

/** Every way to choose which of the places 0..n+m-1 belong to the second sample. */
function* choices(n: number, m: number): Generator<readonly number[]> {
  for (let mask = 0; mask < 2 ** (n + m); mask += 1) {
    const places = Array.from({ length: n + m }, (_, place) => place).filter(
      (place) => Math.floor(mask / 2 ** place) % 2 === 1,
    );
    if (places.length === m) yield places;
  }
}

function split(n: number, m: number, places: readonly number[]) {
  const all = Array.from({ length: n + m }, (_, place) => place);
  return { control: all.filter((place) => !places.includes(place)), treatment: [...places] };
}

describe('exact distributions', () => {
  it.each([
    [4, 5],
    [6, 3],
    [1, 7],
  ])('of U for %d and %d values are those of every arrangement', (n, m) => {
    const counts = [...choices(n, m)].map(
      (places) => valueOf(mannWhitney({ ...split(n, m, places), alternative: 'greater' })).u,
    );
    for (let u = 0; u <= n * m; u += 1) {
      const tails = mannWhitneyTails(u, n, m);
      expect(tails?.atMost).toBeCloseTo(counts.filter((x) => x <= u).length / counts.length, 14);
      expect(tails?.atLeast).toBeCloseTo(counts.filter((x) => x >= u).length / counts.length, 14);
    }
  });

  it('of the signed-rank sum are those of every choice of signs', () => {
    const n = 9;
    const sums = Array.from({ length: 2 ** n }, (_, mask) =>
      Array.from({ length: n }, (_unused, bit) =>
        Math.floor(mask / 2 ** bit) % 2 === 1 ? bit + 1 : 0,
      ).reduce((sum, rank) => sum + rank, 0),
    );
    for (let w = 0; w <= (n * (n + 1)) / 2; w += 1) {
      const tails = signedRankTails(w, n);
      expect(tails?.atMost).toBe(sums.filter((x) => x <= w).length / sums.length);
      expect(tails?.atLeast).toBe(sums.filter((x) => x >= w).length / sums.length);
    }
  });

  it('of the Kolmogorov-Smirnov distance are those of every arrangement', () => {
    const found = [...choices(5, 4)].map((places) => valueOf(ksTwoSample(split(5, 4, places))));
    for (const { d, pExact } of found) {
      const share = found.filter((other) => other.d >= d - 1e-12).length / found.length;
      expect(pExact).toBeCloseTo(share, 14);
    }
  });

  it('keep their digits where 1 - cdf is 0', () => {
    const low = Array.from({ length: 60 }, (_, index) => index);
    const high = low.map((value) => value + 1000);
    const separated = { control: low, treatment: high };
    // One arrangement of binomial(120, 60) = 9.661e34; two for the two-sided distance.
    const once = 1 / 9.661_494_603_637_0e34;
    const rank = valueOf(mannWhitney({ ...separated, alternative: 'greater' }));
    expect((rank.pExact ?? 0) / once).toBeCloseTo(1, 2);
    expect((valueOf(ksTwoSample(separated)).pExact ?? 0) / (rank.pExact ?? 1)).toBeCloseTo(2, 10);
    const signs = valueOf(wilcoxonSignedRank({ differences: high, alternative: 'greater' }));
    expect(signs.pExact).toBe(2 ** -60);
  });

  it('are left out, not approximated, where they would take too long', () => {
    const random = seeded(3);
    const many = Array.from({ length: 3000 }, () => random());
    const arms = { control: many.slice(0, 1500), treatment: many.slice(1500) };
    expect(valueOf(mannWhitney({ ...arms, alternative: 'less' })).pExact).toBeNull();
    const differences = many.map((value) => value - 0.5);
    expect(valueOf(wilcoxonSignedRank({ differences, alternative: 'less' })).pExact).toBeNull();
    expect(valueOf(ksTwoSample(arms)).pExact).not.toBeNull();
  });
});

describe('rank tests', () => {
  it('mirror when the arms are swapped, with ties too', () => {
    const arms = { control: [1, 2, 2, 5], treatment: [2, 3, 5, 9, 9] };
    const forth = valueOf(mannWhitney({ ...arms, alternative: 'greater' }));
    const back = valueOf(
      mannWhitney({ control: arms.treatment, treatment: arms.control, alternative: 'less' }),
    );
    expect(forth.u + back.u).toBe(20);
    expect(forth.pAsymptotic).toBeCloseTo(back.pAsymptotic, 15);
    expect(forth.pCorrected).toBeCloseTo(back.pCorrected, 15);
    expect(forth.pExact).toBeNull();
  });

  it('have a tie correction without cancellation in 400,000 values of which one differs', () => {
    const n = 200_000;
    const control = new Array<number>(n).fill(0);
    const treatment = [...control];
    treatment[0] = 1;
    const { z, u } = valueOf(mannWhitney({ control, treatment, alternative: 'greater' }));
    expect(u).toBe((n * n) / 2 + n / 2);
    // N^3 - N - ((N - 1)^3 - (N - 1)) = 3 N (N - 1), so var U = n^2/4.
    expect(z).toBeCloseTo(1, 14);
  });

  it('say "undefined" without data or spread, and refuse what is not a number', () => {
    const two = 'two-sided' as const;
    expect(mannWhitney({ control: [], treatment: [1], alternative: two })).toMatchObject({
      reason: 'insufficient_sample',
    });
    expect(mannWhitney({ control: [1, 1], treatment: [1], alternative: two })).toMatchObject({
      reason: 'zero_variance',
    });
    expect(wilcoxonSignedRank({ differences: [0, 0], alternative: two })).toMatchObject({
      reason: 'insufficient_sample',
    });
    expect(ksTwoSample({ control: [1], treatment: [] })).toMatchObject({
      reason: 'insufficient_sample',
    });
    expect(() => wilcoxonSignedRank({ differences: [1, Number.NaN], alternative: two })).toThrow(
      'differences[1]',
    );
    expect(() => ksTwoSample({ control: [1], treatment: [Infinity] })).toThrow('treatment[0]');
    expect(() =>
      mannWhitney({ control: [1], treatment: [2], alternative: 'both' as 'less' }),
    ).toThrow('alternative');
  });
});

describe("Kolmogorov's limit law", () => {
  it('is continuous where its two series meet and falls from 1 to 0', () => {
    expect(kolmogorovUpperTail(1 - 1e-12) / kolmogorovUpperTail(1)).toBeCloseTo(1, 10);
    const tails = Array.from({ length: 60 }, (_, index) => kolmogorovUpperTail(index / 10));
    expect(tails).toEqual(tails.toSorted((a, b) => b - a));
    expect(tails[0]).toBe(1);
    expect(() => kolmogorovUpperTail(-1)).toThrow('x must be');
  });
});
