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
import type { PValue } from './inference.js';

/** Mixture sequential probability ratio test of an estimate. */
export interface MixtureTest extends PValue, Interval {
  readonly logLikelihoodRatio: number;
}

/** ln of the likelihood ratio of N(d, V) mixed over effects N(0, tau^2) against no effect. */
function logRatio(difference: number, variance: number, mixing: number): number {
  const total = variance + mixing;
  return (
    -0.5 * Math.log1p(mixing / variance) +
    ((mixing / total) * difference * difference) / (2 * variance)
  );
}

/**
 * Normal mixture SPRT (Robbins 1970; Johari, Koomen, Pekelis & Walsh 2022): always-valid p = min(1, 1/LR)
 * and its interval d -+ sqrt(V (V + tau^2)/tau^2 (2 ln(1/a) + ln((V + tau^2)/V))). The level holds for a
 * mixing variance fixed before the start. Undefined without variance.
 */
export function msprtNormal(input: {
  readonly estimate: number;
  readonly varianceOfEstimate: number;
  readonly mixingVariance: number;
  readonly alpha: number;
  readonly nullValue?: number;
}): Estimable<MixtureTest> {
  const { estimate, nullValue = 0, varianceOfEstimate: variance, mixingVariance: mixing } = input;
  finite('estimate', estimate);
  finite('nullValue', nullValue);
  nonNegative('varianceOfEstimate', variance);
  positive('mixingVariance', mixing);
  const logAlpha = Math.log(openUnit('alpha', input.alpha));
  if (variance === 0) return notEstimable('zero_variance');
  const logLikelihoodRatio = logRatio(estimate - nullValue, variance, mixing);
  const logPValue = Math.min(0, -logLikelihoodRatio);
  const spread = variance * ((variance + mixing) / mixing);
  const distance = Math.sqrt(spread * (Math.log1p(mixing / variance) - 2 * logAlpha));
  return estimated({
    logLikelihoodRatio,
    logPValue,
    pValue: Math.exp(logPValue),
    lower: estimate - distance,
    upper: estimate + distance,
  });
}

export interface MixtureLook {
  readonly logLikelihoodRatio: number;
  /** Smallest p-value so far. */
  readonly runningP: number;
}

/** Two streams of equal size and known unit variance: V = 2 unit variance/n at each look. */
export function msprtTwoStreams(input: {
  readonly looks: readonly { readonly unitsPerArm: number; readonly difference: number }[];
  readonly unitVariance: number;
  readonly mixingVariance: number;
}): readonly MixtureLook[] {
  positive('unitVariance', input.unitVariance);
  positive('mixingVariance', input.mixingVariance);
  let logRunning = 0;
  return input.looks.map(({ unitsPerArm, difference }, index) => {
    positive(`looks[${String(index)}].unitsPerArm`, count('unitsPerArm', unitsPerArm));
    finite(`looks[${String(index)}].difference`, difference);
    const variance = (2 * input.unitVariance) / unitsPerArm;
    const logLikelihoodRatio = logRatio(difference, variance, input.mixingVariance);
    logRunning = Math.min(logRunning, -logLikelihoodRatio);
    return { logLikelihoodRatio, runningP: Math.exp(logRunning) };
  });
}
