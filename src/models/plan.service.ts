import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import { canonicalJson } from '../kernel/json.js';
import { emptyPlan } from '../routing/plan-change.js';
import type { TrafficPlan } from '../routing/plan.js';
import { PlanStore } from './plan.store.js';
import type { KnownPlan, PlanChanges } from './plan.store.js';

/** The channel on which a new plan's version is announced; a hint, gateways poll as well. */
export const PLAN_CHANNEL = 'sluice_plan';

/** A gateway asks again after this: a connection that went silent must not keep one of its few places in the pool. */
const FOLLOW_TIMEOUT_MS = 5_000;

/** Who changes the plan and why; kept with the plan for ever. */
export interface PlanChange {
  readonly actor: string;
  readonly reason: string;
}

/** The only writer of the traffic plan. */
@Injectable()
export class PlanService {
  constructor(
    private readonly database: Database,
    private readonly plans: PlanStore,
  ) {}

  /**
   * Makes the next plan from the newest one, inside the caller's transaction. It locks until the transaction
   * ends, so call it last: row locks first, the plan after them, everywhere. A change that changes nothing makes
   * no plan and returns the present one.
   */
  async change(
    tx: EntityManager,
    why: PlanChange,
    edit: (plan: TrafficPlan) => TrafficPlan,
  ): Promise<TrafficPlan> {
    await this.plans.lock(tx);
    const present = (await this.plans.newest(tx, 0)) ?? emptyPlan();
    const next = { ...edit(present), version: present.version };
    if (canonicalJson(next) === canonicalJson(present)) return present;
    const plan = { ...next, version: present.version + 1 };
    await this.plans.insert(tx, { plan, ...why });
    return plan;
  }

  /** The newest plan if it is newer than a version, else null. */
  latest(afterVersion: number): Promise<TrafficPlan | null> {
    return this.plans.newest(this.database.manager, afterVersion);
  }

  /** What is new since a plan that this method gave before, or all of the newest plan; null when there is no newer one. */
  changesSince(known: KnownPlan): Promise<PlanChanges | null> {
    const { pool } = this.database;
    return this.plans.changesSince(
      {
        query: async <T>(text: string, values?: unknown[]): Promise<T> => {
          const query = { text, values, query_timeout: FOLLOW_TIMEOUT_MS } as pg.QueryConfig;
          return (await pool.query(query)).rows as T;
        },
      },
      known,
    );
  }

  /** The newest plan; the empty plan, version 0, before anything was registered. */
  async current(): Promise<TrafficPlan> {
    return (await this.latest(0)) ?? emptyPlan();
  }

  /** Its version alone; 0 before anything was registered. */
  async currentVersion(): Promise<number> {
    return this.plans.newestVersion(this.database.manager);
  }

  /** The newest plan as a transaction sees it. */
  async currentIn(tx: EntityManager): Promise<TrafficPlan> {
    return (await this.plans.newest(tx, 0)) ?? emptyPlan();
  }

  /** The plan that was in force under a config version, or null. */
  at(version: number): Promise<TrafficPlan | null> {
    return this.plans.at(this.database.manager, version);
  }
}
