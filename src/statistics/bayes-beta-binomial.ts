import type { Interval } from './assessment.js';
import { type BetaShape, betaMean, betaOrder, meanDifference } from './beta-order.js';
import { openUnit, positive } from './estimable.js';
import { betaQuantile, betaUpperQuantile } from './numerics.js';
import { checkProportion, type Proportion } from './one-proportion.js';

/** Beta(alpha, beta) on a success rate; (1, 1) is uniform, (1/2, 1/2) Jeffreys' prior. */
export interface BetaPrior {
  readonly priorAlpha: number;
  readonly priorBeta: number;
}

export interface BetaBinomialComparison {
  readonly control: BetaShape;
  readonly treatment: BetaShape;
  readonly controlMean: number;
  readonly treatmentMean: number;
  /** P(theta_t > theta_c). */
  readonly chanceToWin: number;
  /** E max(theta_c - theta_t, 0): what is lost on average if the treatment is shipped. */
  readonly expectedLossTreatment: number;
  /** E max(theta_t - theta_c, 0): what is lost on average if the control stays. */
  readonly expectedLossControl: number;
}

/**
 * Posteriors of two success rates under independent conjugate priors, with the chance to win and the expected
 * losses exact to 10 digits, in the far tails too. For display only: thresholds on them have no error rate under
 * peeking (de Heide & Grunwald 2021). Without trials the posterior is the prior.
 */
export function betaBinomialComparison(
  input: BetaPrior & { readonly control: Proportion; readonly treatment: Proportion },
): BetaBinomialComparison {
  const control = posterior('control', input.control, input);
  const treatment = posterior('treatment', input.treatment, input);
  const lead = meanDifference(treatment, control);
  // The chance and the loss of the arm that is behind are small, or at most about half: the other side of each
  // follows from them without loss of digits.
  const behind = lead > 0 ? control : treatment;
  const ahead = lead > 0 ? treatment : control;
  const upset = betaOrder(behind, ahead);
  const larger = upset.expectedExcess + Math.abs(lead);
  return {
    control,
    treatment,
    controlMean: betaMean(control),
    treatmentMean: betaMean(treatment),
    chanceToWin: lead > 0 ? 1 - upset.probability : upset.probability,
    expectedLossTreatment: lead > 0 ? upset.expectedExcess : larger,
    expectedLossControl: lead > 0 ? larger : upset.expectedExcess,
  };
}

/** Equal-tailed credible interval of 1 - alpha and posterior mean of one success rate. */
export function betaCredibleInterval(
  input: BetaPrior & Proportion & { readonly alpha: number },
): Interval & { readonly mean: number } {
  const shape = posterior('arm', input, input);
  const tail = openUnit('alpha', input.alpha) / 2;
  return {
    lower: betaQuantile(tail, shape.a, shape.b),
    upper: betaUpperQuantile(tail, shape.a, shape.b),
    mean: betaMean(shape),
  };
}

function posterior(field: string, data: Proportion, prior: BetaPrior): BetaShape {
  checkProportion(field, data);
  const a = positive('priorAlpha', prior.priorAlpha) + data.successes;
  const b = positive('priorBeta', prior.priorBeta) + (data.trials - data.successes);
  return { a, b };
}
