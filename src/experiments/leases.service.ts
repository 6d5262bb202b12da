import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import { SluiceError } from '../kernel/errors.js';
import { type LeaseRow, LeasesStore } from './leases.store.js';

/** The right to analyse one experiment for a while. `epoch` is the fence: it grows each time the right is taken. */
export interface Lease {
  readonly experimentId: string;
  readonly holder: string;
  readonly epoch: number;
}

/** Renewals per lease length: two may fail before it is lost. */
const RENEWALS_PER_LEASE = 3;

/** Nobody works longer on one turn; work that never ends must not keep others away for ever. */
const MAX_KEPT_MS = 300_000;

/** Longer texts of failures are cut; the whole one is in the log. */
const MAX_FAILURE_LENGTH = 1_000;

/** Who analyses which experiment now, by PostgreSQL's clock alone. Queue jobs only say when to ask. */
@Injectable()
export class LeasesService {
  constructor(
    private readonly database: Database,
    private readonly leases: LeasesStore,
  ) {}

  /** Null: not due, not running, or somebody else holds it. */
  async claim(experimentId: string, holder: string, leaseMs: number): Promise<Lease | null> {
    const row = await this.leases.claim(this.database.manager, holder, leaseMs, experimentId);
    return row === null ? null : leaseOf(row, holder);
  }

  /** Takes what has been due for longer than `graceMs`: what no job has come for. */
  async claimDue(
    holder: string,
    leaseMs: number,
    graceMs: number,
    limit: number,
  ): Promise<readonly Lease[]> {
    const rows = await this.leases.claimDue(this.database.manager, holder, leaseMs, {
      graceMs,
      limit,
    });
    return rows.map((row) => leaseOf(row, holder));
  }

  /**
   * Runs `work` and extends the lease meanwhile. A lease that is lost is not missed here: `check` finds out before
   * anything is decided.
   */
  async keep<T>(lease: Lease, leaseMs: number, work: () => Promise<T>): Promise<T> {
    const sinceMs = performance.now();
    let isRenewing = false;
    const renew = async (): Promise<void> => {
      if (isRenewing) return;
      isRenewing = true;
      try {
        const isHeld = await this.leases.renew(this.database.manager, keyOf(lease), leaseMs);
        if (!isHeld || performance.now() - sinceMs > MAX_KEPT_MS) clearInterval(timer);
      } catch {
        // the next renewal is tried in time, or the lease runs out as it should
      } finally {
        isRenewing = false;
      }
    };
    const timer = setInterval(() => void renew(), leaseMs / RENEWALS_PER_LEASE);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** Inside the transaction that decides: locks the experiment. Throws `conflict` unless the lease still holds. */
  async check(tx: EntityManager, lease: Lease): Promise<void> {
    if (await this.leases.isHeld(tx, keyOf(lease))) return;
    throw new SluiceError('conflict', 'lease lost', [
      {
        field: 'lease',
        given: { holder: lease.holder, epoch: lease.epoch },
        expected: 'the lease of the present epoch, not expired',
        advice: 'drop this analysis: another worker took over',
      },
    ]);
  }

  /** Gives a lease back and says when the next analysis is due; without effect when it was lost meanwhile. */
  async release(lease: Lease, nextAnalysisInMs: number, failure: string | null): Promise<void> {
    const told = failure?.slice(0, MAX_FAILURE_LENGTH) ?? null;
    await this.leases.release(this.database.manager, keyOf(lease), nextAnalysisInMs, told);
  }
}

function leaseOf(row: LeaseRow, holder: string): Lease {
  return { experimentId: row.id, holder, epoch: Number(row.lease_epoch) };
}

function keyOf({ experimentId, holder, epoch }: Lease): {
  readonly id: string;
  readonly holder: string;
  readonly epoch: number;
} {
  return { id: experimentId, holder, epoch };
}
