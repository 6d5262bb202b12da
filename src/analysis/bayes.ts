import { controlOf } from '../experiments/experiment.js';
import type { Interval } from '../statistics/assessment.js';
import { normalPosterior } from '../statistics/bayes-normal.js';
import { liftDeltaNormal } from '../statistics/relative-lift.js';
import { armsOf } from './contrast.js';
import type { Evidence } from './evidence.js';
import { signOf } from './hypothesis.js';
import { compare, type Comparison, treatmentsOf } from './strata.js';

/** What is believed of a lift before any data: most changes do little, hardly any does more than ± 60 %. */
const PRIOR_DEVIATION = 0.3;
const PRIOR = { mean: 0, variance: PRIOR_DEVIATION * PRIOR_DEVIATION };

/** Credibility of the intervals; a convention of display, no error rate. */
const CREDIBILITY_ALPHA = 0.05;

/** Figures for people to look at, never for a decision: thresholds on them have no error rate when peeked at. */
export interface BayesianFigure {
  readonly metric: string;
  readonly variant: string;
  /** Posterior of the relative effect, (variant - control)/|control|, in the metric's own direction. */
  readonly lift: Interval & { readonly mean: number };
  /** Probability that the variant is better. */
  readonly chanceToWin: number;
  /** Expected relative loss if the variant is shipped, and if the control stays. */
  readonly expectedLoss: number;
  readonly expectedLossOfControl: number;
  readonly prior: { readonly mean: number; readonly standardDeviation: number };
}

/**
 * Normal posterior on the lift of every metric and variant, with the prior N(0, 0.3^2) shown beside it.
 * Not part of an assessment, so that the policy cannot see it. Metrics without an estimable lift are left out.
 */
export function bayesianFigures({ design, metricCells }: Evidence): readonly BayesianFigure[] {
  const control = controlOf(design).name;
  return design.metrics.flatMap((designMetric) =>
    treatmentsOf(design).flatMap((variant) => {
      const figure = figureOf(compare(metricCells, designMetric, { control, variant }));
      return figure === null ? [] : [figure];
    }),
  );
}

/** The gain, positive when better, has the prior of the lift: that is symmetric around no effect. */
function figureOf(comparison: Comparison): BayesianFigure | null {
  const arms = armsOf(comparison);
  if (arms === null) return null;
  const lift = liftDeltaNormal({ ...arms, alpha: CREDIBILITY_ALPHA });
  if (lift.kind === 'undefined') return null;
  const sign = signOf(comparison);
  const gain = normalPosterior({
    estimate: sign * lift.value.estimate,
    standardError: lift.value.standardError,
    prior: PRIOR,
    alpha: CREDIBILITY_ALPHA,
  });
  if (gain.kind === 'undefined') return null;
  const { mean, lower, upper, chanceToWin } = gain.value;
  return {
    metric: comparison.designMetric.definition.name,
    variant: comparison.variant,
    lift: sign === 1 ? { mean, lower, upper } : { mean: -mean, lower: -upper, upper: -lower },
    chanceToWin,
    expectedLoss: gain.value.expectedLossTreatment,
    expectedLossOfControl: gain.value.expectedLossControl,
    prior: { mean: PRIOR.mean, standardDeviation: PRIOR_DEVIATION },
  };
}
