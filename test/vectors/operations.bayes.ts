import {
  betaBinomialComparison,
  betaCredibleInterval,
} from '../../src/statistics/bayes-beta-binomial.js';
import type { Proportion } from '../../src/statistics/one-proportion.js';
import type { Operation } from './compare.js';

interface PriorCase {
  readonly prior_alpha: number;
  readonly prior_beta: number;
}

/** Family bayes-beta-binomial. */
export const bayesOperations: Readonly<Record<string, Operation>> = {
  beta_binomial_comparison: (
    input: PriorCase & { readonly control: Proportion; readonly treatment: Proportion },
  ) => {
    const { control, treatment, prior_alpha: priorAlpha, prior_beta: priorBeta } = input;
    const found = betaBinomialComparison({ control, treatment, priorAlpha, priorBeta });
    return {
      control_posterior: [found.control.a, found.control.b],
      treatment_posterior: [found.treatment.a, found.treatment.b],
      control_posterior_mean: found.controlMean,
      treatment_posterior_mean: found.treatmentMean,
      chance_to_win: found.chanceToWin,
      expected_loss_treatment: found.expectedLossTreatment,
      expected_loss_control: found.expectedLossControl,
    };
  },
  beta_credible_interval: (input: PriorCase & Proportion & { readonly alpha: number }) => {
    const { successes, trials, alpha, prior_alpha: priorAlpha, prior_beta: priorBeta } = input;
    return { ...betaCredibleInterval({ successes, trials, alpha, priorAlpha, priorBeta }) };
  },
};
