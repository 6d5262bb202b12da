import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

export interface LeaseRow {
  readonly id: string;
  readonly lease_epoch: string;
}

// Every time here is the database's clock_timestamp(): workers' clocks differ, and now() stands still inside a
// transaction.
const FREE = '(lease_until IS NULL OR lease_until <= clock_timestamp())';
const TAKE = `lease_holder = $1, lease_until = clock_timestamp() + $2 * interval '1 millisecond',
  lease_epoch = lease_epoch + 1`;

@Injectable()
export class LeasesStore {
  async claim(
    tx: EntityManager,
    holder: string,
    leaseMs: number,
    id: string,
  ): Promise<LeaseRow | null> {
    const [rows] = await tx.query<[readonly LeaseRow[], number]>(
      `UPDATE experiments SET ${TAKE}
       WHERE id = $3 AND status IN ('running', 'paused') AND next_analysis_at <= clock_timestamp()
         AND ${FREE}
       RETURNING id, lease_epoch`,
      [holder, leaseMs, id],
    );
    return rows[0] ?? null;
  }

  /** The longest overdue first; rows that somebody else is working on are passed over, not waited for. */
  async claimDue(
    tx: EntityManager,
    holder: string,
    leaseMs: number,
    due: { readonly graceMs: number; readonly limit: number },
  ): Promise<readonly LeaseRow[]> {
    const [rows] = await tx.query<[readonly LeaseRow[], number]>(
      `UPDATE experiments SET ${TAKE}
       WHERE id IN (
         SELECT id FROM experiments
         WHERE status IN ('running', 'paused') AND ${FREE}
           AND next_analysis_at <= clock_timestamp() - $3 * interval '1 millisecond'
         ORDER BY next_analysis_at LIMIT $4 FOR UPDATE SKIP LOCKED)
       RETURNING id, lease_epoch`,
      [holder, leaseMs, due.graceMs, due.limit],
    );
    return rows;
  }

  /**
   * Locks the row, then looks: in one statement the time could be read before a wait for the lock. While the lock
   * is held nobody else can claim, so a lease that holds here holds until the transaction ends.
   */
  async isHeld(
    tx: EntityManager,
    { id, holder, epoch }: { readonly id: string; readonly holder: string; readonly epoch: number },
  ): Promise<boolean> {
    await tx.query('SELECT 1 FROM experiments WHERE id = $1 FOR UPDATE', [id]);
    const rows = await tx.query<{ readonly held: boolean }[]>(
      `SELECT coalesce(lease_holder = $2 AND lease_epoch = $3 AND lease_until > clock_timestamp(), false)
                AS held
       FROM experiments WHERE id = $1`,
      [id, holder, epoch],
    );
    return rows[0]?.held ?? false;
  }

  /** False: it was lost, or ran out; one that ran out is not revived, because another may be taking it. */
  async renew(
    tx: EntityManager,
    lease: { readonly id: string; readonly holder: string; readonly epoch: number },
    leaseMs: number,
  ): Promise<boolean> {
    const [, renewed] = await tx.query<[unknown, number]>(
      `UPDATE experiments SET lease_until = clock_timestamp() + $4 * interval '1 millisecond'
       WHERE id = $1 AND lease_holder = $2 AND lease_epoch = $3 AND lease_until > clock_timestamp()`,
      [lease.id, lease.holder, lease.epoch, leaseMs],
    );
    return renewed === 1;
  }

  /** False: the lease had been lost, and its next holder says when the next analysis is due. */
  async release(
    tx: EntityManager,
    lease: { readonly id: string; readonly holder: string; readonly epoch: number },
    nextAnalysisInMs: number,
    failure: string | null,
  ): Promise<boolean> {
    const [, released] = await tx.query<[unknown, number]>(
      `UPDATE experiments SET lease_holder = NULL, lease_until = NULL,
              next_analysis_at = clock_timestamp() + $4 * interval '1 millisecond',
              failed_analyses = CASE WHEN $5::text IS NULL THEN 0 ELSE failed_analyses + 1 END,
              last_failure = $5
       WHERE id = $1 AND lease_holder = $2 AND lease_epoch = $3`,
      [lease.id, lease.holder, lease.epoch, nextAnalysisInMs, failure],
    );
    return released === 1;
  }
}
