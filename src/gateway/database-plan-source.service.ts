import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { PLAN_CHANNEL, PlanService } from '../models/plan.service.js';
import { modelIn } from '../routing/plan-change.js';
import type { ModelPlan, TrafficPlan } from '../routing/plan.js';
import type { PlanSource } from './plan-source.js';

/** A plan as this process has it, and the hash by which the database knows it again. */
interface Held {
  readonly plan: TrafficPlan;
  readonly hash: string | null;
}

/**
 * Plans from PostgreSQL. Of a plan that follows one that was given before, only what changed is read and parsed: models that
 * stay the same are the same objects.
 */
@Injectable()
export class DatabasePlanSource implements PlanSource {
  #held: Held | null = null;

  constructor(
    private readonly database: Database,
    private readonly plans: PlanService,
  ) {}

  get isReady(): boolean {
    return this.database.isReady;
  }

  async latest(afterVersion: number): Promise<TrafficPlan | null> {
    // a plan from the snapshot may be of another database: only what came from this one is built upon
    const held = this.#held?.plan.version === afterVersion ? this.#held : null;
    const hash = held?.hash ?? null;
    const changes = await this.plans.changesSince({ version: afterVersion, hash });
    if (changes === null) return null;
    const { version, rest } = changes;
    const models: Record<string, ModelPlan> = {};
    for (const [name, changed] of Object.entries(changes.models)) {
      const model = changed ?? (held === null ? null : modelIn(held.plan, name));
      if (model === null) throw new Error(`plan ${version} lacks its model ${name}`);
      models[name] = model;
    }
    const plan = { ...rest, version, models };
    this.#held = { plan, hash: changes.hash };
    return plan;
  }

  listen(onHint: () => void): () => void {
    return this.database.listen(PLAN_CHANNEL, onHint);
  }
}
