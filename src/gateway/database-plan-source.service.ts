import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { PLAN_CHANNEL, PlanService } from '../models/plan.service.js';
import type { TrafficPlan } from '../routing/plan.js';
import type { PlanSource } from './plan-source.js';

/** Plans from PostgreSQL. */
@Injectable()
export class DatabasePlanSource implements PlanSource {
  constructor(
    private readonly database: Database,
    private readonly plans: PlanService,
  ) {}

  get isReady(): boolean {
    return this.database.isReady;
  }

  latest(afterVersion: number): Promise<TrafficPlan | null> {
    return this.plans.latest(afterVersion);
  }

  listen(onHint: () => void): () => void {
    return this.database.listen(PLAN_CHANNEL, onHint);
  }
}
