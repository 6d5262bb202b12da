import type { Interval } from './assessment.js';
import {
  count,
  type Estimable,
  estimated,
  finite,
  nonNegative,
  notEstimable,
  openUnit,
  positive,
} from './estimable.js';
import { type Alternative, oneOrTwoSided, type PValue } from './inference.js';

/**
 * Asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (arXiv 2103.06476):
 * intervals that hold at all looks together, however often one peeks. Everything here is one boundary in
 * the "tuned time" v: v = n rho^2 where units are counted, v = r c in information time.
 */
export interface SequenceEstimate extends Interval, PValue {
  /** Distance of each finite end from the estimate. */
  readonly distance: number;
}

/** distance/se of the two-sided boundary: sqrt(2 (v + 1)/v ln(sqrt(v + 1)/alpha)). */
function twoSidedCritical(v: number, alpha: number): number {
  return Math.sqrt(((2 * (v + 1)) / v) * (0.5 * Math.log1p(v) - Math.log(alpha)));
}

/** distance/se of the one-sided boundary: sqrt(2 (v + 1)/v ln(1 + sqrt(v + 1)/(2 alpha))). */
function oneSidedCritical(v: number, alpha: number): number {
  return Math.sqrt(((2 * (v + 1)) / v) * Math.log1p(Math.sqrt(v + 1) / (2 * alpha)));
}

/** ln p = min(0, ln(v + 1)/2 - v z^2/(2 (v + 1))): the level at which 0 just leaves the two-sided interval. */
function twoSidedLogP(v: number, z: number): number {
  return Math.min(0, 0.5 * Math.log1p(v) - (v * z * z) / (2 * (v + 1)));
}

/** ln p = min(0, ln(sqrt(v + 1)/(2 (exp(v z^2/(2 (v + 1))) - 1)))) towards the alternative, else 0. */
function oneSidedLogP(v: number, z: number): number {
  if (z <= 0) return 0;
  const exponent = (v * z * z) / (2 * (v + 1));
  const logExcess = exponent + Math.log(-Math.expm1(-exponent));
  return Math.min(0, 0.5 * Math.log1p(v) - Math.LN2 - logExcess);
}

interface BoundaryInput {
  readonly estimate: number;
  readonly standardError: number;
  readonly alpha: number;
  readonly alternative: Alternative;
  readonly time: number;
}

function sequenceAt({
  estimate,
  standardError,
  alpha,
  alternative,
  time,
}: BoundaryInput): SequenceEstimate {
  const z = estimate / standardError;
  const critical =
    alternative === 'two-sided' ? twoSidedCritical(time, alpha) : oneSidedCritical(time, alpha);
  const towards = alternative === 'less' ? -z : z;
  const logPValue =
    alternative === 'two-sided' ? twoSidedLogP(time, z) : oneSidedLogP(time, towards);
  const distance = critical * standardError;
  return {
    ...oneOrTwoSided(estimate, distance, alternative),
    distance,
    pValue: Math.exp(logPValue),
    logPValue,
  };
}

/**
 * Tuned time at which the boundary is narrowest, approximately: c = -2 ln a + ln(1 - 2 ln a), the choice
 * of the paper. For one-sided sequences a = 2 alpha.
 */
export function tunedTime(alpha: number, alternative: Alternative): number {
  const oneSided = alternative !== 'two-sided';
  openUnit('alpha', alpha, oneSided ? 0.5 : 1);
  const level = -2 * Math.log(oneSided ? 2 * alpha : alpha);
  return level + Math.log1p(level);
}

/** The same exactly: the root s of s - ln(1 + s) = -2 ln a, that is -W_{-1}(-a^2/e) - 1. Two-sided. */
export function tunedTimeExact(alpha: number): number {
  let s = tunedTime(alpha, 'two-sided');
  const level = -2 * Math.log(alpha);
  // Newton on a convex function from the approximate root; 8 steps are more than doubles can use.
  for (let step = 0; step < 8; step += 1) s -= ((s - Math.log1p(s) - level) * (1 + s)) / s;
  return s;
}

export interface TunedRho {
  readonly approximate: number;
  readonly exact: number;
}

/** rho that makes the two-sided sequence narrowest at `plannedUnits` (both arms together). */
export function asymptoticSequenceRho(input: {
  readonly plannedUnits: number;
  readonly alpha: number;
}): TunedRho {
  positive('plannedUnits', input.plannedUnits);
  return {
    approximate: Math.sqrt(tunedTime(input.alpha, 'two-sided') / input.plannedUnits),
    exact: Math.sqrt(tunedTimeExact(input.alpha) / input.plannedUnits),
  };
}

