import type { Alternative } from '../../src/statistics/inference.js';
import type { SampleSummary } from '../../src/statistics/moments.js';
import * as multiplicity from '../../src/statistics/multiplicity.js';
import {
  equivalenceTost,
  nonInferiorityMeans,
  nonInferiorityRelative,
} from '../../src/statistics/non-inferiority.js';
import type { Proportion } from '../../src/statistics/one-proportion.js';
import {
  mdeMeans,
  mdeProportions,
  powerTwoSampleT,
  powerZ,
  sampleSizeMeans,
  sampleSizeProportions,
  type SampleSize,
  type Sides,
} from '../../src/statistics/power.js';
import { armEstimate } from '../../src/statistics/relative-lift.js';
import { riskDifferenceScoreTest } from '../../src/statistics/risk-difference.js';
import type { Fields, Operation } from './compare.js';
import { ends, mapped, andThen } from './fields.js';

interface DesignCase {
  readonly alpha: number;
  readonly power: number;
  readonly sides: Sides;
  readonly sd_control: number;
  readonly sd_treatment: number;
  readonly effect: number;
  readonly allocation_ratio: number;
  readonly rate_control: number;
  readonly rate_treatment: number;
  readonly null_variance: 'pooled' | 'unpooled';
  readonly n_control: number;
  readonly n_treatment: number;
  readonly standard_error: number;
  readonly sd: number;
  readonly n_per_arm: number;
}

interface MarginCase {
  readonly control: SampleSummary;
  readonly treatment: SampleSummary;
  readonly alpha: number;
  readonly margin: number;
  readonly relative_margin: number;
  readonly lower_margin: number;
  readonly upper_margin: number;
  readonly higher_is_better: boolean;
}

interface ScoreCase {
  readonly control: Proportion;
  readonly treatment: Proportion;
  readonly null_difference: number;
  readonly alternative: Alternative;
  readonly variance_correction: boolean;
}

function sizes({ controlExact, control, treatment }: SampleSize): Fields {
  return { n_control_exact: controlExact, n_control: control, n_treatment: treatment };
}

/** What every design of means and rates shares, under the engine's names. */
function design(input: DesignCase) {
  return {
    ...input,
    sdControl: input.sd_control,
    sdTreatment: input.sd_treatment,
    allocationRatio: input.allocation_ratio,
    rateControl: input.rate_control,
    rateTreatment: input.rate_treatment,
    nullVariance: input.null_variance,
    nControl: input.n_control,
    nTreatment: input.n_treatment,
    standardError: input.standard_error,
    unitsPerArm: input.n_per_arm,
  };
}

/** Families multiplicity, power and non-inferiority. */
export const designOperations: Readonly<Record<string, Operation>> = {
  adjust_p_values: ({ p_values: p }: { readonly p_values: readonly number[] }) => ({
    bonferroni: multiplicity.bonferroni(p),
    holm: multiplicity.holm(p),
    hochberg: multiplicity.hochberg(p),
    benjamini_hochberg: multiplicity.benjaminiHochberg(p),
    benjamini_yekutieli: multiplicity.benjaminiYekutieli(p),
  }),

  sample_size_means: (input: DesignCase) => mapped(sampleSizeMeans(design(input)), sizes),
  sample_size_proportions: (input: DesignCase) =>
    mapped(sampleSizeProportions(design(input)), sizes),
  mde_means: (input: DesignCase) => mapped(mdeMeans(design(input)), (mde) => ({ mde })),
  mde_proportions: (input: DesignCase) =>
    mapped(mdeProportions(design(input)), ({ treatmentRate, mde, mdeRelative }) => ({
      treatment_rate: treatmentRate,
      mde,
      mde_relative: mdeRelative,
    })),
  power_z: (input: DesignCase) => mapped(powerZ(design(input)), (power) => ({ power })),
  power_two_sample_t: (input: DesignCase) =>
    mapped(powerTwoSampleT(design(input)), (power) => ({ power })),

  non_inferiority_means: ({ higher_is_better: higherIsBetter, ...input }: MarginCase) =>
    mapped(nonInferiorityMeans({ ...input, higherIsBetter }), (found) => ({
      estimate: found.estimate,
      standard_error: found.standardError,
      df: found.df,
      t: found.statistic,
      p_value: found.pValue,
      ci_bound: found.bound,
      non_inferior: found.nonInferior,
    })),
  equivalence_tost: (input: MarginCase) => {
    const { lower_margin: lowerMargin, upper_margin: upperMargin } = input;
    return mapped(equivalenceTost({ ...input, lowerMargin, upperMargin }), (found) => ({
      estimate: found.estimate,
      standard_error: found.standardError,
      df: found.df,
      t_lower: found.statisticLower,
      t_upper: found.statisticUpper,
      p_lower: found.pLower,
      p_upper: found.pUpper,
      p_value: found.pValue,
      ...ends(found),
      equivalent: found.equivalent,
    }));
  },
  non_inferiority_relative: (input: MarginCase) => {
    const { relative_margin: relativeMargin, higher_is_better: higherIsBetter } = input;
    return andThen(armEstimate(input.control), (control) =>
      andThen(armEstimate(input.treatment), (treatment) =>
        mapped(
          nonInferiorityRelative({ control, treatment, relativeMargin, higherIsBetter }),
          (found) => ({
            contrast: found.contrast,
            standard_error: found.standardError,
            z: found.statistic,
            p_value: found.pValue,
          }),
        ),
      ),
    );
  },
  risk_difference_score_test: (input: ScoreCase) =>
    mapped(
      riskDifferenceScoreTest({
        ...input,
        nullDifference: input.null_difference,
        varianceCorrection: input.variance_correction,
      }),
      (found) => ({
        estimate: found.estimate,
        control_rate_restricted: found.controlRate,
        treatment_rate_restricted: found.treatmentRate,
        standard_error: found.standardError,
        z: found.statistic,
        p_value: found.pValue,
      }),
    ),
};
