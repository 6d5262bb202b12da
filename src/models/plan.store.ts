import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ModelPlan, TrafficPlan } from '../routing/plan.js';

interface PlanRow {
  readonly version: string;
  readonly document: TrafficPlan;
}

export interface NewPlan {
  readonly plan: TrafficPlan;
  readonly actor: string;
  readonly reason: string;
}

/** A plan that somebody has. The hash tells it from a plan of the same number in another database. */
export interface KnownPlan {
  readonly version: number;
  readonly hash: string | null;
}

/** A newer plan, told by what it has anew. */
export interface PlanChanges extends KnownPlan {
  /** Every model by name; null for those that are as they were in the known plan. */
  readonly models: Readonly<Record<string, ModelPlan | null>>;
  /** Everything but version and models. */
  readonly rest: Omit<TrafficPlan, 'version' | 'models'>;
}

interface ChangesRow extends Omit<PlanChanges, 'version' | 'models'> {
  readonly version: string;
  readonly models: PlanChanges['models'] | null;
}

const CHANGES_SINCE = `
  WITH newest AS (
    SELECT version, document FROM traffic_plans WHERE version > $1 ORDER BY version DESC LIMIT 1
  ), known AS (
    SELECT model.key, model.value::text AS text
    FROM traffic_plans, json_each(document -> 'models') AS model
    WHERE version = $1 AND md5(document::text) = $2
  )
  SELECT version, md5(document::text) AS hash,
    (SELECT json_object_agg(part.key, part.value) FROM json_each(document) AS part
     WHERE part.key NOT IN ('version', 'models')) AS rest,
    (SELECT json_object_agg(model.key, CASE WHEN known.text IS DISTINCT FROM model.value::text THEN model.value END)
     FROM json_each(document -> 'models') AS model LEFT JOIN known ON known.key = model.key) AS models
  FROM newest`;

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

  /**
   * The newest plan if it is newer than the one that is known, without the models that it has in common with that one:
   * a plan may be large, and a change touches one model.
   *
   * @param known the hash is what this method found before; anything else counts as unknown
   */
  async changesSince(db: Querying, known: KnownPlan): Promise<PlanChanges | null> {
    const rows = await db.query<ChangesRow[]>(CHANGES_SINCE, [known.version, known.hash]);
    const row = rows[0];
    if (row === undefined) return null;
    return { ...row, version: Number(row.version), models: row.models ?? {} };
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
