import {
  count,
  type Estimable,
  estimated,
  nonNegative,
  notEstimable,
  positive,
  refuse,
} from './estimable.js';
import type { PValue } from './inference.js';
import { chiSquareUpperTail, logChiSquareUpperTail } from './numerics.js';
import { deviance, stirlingError } from './saddle-point.js';

/** Units per arm against the weights they were assigned with. */
export interface SampleRatioCounts {
  readonly observed: readonly number[];
  /** Assignment weights, any scale; an arm of weight 0 must have no units. */
  readonly weights: readonly number[];
}

export interface SampleRatioChiSquare extends PValue {
  readonly chiSquare: number;
  readonly df: number;
}

/**
 * Pearson's chi-square for one look. Arms of zero weight are left out of the degrees of freedom (gbstats keeps
 * them), and a unit in one gives p = 0. At each of 500 looks p < .001 alarms falsely in .022 of the
 * experiments: show it, act on `sampleRatioSequential`. Undefined without units or with a single arm.
 */
export function sampleRatioChiSquare(input: SampleRatioCounts): Estimable<SampleRatioChiSquare> {
  checkCounts(input);
  const { observed, weights } = input;
  const total = observed.reduce((sum, n) => sum + n, 0);
  const weightTotal = weights.reduce((sum, w) => sum + w, 0);
  if (total === 0) return notEstimable('insufficient_sample');
  const df = weights.filter((w) => w > 0).length - 1;
  if (strayUnits(input) > 0) {
    return estimated({ chiSquare: Infinity, df: Math.max(df, 1), pValue: 0, logPValue: -Infinity });
  }
  if (df < 1) return notEstimable('single_arm');
  let chiSquare = 0;
  for (const [arm, n] of observed.entries()) {
    const expected = (total * (weights[arm] ?? 0)) / weightTotal;
    if (expected > 0) chiSquare += (n - expected) ** 2 / expected;
  }
  return estimated({
    chiSquare,
    df,
    pValue: chiSquareUpperTail(chiSquare, df),
    logPValue: logChiSquareUpperTail(chiSquare, df),
  });
}

export interface SampleRatioPrior {
  /** Prior weight in units: Dirichlet(concentration * weights). 1e4 by default in this engine. */
  readonly concentration: number;
}

/**
 * ln Bayes factor of the multinomial-Dirichlet test (Lindon & Malek 2022) for one phase:
 * lnG(A) - lnG(A + n) + sum(lnG(a_i + x_i) - lnG(a_i)) - sum x_i ln theta_i with a_i = A theta_i.
 * Written in deviances and Stirling errors: the log-gammas cancel to nothing at 1e9 units, these do not.
 * +Infinity when a unit is in an arm of zero weight; 0 without units.
 */
export function sampleRatioLogBayesFactor(input: SampleRatioCounts & SampleRatioPrior): number {
  checkCounts(input);
  const prior = positive('concentration', input.concentration);
  if (strayUnits(input) > 0) return Infinity;
  const units = input.observed.reduce((sum, n) => sum + n, 0);
  const weightTotal = input.weights.reduce((sum, w) => sum + w, 0);
  const after = prior + units;
  let logFactor = stirlingError(prior) - stirlingError(after) - 0.5 * Math.log(prior / after);
  for (const [arm, n] of input.observed.entries()) {
    const theta = (input.weights[arm] ?? 0) / weightTotal;
    if (theta === 0) continue;
    const a = prior * theta;
    logFactor +=
      deviance(a + n, after * theta) +
      stirlingError(a + n) -
      stirlingError(a) -
      0.5 * Math.log((a + n) / a);
  }
  return logFactor;
}

/** One ramp phase with its own weights; looks are cumulative counts inside the phase. */
export interface SampleRatioPhase {
  readonly weights: readonly number[];
  readonly looks: readonly (readonly number[])[];
}

export interface SampleRatioLook {
  /** ln of the product of the Bayes factors of this and all earlier phases. */
  readonly logBayesFactor: number;
  /** Running minimum of min(1, 1/BF): valid at all looks together. */
  readonly runningP: number;
  readonly logRunningP: number;
}

/** The sequential test over consecutive phases; Bayes factors of phases multiply. Counts may not fall. */
export function sampleRatioSequential(
  input: SampleRatioPrior & { readonly phases: readonly SampleRatioPhase[] },
): readonly SampleRatioLook[] {
  const looks: SampleRatioLook[] = [];
  let earlier = 0;
  let logRunningP = 0;
  for (const [index, { weights, looks: counts }] of input.phases.entries()) {
    checkGrowing(`phases[${String(index)}]`, counts);
    let here = 0;
    for (const observed of counts) {
      here = sampleRatioLogBayesFactor({ observed, weights, concentration: input.concentration });
      const logBayesFactor = earlier + here;
      logRunningP = Math.min(logRunningP, -logBayesFactor);
      looks.push({ logBayesFactor, runningP: Math.exp(logRunningP), logRunningP });
    }
    earlier += here;
  }
  return looks;
}

function strayUnits({ observed, weights }: SampleRatioCounts): number {
  return observed.reduce((sum, n, arm) => (weights[arm] === 0 ? sum + n : sum), 0);
}

function checkCounts({ observed, weights }: SampleRatioCounts): void {
  if (observed.length !== weights.length) {
    refuse(
      'observed',
      observed.length,
      `one count for each of the ${String(weights.length)} weights`,
    );
  }
  for (const [arm, n] of observed.entries()) count(`observed[${String(arm)}]`, n);
  for (const [arm, weight] of weights.entries()) nonNegative(`weights[${String(arm)}]`, weight);
  if (weights.length > 0 && !weights.some((weight) => weight > 0)) {
    refuse('weights', weights, 'at least one weight greater than 0');
  }
}

function checkGrowing(field: string, looks: readonly (readonly number[])[]): void {
  for (const [index, look] of looks.entries()) {
    const before = looks[index - 1];
    if (before?.some((n, arm) => (look[arm] ?? 0) < n) === true) {
      refuse(`${field}.looks[${String(index)}]`, look, 'cumulative counts that never fall');
    }
  }
}
