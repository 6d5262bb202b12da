import type { Assessment } from '../statistics/assessment.js';
import type { BayesianFigure } from './bayes.js';
import type { Evidence } from './evidence.js';

/** One stored analysis: the snapshot and every test computed on it. */
export interface Report {
  readonly experimentId: string;
  /** 1, 2, 3 … within the experiment. */
  readonly number: number;
  readonly epoch: number;
  readonly atMs: number;
  readonly evidence: Evidence;
  readonly assessment: Assessment;
}

/** A report as people see it: with figures that nothing is decided on. */
export interface ReportView extends Report {
  readonly display: { readonly bayesian: readonly BayesianFigure[] };
}
