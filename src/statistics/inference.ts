import type { Interval } from './assessment.js';
import { finite, openUnit, positive, refuse } from './estimable.js';
import {
  logNormalUpperTail,
  logStudentUpperTail,
  normalUpperQuantile,
  normalUpperTail,
  studentUpperQuantile,
  studentUpperTail,
} from './numerics.js';

/** Which departures from the null count: `greater` = treatment above control, `less` = below it. */
export type Alternative = 'two-sided' | 'greater' | 'less';
const ALTERNATIVES: readonly Alternative[] = ['two-sided', 'greater', 'less'];

/** The null distribution of a statistic, always read from its upper tail. */
export interface ReferenceDistribution {
  upperTail(x: number): number;
  logUpperTail(x: number): number;
  upperQuantile(q: number): number;
}

export const NORMAL: ReferenceDistribution = {
  upperTail: normalUpperTail,
  logUpperTail: logNormalUpperTail,
  upperQuantile: normalUpperQuantile,
};

/** Student's t with `df` degrees of freedom (real, > 0). */
export function student(df: number): ReferenceDistribution {
  return {
    upperTail: (x) => studentUpperTail(x, df),
    logUpperTail: (x) => logStudentUpperTail(x, df),
    upperQuantile: (q) => studentUpperQuantile(q, df),
  };
}

/** A p-value and its natural logarithm; the logarithm stays exact where the p-value underflows to 0. */
export interface PValue {
  readonly pValue: number;
  readonly logPValue: number;
}

/** p-value of a statistic that is symmetric around 0 under the null, from the tail itself. */
export function pValueOf(
  statistic: number,
  alternative: Alternative,
  reference: ReferenceDistribution = NORMAL,
): PValue {
  finite('statistic', statistic);
  // From JSON it may be anything, whatever its type says.
  if (!ALTERNATIVES.includes(alternative)) {
    refuse('alternative', alternative, 'two-sided, greater or less');
  }
  if (alternative === 'two-sided') {
    const x = Math.abs(statistic);
    return { pValue: 2 * reference.upperTail(x), logPValue: Math.LN2 + reference.logUpperTail(x) };
  }
  const x = alternative === 'greater' ? statistic : -statistic;
  return { pValue: reference.upperTail(x), logPValue: reference.logUpperTail(x) };
}

/** An estimate and its standard error (> 0), the null value, and how to test it. */
export interface WaldInput {
  readonly estimate: number;
  readonly standardError: number;
  readonly nullValue?: number;
  readonly alpha: number;
  readonly alternative: Alternative;
  readonly reference?: ReferenceDistribution;
}

/** Estimate, statistic, p-value and the interval of confidence 1 - alpha (one end infinite when one-sided). */
export interface Inference extends PValue, Interval {
  readonly estimate: number;
  readonly standardError: number;
  readonly statistic: number;
}

/** Wald test and interval: (estimate - null)/se against the reference distribution. */
export function waldInference(input: WaldInput): Inference {
  const { estimate, standardError, nullValue = 0, alternative, reference = NORMAL } = input;
  finite('estimate', estimate);
  positive('standardError', standardError);
  const statistic = (estimate - nullValue) / standardError;
  return {
    estimate,
    standardError,
    statistic,
    ...pValueOf(statistic, alternative, reference),
    ...waldInterval(input),
  };
}

function waldInterval({
  estimate,
  standardError,
  alpha,
  alternative,
  reference,
}: WaldInput): Interval {
  openUnit('alpha', alpha);
  const tail = alternative === 'two-sided' ? alpha / 2 : alpha;
  return oneOrTwoSided(
    estimate,
    (reference ?? NORMAL).upperQuantile(tail) * standardError,
    alternative,
  );
}

/** The interval at `distance` around an estimate; one-sided alternatives leave the other end open. */
export function oneOrTwoSided(
  estimate: number,
  distance: number,
  alternative: Alternative,
): Interval {
  return {
    lower: alternative === 'less' ? -Infinity : estimate - distance,
    upper: alternative === 'greater' ? Infinity : estimate + distance,
  };
}
