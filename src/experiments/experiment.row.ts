import type { Experiment, ExperimentKind, ExperimentStatus } from './experiment.js';
import type { FrozenDesign, RolloutState } from './experiment.js';

/** A row of `experiments` as PostgreSQL returns it, without its scheduling columns. */
export interface ExperimentRow {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly kind: ExperimentKind;
  readonly status: ExperimentStatus;
  readonly definition: unknown;
  readonly frozen: FrozenDesign | null;
  readonly frozen_hash: string | null;
  readonly epoch: number;
  readonly salt: string;
  readonly revision: number;
  /** `{}` until the start. */
  readonly rollout: RolloutState | Record<string, never>;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly failed_analyses: number;
  readonly last_failure: string | null;
  readonly parent_id: string | null;
}

export const EXPERIMENT_COLUMNS = `id, name, model, kind, status, definition, frozen, frozen_hash, epoch, salt,
  revision, rollout, created_at, started_at, ended_at, failed_analyses, last_failure, parent_id`;

export function experimentOf(row: ExperimentRow): Experiment {
  return {
    id: row.id,
    name: row.name,
    model: row.model,
    kind: row.kind,
    status: row.status,
    definition: row.definition,
    design: row.frozen,
    designHash: row.frozen_hash,
    epoch: row.epoch,
    salt: row.salt,
    revision: row.revision,
    rollout: 'phases' in row.rollout ? (row.rollout as RolloutState) : null,
    createdAtMs: row.created_at.getTime(),
    startedAtMs: row.started_at?.getTime() ?? null,
    endedAtMs: row.ended_at?.getTime() ?? null,
    failedAnalyses: row.failed_analyses,
    lastFailure: row.last_failure,
    parentId: row.parent_id,
  };
}
