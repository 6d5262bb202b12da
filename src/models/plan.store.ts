import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { TrafficPlan } from '../routing/plan.js';

interface PlanRow {
  readonly version: string;
  readonly document: TrafficPlan;
}

export interface NewPlan {
  readonly plan: TrafficPlan;
  readonly actor: string;
  readonly reason: string;
}

/** Anything that runs SQL with positional parameters: a transaction or the pool's own manager. */
export type Querying = Pick<EntityManager, 'query'>;

@Injectable()
export class PlanStore {
  /** Held to the end of the transaction: plans are made one after the other. */
  async lock(tx: Querying): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('sluice.traffic_plan'))`);
  }

  async newest(db: Querying, afterVersion: number): Promise<TrafficPlan | null> {
    return one(
      await db.query(
        `SELECT version, document FROM traffic_plans WHERE version > $1 ORDER BY version DESC LIMIT 1`,
        [afterVersion],
      ),
    );
  }

  async newestVersion(db: Querying): Promise<number> {
    const rows = await db.query<{ readonly version: string | null }[]>(
      `SELECT max(version) AS version FROM traffic_plans`,
    );
    return Number(rows[0]?.version ?? 0);
  }

  async at(db: Querying, version: number): Promise<TrafficPlan | null> {
    return one(
      await db.query(`SELECT version, document FROM traffic_plans WHERE version = $1`, [version]),
    );
  }

  /** Stores the plan and tells the gateways; PostgreSQL delivers the notice when the transaction commits. */
  async insert(tx: Querying, { plan, actor, reason }: NewPlan): Promise<void> {
    await tx.query(
      `INSERT INTO traffic_plans (version, document, actor, reason) VALUES ($1, $2, $3, $4)`,
      [plan.version, JSON.stringify(plan), actor, reason],
    );
    await tx.query(`SELECT pg_notify('sluice_plan', $1)`, [String(plan.version)]);
  }
}

function one(rows: readonly PlanRow[]): TrafficPlan | null {
  const row = rows[0];
  return row === undefined ? null : { ...row.document, version: Number(row.version) };
}
