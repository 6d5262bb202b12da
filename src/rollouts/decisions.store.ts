import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SecretsService } from '../auth/secrets.service.js';
import { Database } from '../database/database.service.js';
import { AuditStore } from './audit.store.js';
import { checkpointOf } from './checkpoint.js';
import { DecisionRow } from './decision.row.js';
import { decisionHash, FIRST_PREVIOUS_HASH, type StoredDecision } from './stored-decision.js';

/** A decision before it has a number and a place in the chain. */
export type NewDecision = Omit<StoredDecision, 'number' | 'previousHash' | 'hash'>;

export interface OutboxMessage {
  readonly id: string;
  readonly topic: string;
  readonly payload: unknown;
  /** True: a worker of the release before has told the log already, which is all that it knows. */
  readonly isLogged: boolean;
}

/** More than any experiment should collect; a page, so that a runaway log cannot fill memory. */
const DECISIONS_PAGE = 1_000;

@Injectable()
export class DecisionsStore {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditStore,
    private readonly secrets: SecretsService,
  ) {}

  /** Appends to the chain, and signs. The caller holds the experiment's row lock, so numbers and hashes cannot race. */
  async append(tx: EntityManager, decision: NewDecision): Promise<StoredDecision> {
    const last = await this.last(tx, decision.experimentId);
    const chained = {
      ...decision,
      number: (last?.number ?? 0) + 1,
      previousHash: last?.hash ?? FIRST_PREVIOUS_HASH,
    };
    const stored: StoredDecision = { ...chained, hash: decisionHash(chained) };
    const { atMs, configVersion, ...row } = stored;
    await tx.insert(DecisionRow, {
      ...row,
      configVersion: configVersion === null ? null : String(configVersion),
      at: new Date(atMs),
    });
    await this.audit.insert(tx, checkpointOf(stored, this.secrets.audit));
    return stored;
  }

  async last(tx: EntityManager, experimentId: string): Promise<StoredDecision | null> {
    const row = await tx.findOne(DecisionRow, {
      where: { experimentId },
      order: { number: 'DESC' },
    });
    return row === null ? null : fromRow(row);
  }

  async list(experimentId: string): Promise<readonly StoredDecision[]> {
    const rows = await this.database.manager.find(DecisionRow, {
      where: { experimentId },
      order: { number: 'ASC' },
      take: DECISIONS_PAGE,
    });
    return rows.map(fromRow);
  }

  /** Of all experiments, newest first, with everything; callers show little of it. */
  async recent(limit: number): Promise<readonly StoredDecision[]> {
    const rows = await this.database.manager.find(DecisionRow, {
      order: { at: 'DESC', number: 'DESC' },
      take: limit,
    });
    return rows.map(fromRow);
  }

  count(): Promise<number> {
    return this.database.manager.count(DecisionRow);
  }

  async get(
    experimentId: string,
    number: number,
    db: EntityManager = this.database.manager,
  ): Promise<StoredDecision | null> {
    const row = await db.findOneBy(DecisionRow, { experimentId, number });
    return row === null ? null : fromRow(row);
  }

  /** In the decision's own transaction: what must be told outside is told if and only if it was decided. */
  async enqueue(tx: EntityManager, topic: string, payload: unknown): Promise<void> {
    await tx.query('INSERT INTO outbox (topic, payload) VALUES ($1, $2)', [
      topic,
      JSON.stringify(payload),
    ]);
  }

  /** Locks the oldest messages that were not announced; two relays never get the same one. */
  async takeUnsent(tx: EntityManager, limit: number): Promise<readonly OutboxMessage[]> {
    return tx.query<OutboxMessage[]>(
      `SELECT id, topic, payload, sent_at IS NOT NULL AS "isLogged" FROM outbox WHERE announced_at IS NULL
       ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`,
      [limit],
    );
  }

  async markSent(tx: EntityManager, ids: readonly string[]): Promise<void> {
    await tx.query(
      `UPDATE outbox SET announced_at = now(), sent_at = coalesce(sent_at, now())
       WHERE id = ANY($1::bigint[])`,
      [ids],
    );
  }

  /** The database's clock, the only one that times of decisions come from (workers' clocks differ). */
  async nowMs(tx: EntityManager = this.database.manager): Promise<number> {
    const rows = await tx.query<{ ms: string }[]>(
      'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms',
    );
    return Number(rows[0]?.ms);
  }
}

function fromRow(row: DecisionRow): StoredDecision {
  const { at, configVersion, ...rest } = row;
  return {
    ...rest,
    configVersion: configVersion === null ? null : Number(configVersion),
    atMs: at.getTime(),
  };
}
