import type { Estimable } from '../../src/statistics/estimable.js';
import type { Alternative, Inference } from '../../src/statistics/inference.js';
import {
  checkSummary,
  type PairedMoments,
  type SampleSummary,
} from '../../src/statistics/moments.js';
import { normalUpperQuantile } from '../../src/statistics/numerics.js';
import {
  clopperPearsonInterval,
  type Proportion,
  wilsonInterval,
} from '../../src/statistics/one-proportion.js';
import {
  ratioDifference,
  type RatioDifference,
  ratioDifferenceRaw,
} from '../../src/statistics/ratio-metric.js';
import {
  armEstimate,
  liftDeltaNormal,
  liftDeltaT,
  liftFieller,
  type LiftInput,
  liftLogRatio,
} from '../../src/statistics/relative-lift.js';
import { stratifiedDifference, type StratumWeights } from '../../src/statistics/stratified.js';
import {
  agrestiCaffo,
  newcombeInterval,
  pooledZTest,
  unpooledZTest,
} from '../../src/statistics/two-proportion.js';
import {
  meansDifference,
  type MeansTestInput,
  welchTTest,
  welchTTestRaw,
  type WelchResult,
  zTestMeans,
} from '../../src/statistics/welch.js';
import type { Fields, Operation } from './compare.js';
import { ends, mapped, andThen } from './fields.js';

interface ProportionsCase {
  readonly control: Proportion;
  readonly treatment: Proportion;
  readonly alpha: number;
  readonly alternative: Alternative;
}

interface SamplesCase {
  readonly control: SampleSummary;
  readonly treatment: SampleSummary;
  readonly alpha: number;
  readonly alternative: Alternative;
  readonly null_difference?: number;
}

interface RatioSide {
  readonly n: number;
  readonly mean_numerator: number;
  readonly mean_denominator: number;
  readonly variance_numerator: number;
  readonly variance_denominator: number;
  readonly covariance: number;
}

/** Inputs of the vector files are variances; the engine stores sums of squared deviations. */
function pairedMoments(side: RatioSide): PairedMoments {
  const divisor = side.n - 1;
  return {
    n: side.n,
    meanY: side.mean_numerator,
    meanD: side.mean_denominator,
    m2Y: side.variance_numerator * divisor,
    m2D: side.variance_denominator * divisor,
    coMoment: side.covariance * divisor,
  };
}

function wald(found: Inference): Fields {
  const { estimate, standardError, statistic, pValue } = found;
  return {
    estimate,
    standard_error: standardError,
    z: statistic,
    t: statistic,
    statistic,
    p_value: pValue,
    ...ends(found),
  };
}

function ratio(found: RatioDifference): Fields {
  const lift =
    found.lift.kind === 'undefined'
      ? {}
      : {
          lift: found.lift.value.estimate,
          lift_standard_error: found.lift.value.standardError,
          lift_ci_lower: found.lift.value.lower,
          lift_ci_upper: found.lift.value.upper,
        };
  return {
    ...wald(found),
    control_ratio: found.controlRatio,
    treatment_ratio: found.treatmentRatio,
    ...lift,
  };
}

function lifts(
  { control, treatment }: SamplesCase,
  next: (arms: LiftInput) => Estimable<Fields>,
): Estimable<Fields> {
  return andThen(armEstimate(control), (c) =>
    andThen(armEstimate(treatment), (t) => next({ control: c, treatment: t })),
  );
}

function meansInput({
  null_difference: nullDifference = 0,
  ...input
}: SamplesCase): MeansTestInput {
  return { ...input, nullDifference };
}

const withDf = (found: WelchResult): Fields => ({ ...wald(found), df: found.df });

interface StratifiedCase {
  readonly strata: readonly Pick<SamplesCase, 'control' | 'treatment'>[];
  readonly weights: StratumWeights;
  readonly alpha: number;
  readonly alternative: Alternative;
}