export interface SequenceInput {
  /** Effect, treatment minus control. */
  readonly estimate: number;
  /** Of the estimate at this look; 0 is "undefined". */
  readonly standardError: number;
  /** Level over all looks together. */
  readonly alpha: number;
}

/** Look by units: `units` of both compared arms together, `rho` frozen at the start. */
export interface UnitSequenceInput extends SequenceInput {
  readonly units: number;
  readonly rho: number;
}

/** Sequence by units, two- or one-sided. Undefined below two units or without variance. */
export function asymptoticSequence(
  input: UnitSequenceInput & { readonly alternative: Alternative },
): Estimable<SequenceEstimate> {
  checkSequence(input);
  count('units', input.units);
  positive('rho', input.rho);
  if (input.units < 2) return notEstimable('insufficient_sample');
  if (input.standardError === 0) return notEstimable('zero_variance');
  return estimated(sequenceAt({ ...input, time: input.units * input.rho ** 2 }));
}

export interface InformationTimeInput extends SequenceInput {
  /** Standard error expected at the planned sample; tunes the sequence, frozen at the start. */
  readonly plannedStandardError: number;
  readonly alternative: Alternative;
}

export interface InformationTimeEstimate extends SequenceEstimate {
  /** (planned se/se)^2: 1 at the planned sample. */
  readonly informationFraction: number;
}

/**
 * The sequence in information time r = (planned se/se)^2 with tuned time r c: valid when allocation or
 * variance change over a ramp. For a test of no effect on rates pass the *pooled* standard error.
 * Undefined without variance. One-sided levels are below 1/2.
 */
export function asymptoticSequenceInformationTime(
  input: InformationTimeInput,
): Estimable<InformationTimeEstimate> {
  checkSequence(input);
  positive('plannedStandardError', input.plannedStandardError);
  const tuned = tunedTime(input.alpha, input.alternative);
  if (input.standardError === 0) return notEstimable('zero_variance');
  const informationFraction = (input.plannedStandardError / input.standardError) ** 2;
  const time = informationFraction * tuned;
  return estimated({ ...sequenceAt({ ...input, time }), informationFraction });
}

/**
 * The multiple of the standard error at which the information-time boundary stands: the critical value to
 * hand to `liftFieller` for an always-valid relative interval.
 */
export function informationTimeCriticalValue(
  input: Omit<InformationTimeInput, 'estimate'>,
): Estimable<number> {
  const { alpha, alternative } = input;
  nonNegative('standardError', input.standardError);
  positive('plannedStandardError', input.plannedStandardError);
  const tuned = tunedTime(alpha, alternative);
  if (input.standardError === 0) return notEstimable('zero_variance');
  const time = (input.plannedStandardError / input.standardError) ** 2 * tuned;
  return estimated(
    alternative === 'two-sided' ? twoSidedCritical(time, alpha) : oneSidedCritical(time, alpha),
  );
}

/** A sequence so far: intersection of all intervals and smallest p-value; lower > upper means it is empty. */
export interface RunningSequence extends Interval, PValue {}

export const NO_LOOKS: RunningSequence = {
  lower: -Infinity,
  upper: Infinity,
  pValue: 1,
  logPValue: 0,
};

/** Intersects with one more look; valid because every interval of a sequence holds at all looks together. */
export function intersectRunning(running: RunningSequence, look: RunningSequence): RunningSequence {
  return {
    lower: Math.max(running.lower, look.lower),
    upper: Math.min(running.upper, look.upper),
    pValue: Math.min(running.pValue, look.pValue),
    logPValue: Math.min(running.logPValue, look.logPValue),
  };
}

/**
 * Two-sided normal-mixture boundary for |S_t| at variance process v: sqrt((v + r)(ln(1 + v/r) + 2 ln(1/a)))
 * with r = v0/(2 ln(1/a) + ln(1 + 2 ln(1/a))), narrowest at v0 (Howard, Ramdas, McAuliffe & Sekhon 2021).
 */
export function normalMixtureBoundary(input: {
  readonly intrinsicTime: number;
  readonly alpha: number;
  readonly optimisedTime: number;
}): number {
  const v = nonNegative('intrinsicTime', input.intrinsicTime);
  const r = positive('optimisedTime', input.optimisedTime) / tunedTime(input.alpha, 'two-sided');
  return Math.sqrt((v + r) * (Math.log1p(v / r) - 2 * Math.log(input.alpha)));
}

function checkSequence({ estimate, standardError, alpha }: SequenceInput): void {
  finite('estimate', estimate);
  nonNegative('standardError', standardError);
  openUnit('alpha', alpha);
}
