import { hashOf } from '../kernel/hash.js';
import type { MetricDefinition } from './metric.js';

/** What a rollup is computed for. Definitions are the frozen ones of the experiment. */
export interface RollupTarget {
  readonly experimentId: string;
  /** Events of other epochs are ignored; a larger epoch starts the rollup afresh. */
  readonly epoch: number;
  readonly model: string;
  readonly metrics: readonly MetricDefinition[];
}

export interface RollupProgress {
  /** New rows read in this call. Predictions and outcomes older than the rollup come in with their unit. */
  readonly exposures: number;
  readonly predictions: number;
  readonly outcomes: number;
  /** Units computed again in this call; a unit counts once per batch that touched it. */
  readonly touchedUnits: number;
  /** False: a limit was reached; call again. The cells are then those of a part of the events. */
  readonly caughtUp: boolean;
  /** Time of the latest exposure or prediction in the cells; null before the first exposure. */
  readonly watermarkMs: number | null;
}

export interface RollupLimits {
  /** At most so many new rows per stream and batch, and units that mature per batch; fewer where a batch would take long. */
  readonly batchRows: number;
  /** Batches (transactions) per call. */
  readonly maxBatches: number;
  /** Time that one statement may take on the server. */
  readonly statementTimeoutMs: number;
  /** Time to wait for another rollup of the same experiment. */
  readonly lockTimeoutMs: number;
}

/**
 * 5,000 rows keep a batch's parameters below a megabyte (what it takes is kept in the order of a second by `BatchSizes`);
 * 200 batches end a call after at most three million new rows.
 */
export const ROLLUP_LIMITS: RollupLimits = {
  batchRows: 5_000,
  maxBatches: 200,
  statementTimeoutMs: 60_000,
  lockTimeoutMs: 30_000,
};

/** Changes exactly when cells computed before can no longer be continued. */
export function fingerprintOf(target: RollupTarget): string {
  const metrics = [...target.metrics].sort((a, b) => (a.name < b.name ? -1 : 1));
  return hashOf({ epoch: target.epoch, model: target.model, metrics });
}
