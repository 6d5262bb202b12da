import {
  mergeMoments,
  type Moments,
  momentsOf,
  NO_MOMENTS,
  pairedMomentsOf,
  covariance,
  variance,
} from '../../src/statistics/moments.js';
import * as numerics from '../../src/statistics/numerics.js';
import { winsorCaps, winsorizedMoments } from '../../src/statistics/winsorization.js';
import type { Fields, Operation } from './compare.js';
import { mapped, andThen } from './fields.js';
import { estimated, notEstimable } from '../../src/statistics/estimable.js';

interface Point {
  readonly z: number;
  readonly p: number;
  readonly t: number;
  readonly x: number;
  readonly f: number;
  readonly k: number;
  readonly n: number;
  readonly a: number;
  readonly b: number;
  readonly df: number;
  readonly df1: number;
  readonly df2: number;
  readonly shape: number;
}

function value(compute: (point: Point) => number): Operation {
  return (input: Point) => ({ value: compute(input) });
}

/** One value has a mean but no variance; the vector files then leave the field out. */
function knownVariance(moments: Moments): Fields {
  const spread = variance(moments);
  return spread.kind === 'value' ? { variance: spread.value } : {};
}

interface Part {
  readonly n: number;
  readonly mean: number;
  readonly sum_squared_deviations: number;
}

/** Families distributions, moments and winsorization. */
export const distributionOperations: Readonly<Record<string, Operation>> = {
  normal_cdf: value(({ z }) => numerics.normalCdf(z)),
  normal_quantile: value(({ p }) => numerics.normalQuantile(p)),
  normal_log_sf: value(({ z }) => numerics.logNormalUpperTail(z)),
  student_t_cdf: value(({ t, df }) => numerics.studentUpperTail(-t, df)),
  student_t_quantile: value(({ p, df }) => numerics.studentQuantile(p, df)),
  chi_square_sf: value(({ x, df }) => numerics.chiSquareUpperTail(x, df)),
  f_sf: value(({ f, df1, df2 }) => numerics.fUpperTail(f, df1, df2)),
  beta_cdf: value(({ x, a, b }) => numerics.regularisedBeta(x, a, b).lower),
  beta_quantile: value(({ p, a, b }) => numerics.betaQuantile(p, a, b)),
  gamma_cdf: value(({ x, shape }) => numerics.regularisedGamma(x, shape).lower),
  gamma_sf: value(({ x, shape }) => numerics.regularisedGamma(x, shape).upper),
  binomial_cdf: value(({ k, n, p }) => numerics.binomialTails(k, n, p).lower),
  binomial_pmf: value(({ k, n, p }) => numerics.binomialPoint(k, n, p)),
  log_gamma: value(({ x }) => numerics.logGamma(x)),

  mean_variance: ({ values }: { readonly values: readonly number[] }) => {
    const moments = momentsOf(values);
    if (moments.n === 0) return notEstimable('insufficient_sample');
    return estimated({ n: moments.n, mean: moments.mean, ...knownVariance(moments) });
  },
  covariance: ({ x, y }: { readonly x: readonly number[]; readonly y: readonly number[] }) => {
    const moments = pairedMomentsOf(x.map((inner, index) => [y[index] ?? Number.NaN, inner]));
    return mapped(covariance(moments), (found) => ({
      covariance: found,
      variance_x: moments.m2D / (moments.n - 1),
      variance_y: moments.m2Y / (moments.n - 1),
    }));
  },
  merge_moments: ({ parts }: { readonly parts: readonly Part[] }) => {
    const moments = parts
      .map(({ n, mean, sum_squared_deviations: m2 }) => ({ n, mean, m2 }))
      .reduce(mergeMoments, NO_MOMENTS);
    return mapped(variance(moments), (spread) => ({ ...moments, variance: spread }));
  },
  winsorize_by_percentile: (input: {
    readonly values: readonly number[];
    readonly lower_percentile: number | null;
    readonly upper_percentile: number | null;
  }) => {
    const { values, lower_percentile: lower, upper_percentile: upper } = input;
    const percentiles = {
      ...(lower === null ? {} : { lower }),
      ...(upper === null ? {} : { upper }),
    };
    return andThen(winsorCaps(values, percentiles), (caps) => {
      const moments = winsorizedMoments(values, caps);
      return estimated({
        n: moments.n,
        mean: moments.mean,
        ...knownVariance(moments),
        lower_cap: caps.lower,
        upper_cap: caps.upper,
      });
    });
  },
};
