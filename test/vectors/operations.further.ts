import { normalPosterior, probabilityBest } from '../../src/statistics/bayes-normal.js';
import {
  cupedDifference,
  cupedDifferenceRaw,
  type CupedDifference,
  type CupedTheta,
} from '../../src/statistics/cuped.js';
import {
  divergences,
  type Histograms,
  populationStabilityIndex,
} from '../../src/statistics/distribution-distance.js';
import type { Alternative } from '../../src/statistics/inference.js';
import { cohenKappa } from '../../src/statistics/kappa.js';
import { momentsOf, type PairedMoments, summaryOf } from '../../src/statistics/moments.js';
import { msprtNormal, msprtTwoStreams } from '../../src/statistics/msprt.js';
import { mcnemar, pairedTTest } from '../../src/statistics/paired.js';
import type { Fields, Operation } from './compare.js';
import { andThen, ends, mapped } from './fields.js';

interface CupedSide {
  readonly n: number;
  readonly mean_y: number;
  readonly mean_x: number;
  readonly var_y: number;
  readonly var_x: number;
  readonly cov_xy: number;
}

interface CupedCase {
  readonly control: CupedSide;
  readonly treatment: CupedSide;
  readonly theta: CupedTheta;
  readonly alpha: number;
  readonly alternative: Alternative;
}

function cupedMoments(side: CupedSide): PairedMoments {
  const divisor = side.n - 1;
  return {
    n: side.n,
    meanY: side.mean_y,
    meanD: side.mean_x,
    m2Y: side.var_y * divisor,
    m2D: side.var_x * divisor,
    coMoment: side.cov_xy * divisor,
  };
}

function cuped(found: CupedDifference): Fields {
  const lift =
    found.lift.kind === 'undefined'
      ? {}
      : {
          lift: found.lift.value.estimate,
          lift_standard_error: found.lift.value.standardError,
          lift_ci_lower: found.lift.value.lower,
          lift_ci_upper: found.lift.value.upper,
          lift_standard_error_balanced: found.lift.value.standardErrorBalanced,
        };
  return {
    theta: found.theta,
    control_adjusted_mean: found.controlAdjustedMean,
    treatment_adjusted_mean: found.treatmentAdjustedMean,
    estimate: found.estimate,
    standard_error: found.standardError,
    z: found.statistic,
    p_value: found.pValue,
    ...ends(found),
    unadjusted_estimate: found.unadjustedEstimate,
    unadjusted_standard_error: found.unadjustedStandardError,
    variance_reduction: found.varianceReduction,
    ...lift,
  };
}

