import type { Assessment } from '../statistics/assessment.js';
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
