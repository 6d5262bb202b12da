import type { Interval } from './assessment.js';
import {
  type Estimable,
  estimated,
  finite,
  notEstimable,
  openUnit,
  positive,
  refuse,
} from './estimable.js';
import { normalCdf, normalLoss, normalUpperQuantile } from './numerics.js';

/** A normal prior on the effect; null = flat. */
export interface NormalPrior {
  readonly mean: number;
  readonly variance: number;
}

export interface NormalPosterior extends Interval {
  readonly mean: number;
  readonly sd: number;
  /** P(effect > 0). */
  readonly chanceToWin: number;
  /** E max(-effect, 0): what is lost on average if the treatment is shipped. */
  readonly expectedLossTreatment: number;
  /** E max(effect, 0): what is lost on average if the control stays. */
  readonly expectedLossControl: number;
}

/**
 * Posterior of an effect with a normal likelihood N(effect, se^2) and its credible interval of 1 - alpha. For
 * display only: thresholds on it have no error rate under peeking (de Heide & Grunwald 2021). Undefined
 * without variance.
 */
export function normalPosterior(input: {
  readonly estimate: number;
  readonly standardError: number;
  readonly prior: NormalPrior | null;
  readonly alpha: number;
}): Estimable<NormalPosterior> {
  const { estimate, standardError, prior } = input;
  finite('estimate', estimate);
  if (!(standardError >= 0 && Number.isFinite(standardError))) {
    refuse('standardError', standardError, 'a finite number of at least 0');
  }
  const z = normalUpperQuantile(openUnit('alpha', input.alpha) / 2);
  if (prior !== null) {
    finite('prior.mean', prior.mean);
    positive('prior.variance', prior.variance);
  }
  if (standardError === 0) return notEstimable('zero_variance');
  // By hypot and not by squares: a standard error that dwarfs the prior must leave the prior, not 0/0.
  const both = prior === null ? 1 : Math.hypot(standardError, Math.sqrt(prior.variance));
  const weight = prior === null ? 1 : prior.variance / both / both;
  const centre = prior?.mean ?? 0;
  const mean = prior === null ? estimate : centre + weight * (estimate - centre);
  const sd = prior === null ? standardError : (standardError / both) * Math.sqrt(prior.variance);
  return estimated({
    mean,
    sd,
    chanceToWin: normalCdf(mean / sd),
    lower: mean - z * sd,
    upper: mean + z * sd,
    expectedLossTreatment: sd * normalLoss(mean / sd),
    expectedLossControl: sd * normalLoss(-mean / sd),
  });
}

/** Standard deviations on either side of a posterior that the integral covers; beyond lies 1e-36. */
const REACH = 12.5;
/** Steps per standard deviation of the narrowest posterior: the trapezoidal error is below 1e-20. */
const STEPS_PER_SD = 8;
/** Posteriors that differ in width by more than this over the range are refused, not integrated badly. */
const MAX_STEPS = 5_000_000;

/**
 * Probability that each of several independent normal posteriors is the largest: the exact allocation of
 * Thompson sampling. Trapezoidal rule of density_i times the product of the other distribution functions.
 */
export function probabilityBest(
  posteriors: readonly { readonly mean: number; readonly sd: number }[],
): readonly number[] {
  for (const [index, { mean, sd }] of posteriors.entries()) {
    finite(`posteriors[${String(index)}].mean`, mean);
    positive(`posteriors[${String(index)}].sd`, sd);
  }
  const narrowest = Math.min(...posteriors.map(({ sd }) => sd));
  return posteriors.map((own, index) => {
    const steps = Math.ceil((2 * REACH * own.sd * STEPS_PER_SD) / narrowest);
    if (steps > MAX_STEPS)
      refuse('posteriors', own.sd / narrowest, 'widths within a factor of 25,000');
    const width = (2 * REACH) / steps;
    let sum = 0;
    for (let step = 0; step <= steps; step += 1) {
      const z = -REACH + step * width;
      let product = Math.exp((-z * z) / 2);
      for (const [other, { mean, sd }] of posteriors.entries()) {
        if (other !== index) product *= normalCdf((own.mean + z * own.sd - mean) / sd);
      }
      sum += product;
    }
    return (sum * width) / Math.sqrt(2 * Math.PI);
  });
}
