import { type Estimable, estimated, finite, notEstimable, openUnit } from './estimable.js';
import { type Alternative, type Inference, student, waldInference } from './inference.js';
import { checkSummary, momentsOf, type SampleSummary, summaryOf } from './moments.js';

/** Two independent samples; effects are treatment minus control. */
export interface TwoSamples {
  readonly control: SampleSummary;
  readonly treatment: SampleSummary;
}

export interface MeansTestInput extends TwoSamples {
  readonly alpha: number;
  readonly alternative: Alternative;
  /** The difference under the null; 0 if absent. */
  readonly nullDifference?: number;
}

export interface WelchResult extends Inference {
  readonly df: number;
}

/** Difference of means, its standard error and the Welch-Satterthwaite degrees of freedom. */
export interface MeansDifference {
  readonly estimate: number;
  readonly standardError: number;
  readonly df: number;
}

/** Undefined with fewer than two values in an arm or without any variance. */
export function meansDifference({ control, treatment }: TwoSamples): Estimable<MeansDifference> {
  checkSummary('control', control);
  checkSummary('treatment', treatment);
  if (control.n < 2 || treatment.n < 2) return notEstimable('insufficient_sample');
  const varianceC = control.variance / control.n;
  const varianceT = treatment.variance / treatment.n;
  const total = varianceC + varianceT;
  if (total === 0) return notEstimable('zero_variance');
  return estimated({
    estimate: treatment.mean - control.mean,
    standardError: Math.sqrt(total),
    df: satterthwaite(varianceC, control.n, varianceT, treatment.n),
  });
}

/** Satterthwaite (1946) on shares of the variance, so that tiny variances do not underflow when squared. */
function satterthwaite(varianceC: number, nC: number, varianceT: number, nT: number): number {
  const shareC = varianceC / (varianceC + varianceT);
  const shareT = varianceT / (varianceC + varianceT);
  return 1 / (shareC ** 2 / (nC - 1) + shareT ** 2 / (nT - 1));
}

/** Welch (1947) t test of the difference of means against `nullDifference`. */
export function welchTTest(input: MeansTestInput): Estimable<WelchResult> {
  const { alpha, alternative, nullDifference = 0 } = input;
  openUnit('alpha', alpha);
  finite('nullDifference', nullDifference);
  const found = meansDifference(input);
  if (found.kind === 'undefined') return found;
  const { df, ...effect } = found.value;
  const reference = student(df);
  const wald = waldInference({
    ...effect,
    nullValue: nullDifference,
    alpha,
    alternative,
    reference,
  });
  return estimated({ ...wald, df });
}

/** The same from raw samples, with their summaries. */
export function welchTTestRaw(input: {
  readonly control: readonly number[];
  readonly treatment: readonly number[];
  readonly alpha: number;
  readonly alternative: Alternative;
  readonly nullDifference?: number;
}): Estimable<WelchResult & TwoSamples> {
  const { control, treatment, ...rest } = input;
  const summaryC = summaryOf(momentsOf(control));
  const summaryT = summaryOf(momentsOf(treatment));
  if (summaryC.kind === 'undefined') return summaryC;
  if (summaryT.kind === 'undefined') return summaryT;
  const arms = { control: summaryC.value, treatment: summaryT.value };
  const test = welchTTest({ ...rest, ...arms });
  return test.kind === 'undefined' ? test : estimated({ ...test.value, ...arms });
}

/** The same standard error against the normal distribution, for large samples. */
export function zTestMeans(input: MeansTestInput): Estimable<Inference> {
  const { alpha, alternative, nullDifference = 0 } = input;
  openUnit('alpha', alpha);
  finite('nullDifference', nullDifference);
  const found = meansDifference(input);
  if (found.kind === 'undefined') return found;
  const { estimate, standardError } = found.value;
  return estimated(
    waldInference({ estimate, standardError, nullValue: nullDifference, alpha, alternative }),
  );
}
