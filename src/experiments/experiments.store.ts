import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isId, type ExperimentFilter } from './experiment.contract.js';
import type { Experiment, ExperimentKind, FrozenDesign } from './experiment.js';
import { EXPERIMENT_COLUMNS, type ExperimentRow, experimentOf } from './experiment.row.js';

/** Newest first; more than this on one page is a search, not a list. */
const LIST_LIMIT = 500;

export interface NewExperiment {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly kind: ExperimentKind;
  readonly definition: unknown;
  readonly salt: string;
  readonly parentId: string | null;
}

/** What a verb or a decision may change. */
export type ExperimentChanges = Partial<Pick<Experiment, 'status' | 'rollout' | 'endedAtMs'>>;

export interface Freezing {
  readonly design: FrozenDesign;
  readonly hash: string;
  readonly startedAtMs: number;
}

export interface Redesigning {
  readonly definition: unknown;
  readonly design: FrozenDesign;
  readonly hash: string;
  readonly salt: string;
  readonly nowMs: number;
}

@Injectable()
export class ExperimentsStore {
  /** Null: the name is taken. */
  async insert(tx: EntityManager, given: NewExperiment): Promise<Experiment | null> {
    const { id, name, model, kind, definition, salt, parentId } = given;
    const rows = await tx.query<ExperimentRow[]>(
      `INSERT INTO experiments (id, name, model, kind, status, definition, salt, parent_id)
       VALUES ($1, $2, $3, $4, 'draft', $5, $6, $7)
       ON CONFLICT (name) DO NOTHING RETURNING ${EXPERIMENT_COLUMNS}`,
      [id, name, model, kind, JSON.stringify(definition), salt, parentId],
    );
    return first(rows);
  }

  async find(tx: EntityManager, idOrName: string): Promise<Experiment | null> {
    const column = isId(idOrName) ? 'id' : 'name';
    const rows = await tx.query<ExperimentRow[]>(
      `SELECT ${EXPERIMENT_COLUMNS} FROM experiments WHERE ${column} = $1`,
      [idOrName],
    );
    return first(rows);
  }

  async lock(tx: EntityManager, id: string): Promise<Experiment | null> {
    const rows = await tx.query<ExperimentRow[]>(
      `SELECT ${EXPERIMENT_COLUMNS} FROM experiments WHERE id = $1 FOR UPDATE`,
      [id],
    );
    return first(rows);
  }

  async list(tx: EntityManager, filter: ExperimentFilter): Promise<readonly Experiment[]> {
    const rows = await tx.query<ExperimentRow[]>(
      `SELECT ${EXPERIMENT_COLUMNS} FROM experiments
       WHERE ($1::text IS NULL OR model = $1) AND ($2::text IS NULL OR status = $2)
       ORDER BY created_at DESC, id DESC LIMIT ${LIST_LIMIT}`,
      [filter.model ?? null, filter.status ?? null],
    );
    return rows.map(experimentOf);
  }

  async nextAnalysisAtMs(tx: EntityManager, id: string): Promise<number | null> {
    const rows = await tx.query<{ readonly due: Date | null }[]>(
      `SELECT next_analysis_at AS due FROM experiments
       WHERE id = $1 AND status IN ('running', 'paused')`,
      [id],
    );
    return rows[0]?.due?.getTime() ?? null;
  }

  async revisions(
    tx: EntityManager,
  ): Promise<readonly { readonly id: string; readonly revision: number }[]> {
    return tx.query(
      `SELECT id, revision FROM experiments WHERE status IN ('running', 'paused')
       ORDER BY id LIMIT ${LIST_LIMIT}`,
    );
  }

  /** Replaces the definition of a draft that is locked. Throws the driver's unique violation when the name is taken. */
  async redefine(
    tx: EntityManager,
    id: string,
    to: Pick<NewExperiment, 'name' | 'model' | 'kind' | 'definition'>,
  ): Promise<Experiment | null> {
    const [rows] = await tx.query<Updated>(
      `UPDATE experiments SET name = $2, model = $3, kind = $4, definition = $5,
              revision = revision + 1, updated_at = now()
       WHERE id = $1 AND status = 'draft' RETURNING ${EXPERIMENT_COLUMNS}`,
      [id, to.name, to.model, to.kind, JSON.stringify(to.definition)],
    );
    return first(rows);
  }

  /**
   * Writes the frozen design of a locked draft and when its first analysis is due. The revision stays: the start that
   * this belongs to raises it once, when the status changes.
   */
  async freeze(
    tx: EntityManager,
    id: string,
    { design, hash, startedAtMs }: Freezing,
  ): Promise<Experiment | null> {
    const [rows] = await tx.query<Updated>(
      `UPDATE experiments SET frozen = $2, frozen_hash = $3, started_at = $4,
              next_analysis_at = $4::timestamptz + $5 * interval '1 millisecond', updated_at = now()
       WHERE id = $1 AND status = 'draft' RETURNING ${EXPERIMENT_COLUMNS}`,
      [id, JSON.stringify(design), hash, new Date(startedAtMs), design.analysis.intervalMs],
    );
    return first(rows);
  }

  /**
   * Writes another frozen design and begins the next epoch of a locked experiment. The revision stays: the decision
   * that this belongs to raises it once.
   */
  async redesign(
    tx: EntityManager,
    id: string,
    { definition, design, hash, salt, nowMs }: Redesigning,
  ): Promise<Experiment | null> {
    const [rows] = await tx.query<Updated>(
      `UPDATE experiments SET definition = $2, frozen = $3, frozen_hash = $4, salt = $5, epoch = epoch + 1,
              next_analysis_at = $6::timestamptz + $7 * interval '1 millisecond', updated_at = now()
       WHERE id = $1 AND status IN ('running', 'paused') RETURNING ${EXPERIMENT_COLUMNS}`,
      [
        ...[id, JSON.stringify(definition), JSON.stringify(design), hash, salt],
        ...[new Date(nowMs), design.analysis.intervalMs],
      ],
    );
    return first(rows);
  }

  async noteFailure(tx: EntityManager, id: string, failure: string): Promise<void> {
    await tx.query('UPDATE experiments SET last_failure = $2 WHERE id = $1', [id, failure]);
  }

  /** Compare-and-set: null when the row is no longer at `revision`. */
  async save(
    tx: EntityManager,
    at: { readonly id: string; readonly revision: number },
    { status, rollout, endedAtMs }: ExperimentChanges,
  ): Promise<Experiment | null> {
    const [rows] = await tx.query<Updated>(
      `UPDATE experiments SET status = coalesce($3, status), rollout = coalesce($4::jsonb, rollout),
              ended_at = coalesce($5, ended_at), revision = revision + 1, updated_at = now()
       WHERE id = $1 AND revision = $2 RETURNING ${EXPERIMENT_COLUMNS}`,
      [
        at.id,
        at.revision,
        status ?? null,
        rollout ? JSON.stringify(rollout) : null,
        typeof endedAtMs === 'number' ? new Date(endedAtMs) : null,
      ],
    );
    return first(rows);
  }
}

/** What TypeORM returns for a raw UPDATE: the returned rows and how many there were. */
type Updated = [readonly ExperimentRow[], number];

/** The unique index that a write ran into; null for any other error. */
export function takenIndex(error: unknown): string | null {
  const cause = (error as { driverError?: { code?: unknown; constraint?: unknown } }).driverError;
  return cause?.code === '23505' && typeof cause.constraint === 'string' ? cause.constraint : null;
}

function first(rows: readonly ExperimentRow[]): Experiment | null {
  const row = rows[0];
  return row === undefined ? null : experimentOf(row);
}
