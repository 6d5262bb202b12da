import { Injectable } from '@nestjs/common';
import type { Querying } from './audit.js';
import type { Checkpoint } from './checkpoint.js';
import type { StoredDecision, StoredDecisionKind } from './stored-decision.js';

export interface AuditedExperiment {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly revision: number;
}

interface CheckpointTuple {
  readonly experiment_id: string;
  readonly number: number;
  readonly hash: string;
  readonly at: Date;
  readonly key_id: string;
  readonly signature: string;
}

interface DecisionTuple {
  readonly experiment_id: string;
  readonly number: number;
  readonly kind: StoredDecisionKind;
  readonly automatic: boolean;
  readonly actor: string;
  readonly summary: string;
  readonly reasons: object;
  readonly inputs: object;
  readonly policy_version: string;
  readonly report_number: number | null;
  readonly from_revision: number;
  readonly config_version: string | null;
  readonly previous_hash: string;
  readonly hash: string;
  readonly at: Date;
}

/** Each carries the evidence it was taken on. */
const PAGE = 100;
/** The migration that brought checkpoints. */
const SIGNED_SINCE_MIGRATION = 9;

const CHECKPOINT_COLUMNS = 'experiment_id, number, hash, at, key_id, signature';

/** What an audit reads, and the checkpoints that decisions leave for it. */
@Injectable()
export class AuditStore {
  /** In the decision's own transaction: no decision is ever without its signature. */
  async insert(tx: Querying, checkpoint: Checkpoint): Promise<void> {
    const { experimentId, number, hash, atMs, keyId, signature } = checkpoint;
    await tx.query(
      `INSERT INTO decision_checkpoints (${CHECKPOINT_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)`,
      [experimentId, number, hash, new Date(atMs), keyId, signature],
    );
  }

  /** Experiments that have started, oldest first; one by name or all. */
  async experiments(db: Querying, name: string | null): Promise<readonly AuditedExperiment[]> {
    return db.query<AuditedExperiment[]>(
      `SELECT id, name, status, revision FROM experiments
       WHERE status <> 'draft' AND ($1::text IS NULL OR name = $1 OR id::text = $1)
       ORDER BY started_at, id`,
      [name],
    );
  }

  /** Read again in the snapshot of its log, or a decision made meanwhile would look like tampering. */
  async revision(db: Querying, experimentId: string): Promise<number> {
    const rows = await db.query<{ revision: number }[]>(
      'SELECT revision FROM experiments WHERE id = $1',
      [experimentId],
    );
    return rows[0]?.revision ?? -1;
  }

  async checkpoints(db: Querying, experimentId: string): Promise<readonly Checkpoint[]> {
    const rows = await db.query<CheckpointTuple[]>(
      `SELECT ${CHECKPOINT_COLUMNS} FROM decision_checkpoints WHERE experiment_id = $1 ORDER BY number`,
      [experimentId],
    );
    return rows.map(checkpointOfRow);
  }

  /** The newest checkpoint of every experiment. */
  async heads(db: Querying): Promise<readonly Checkpoint[]> {
    const rows = await db.query<CheckpointTuple[]>(
      `SELECT DISTINCT ON (experiment_id) ${CHECKPOINT_COLUMNS} FROM decision_checkpoints
       ORDER BY experiment_id, number DESC`,
    );
    return rows.map(checkpointOfRow);
  }

  async checkpoint(db: Querying, experimentId: string, number: number): Promise<Checkpoint | null> {
    const rows = await db.query<CheckpointTuple[]>(
      `SELECT ${CHECKPOINT_COLUMNS} FROM decision_checkpoints WHERE experiment_id = $1 AND number = $2`,
      [experimentId, number],
    );
    return rows[0] === undefined ? null : checkpointOfRow(rows[0]);
  }

  /** The next decisions after a number, in order; at most a page. */
  async decisions(
    db: Querying,
    experimentId: string,
    after: number,
  ): Promise<readonly StoredDecision[]> {
    const rows = await db.query<DecisionTuple[]>(
      `SELECT experiment_id, number, kind, automatic, actor, summary, reasons, inputs, policy_version,
              report_number, from_revision, config_version, previous_hash, hash, at
       FROM decisions WHERE experiment_id = $1 AND number > $2 ORDER BY number LIMIT ${PAGE}`,
      [experimentId, after],
    );
    return rows.map(decisionOfRow);
  }

  /** When checkpoints came to this database; null when it is older than they are. */
  async signedSinceMs(db: Querying): Promise<number | null> {
    const rows = await db.query<{ at: Date }[]>(
      `SELECT applied_at AS at FROM sluice_migrations WHERE number = ${SIGNED_SINCE_MIGRATION}`,
    );
    return rows[0]?.at.getTime() ?? null;
  }
}

function checkpointOfRow(row: CheckpointTuple): Checkpoint {
  return {
    experimentId: row.experiment_id,
    number: row.number,
    hash: row.hash,
    atMs: row.at.getTime(),
    keyId: row.key_id,
    signature: row.signature,
  };
}

function decisionOfRow(row: DecisionTuple): StoredDecision {
  return {
    experimentId: row.experiment_id,
    number: row.number,
    kind: row.kind,
    automatic: row.automatic,
    actor: row.actor,
    summary: row.summary,
    reasons: row.reasons,
    inputs: row.inputs,
    policyVersion: row.policy_version,
    reportNumber: row.report_number,
    fromRevision: row.from_revision,
    configVersion: row.config_version === null ? null : Number(row.config_version),
    previousHash: row.previous_hash,
    hash: row.hash,
    atMs: row.at.getTime(),
  };
}