/** Families msprt, cuped, paired, bayes-normal and distribution-distance. */
export const furtherOperations: Readonly<Record<string, Operation>> = {
  msprt_normal: (input: {
    readonly estimate: number;
    readonly variance_of_estimate: number;
    readonly mixing_variance: number;
    readonly alpha: number;
    readonly null: number;
  }) =>
    mapped(
      msprtNormal({
        estimate: input.estimate,
        varianceOfEstimate: input.variance_of_estimate,
        mixingVariance: input.mixing_variance,
        alpha: input.alpha,
        nullValue: input.null,
      }),
      (found) => ({
        log_likelihood_ratio: found.logLikelihoodRatio,
        p_value: found.pValue,
        ...ends(found),
      }),
    ),
  msprt_two_stream_running: (input: {
    readonly looks: readonly { readonly n_per_arm: number; readonly difference: number }[];
    readonly unit_variance: number;
    readonly mixing_variance: number;
  }) => {
    const found = msprtTwoStreams({
      looks: input.looks.map(({ n_per_arm: unitsPerArm, difference }) => ({
        unitsPerArm,
        difference,
      })),
      unitVariance: input.unit_variance,
      mixingVariance: input.mixing_variance,
    });
    return {
      log_likelihood_ratio: found.map(({ logLikelihoodRatio }) => logLikelihoodRatio),
      running_p: found.map(({ runningP }) => runningP),
    };
  },

  cuped_difference: ({ control, treatment, ...rest }: CupedCase) =>
    mapped(
      cupedDifference({
        ...rest,
        control: cupedMoments(control),
        treatment: cupedMoments(treatment),
      }),
      cuped,
    ),
  cuped_difference_raw: (input: Parameters<typeof cupedDifferenceRaw>[0]) =>
    mapped(cupedDifferenceRaw(input), cuped),

  paired_t_test: (input: {
    readonly differences: readonly number[];
    readonly alpha: number;
    readonly alternative: Alternative;
  }) =>
    andThen(summaryOf(momentsOf(input.differences)), (differences) =>
      mapped(pairedTTest({ ...input, differences }), (found) => ({
        estimate: found.estimate,
        standard_error: found.standardError,
        t: found.statistic,
        df: found.df,
        p_value: found.pValue,
        ...ends(found),
      })),
    ),
  mcnemar: (input: {
    readonly both_success: number;
    readonly control_only: number;
    readonly treatment_only: number;
    readonly neither: number;
    readonly alpha: number;
  }) =>
    mapped(
      mcnemar({
        bothSuccess: input.both_success,
        controlOnly: input.control_only,
        treatmentOnly: input.treatment_only,
        neither: input.neither,
        alpha: input.alpha,
      }),
      (found) => ({
        p_exact: found.pExact,
        p_mid: found.pMid,
        chi_square: found.chiSquare,
        p_asymptotic: found.pAsymptotic,
        chi_square_corrected: found.chiSquareCorrected,
        p_corrected: found.pCorrected,
        estimate: found.estimate,
        wald_standard_error: found.standardError,
        wald_ci_lower: found.wald.lower,
        wald_ci_upper: found.wald.upper,
        agresti_min_ci_lower: found.agrestiMin.lower,
        agresti_min_ci_upper: found.agrestiMin.upper,
      }),
    ),
  cohen_kappa: (input: Parameters<typeof cohenKappa>[0]) =>
    mapped(cohenKappa(input), (found) => ({
      agreement: found.agreement,
      expected_agreement: found.expectedAgreement,
      kappa: found.kappa,
      standard_error: found.standardError,
      ...ends(found),
    })),

  normal_posterior: (input: {
    readonly estimate: number;
    readonly standard_error: number;
    readonly prior_mean: number | null;
    readonly prior_variance: number | null;
    readonly alpha: number;
  }) => {
    const { estimate, standard_error: standardError, alpha } = input;
    const prior =
      input.prior_mean === null || input.prior_variance === null
        ? null
        : { mean: input.prior_mean, variance: input.prior_variance };
    return mapped(normalPosterior({ estimate, standardError, prior, alpha }), (found) => ({
      posterior_mean: found.mean,
      posterior_sd: found.sd,
      chance_to_win: found.chanceToWin,
      ...ends(found),
      expected_loss_treatment: found.expectedLossTreatment,
      expected_loss_control: found.expectedLossControl,
    }));
  },
  probability_best: (input: {
    readonly posterior_means: readonly number[];
    readonly posterior_sds: readonly number[];
  }) => ({
    probability_best: probabilityBest(
      input.posterior_means.map((mean, index) => ({
        mean,
        sd: input.posterior_sds[index] ?? Number.NaN,
      })),
    ),
  }),

  divergences: (input: Histograms) =>
    mapped(divergences(input), (found) => ({
      js_divergence_nats: found.jsNats,
      js_divergence_bits: found.jsBits,
      js_distance_bits: found.jsDistanceBits,
      l_infinity: found.lInfinity,
      total_variation: found.totalVariation,
      hellinger: found.hellinger,
    })),
  population_stability_index: (input: Histograms & { readonly pseudocount: number }) =>
    mapped(populationStabilityIndex(input), (psi) => ({ psi })),
};