function stratified({ strata, ...rest }: StratifiedCase): Estimable<Fields> {
  const found = stratifiedDifference({
    ...rest,
    strata: strata.map(({ control, treatment }) => {
      checkSummary('control', control);
      checkSummary('treatment', treatment);
      return {
        estimate: treatment.mean - control.mean,
        variance: control.variance / control.n + treatment.variance / treatment.n,
        controlUnits: control.n,
        treatmentUnits: treatment.n,
      };
    }),
  });
  const crude = (arm: 'control' | 'treatment'): number =>
    strata.reduce((sum, stratum) => sum + stratum[arm].n * stratum[arm].mean, 0) /
    strata.reduce((sum, stratum) => sum + stratum[arm].n, 0);
  return mapped(found, (value) => ({
    ...wald(value),
    weights: value.weights,
    crude_difference: crude('treatment') - crude('control'),
  }));
}

/** Families two-proportion, one-proportion, welch, relative-lift, ratio-metric and stratified. */
export const effectOperations: Readonly<Record<string, Operation>> = {
  two_proportion_z_pooled: (input: ProportionsCase) =>
    mapped(pooledZTest(input), ({ estimate, standardError, statistic, pValue }) => ({
      estimate,
      standard_error: standardError,
      z: statistic,
      p_value: pValue,
    })),
  two_proportion_z_unpooled: (input: ProportionsCase) => mapped(unpooledZTest(input), wald),
  newcombe_interval: (input: ProportionsCase) =>
    mapped(newcombeInterval(input), (found) => ({ estimate: found.estimate, ...ends(found) })),
  agresti_caffo_interval: (input: ProportionsCase) => mapped(agrestiCaffo(input), ends),
  wilson_interval: ({ alpha, ...arm }: Proportion & { readonly alpha: number }) =>
    mapped(wilsonInterval(arm, alpha), ends),
  clopper_pearson_interval: ({ alpha, ...arm }: Proportion & { readonly alpha: number }) =>
    mapped(clopperPearsonInterval(arm, alpha), ends),

  welch_t_test: (input: SamplesCase) => mapped(welchTTest(meansInput(input)), withDf),
  z_test_means: (input: SamplesCase) => mapped(zTestMeans(meansInput(input)), wald),
  welch_t_test_raw: (input: {
    readonly control: readonly number[];
    readonly treatment: readonly number[];
    readonly alpha: number;
    readonly alternative: Alternative;
  }) =>
    mapped(welchTTestRaw(input), (found) => ({
      ...withDf(found),
      control_mean: found.control.mean,
      control_variance: found.control.variance,
      treatment_mean: found.treatment.mean,
      treatment_variance: found.treatment.variance,
    })),

  lift_delta_normal: (input: SamplesCase) =>
    lifts(input, (arms) => mapped(liftDeltaNormal({ ...arms, alpha: input.alpha }), wald)),
  lift_delta_t: (input: SamplesCase) =>
    lifts(input, (arms) =>
      andThen(meansDifference(input), ({ df }) =>
        mapped(liftDeltaT({ ...arms, alpha: input.alpha, df }), wald),
      ),
    ),
  lift_fieller: (input: SamplesCase) =>
    lifts(input, (arms) => {
      const criticalValue = normalUpperQuantile(input.alpha / 2);
      return mapped(liftFieller({ ...arms, criticalValue }), (found) => ({
        estimate: found.estimate,
        g: found.g,
        ...ends(found),
      }));
    }),
  lift_log_ratio: (input: SamplesCase) =>
    lifts(input, (arms) =>
      mapped(liftLogRatio({ ...arms, alpha: input.alpha }), (found) => ({
        log_ratio: found.logRatio,
        standard_error: found.standardError,
        ...ends(found),
      })),
    ),

  ratio_difference: (input: {
    readonly control: RatioSide;
    readonly treatment: RatioSide;
    readonly alpha: number;
    readonly alternative: Alternative;
  }) => {
    const control = pairedMoments(input.control);
    const treatment = pairedMoments(input.treatment);
    return mapped(ratioDifference({ ...input, control, treatment }), ratio);
  },
  ratio_difference_raw: (input: Parameters<typeof ratioDifferenceRaw>[0]) =>
    mapped(ratioDifferenceRaw(input), ratio),

  stratified_difference: stratified,
};
