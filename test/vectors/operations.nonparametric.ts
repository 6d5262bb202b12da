import { kolmogorovUpperTail, ksTwoSample } from '../../src/statistics/kolmogorov-smirnov.js';
import {
  clusteredQuantile,
  quantileDifference,
  quantileRanks,
  sampleQuantile,
} from '../../src/statistics/quantile.js';
import { mannWhitney, type RankTest, wilcoxonSignedRank } from '../../src/statistics/rank-tests.js';
import type { Fields, Operation } from './compare.js';
import { ends, mapped } from './fields.js';

interface LevelCase {
  readonly quantile: number;
  readonly alpha: number;
}

interface ArmsCase {
  readonly control: readonly number[];
  readonly treatment: readonly number[];
}

function rankTest({ z, pAsymptotic, pCorrected, pExact }: RankTest): Fields {
  return { z, p_asymptotic: pAsymptotic, p_asymptotic_corrected: pCorrected, p_exact: pExact };
}

/** Families quantile, rank-tests and kolmogorov-smirnov. */
export const nonparametricOperations: Readonly<Record<string, Operation>> = {
  sample_quantile_type7: (input: {
    readonly values: readonly number[];
    readonly probability: number;
  }) => mapped(sampleQuantile(input.values, input.probability), (quantile) => ({ quantile })),
  quantile_difference: ({ quantile: level, ...input }: LevelCase & ArmsCase) =>
    mapped(quantileDifference({ ...input, level }), (found) => ({
      control_quantile: found.control.quantile,
      treatment_quantile: found.treatment.quantile,
      control_standard_error: found.control.standardError,
      treatment_standard_error: found.treatment.standardError,
      estimate: found.estimate,
      standard_error: found.standardError,
      z: found.statistic,
      p_value: found.pValue,
      ...ends(found),
    })),
  quantile_clustered: ({
    quantile: level,
    ...input
  }: LevelCase & { readonly clusters: readonly (readonly number[])[] }) =>
    mapped(clusteredQuantile({ ...input, level }), (found) => ({
      quantile: found.quantile,
      iid_standard_error: found.iidStandardError,
      design_effect: found.designEffect,
      standard_error: found.standardError,
    })),
  quantile_interval_exact_ranks: ({
    quantile: level,
    ...input
  }: LevelCase & { readonly n: number }) =>
    mapped(quantileRanks({ ...input, level }), ({ lower, upper, coverage }) => ({
      lower_rank: lower,
      upper_rank: upper,
      coverage,
    })),

  mann_whitney: (input: Parameters<typeof mannWhitney>[0]) =>
    mapped(mannWhitney(input), (found) => ({
      u: found.u,
      effect_size: found.effectSize,
      ...rankTest(found),
    })),
  wilcoxon_signed_rank: (input: Parameters<typeof wilcoxonSignedRank>[0]) =>
    mapped(wilcoxonSignedRank(input), (found) => ({
      w_plus: found.wPlus,
      n_used: found.nUsed,
      ...rankTest(found),
    })),

  ks_two_sample: (input: ArmsCase) =>
    mapped(ksTwoSample(input), ({ d, pAsymptotic, pExact }) => ({
      d,
      p_asymptotic: pAsymptotic,
      p_exact: pExact,
    })),
  kolmogorov_survival: ({ x }: { readonly x: number }) => ({ p: kolmogorovUpperTail(x) }),
};
