import { Injectable } from '@nestjs/common';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { SluiceError } from '../kernel/errors.js';
import { PlanService } from '../models/plan.service.js';
import { type Explanation, explainAssignment } from '../routing/explain.js';
import { modelIn } from '../routing/plan-change.js';
import type { AttributeValue } from '../routing/plan.js';
import { DecisionsStore } from './decisions.store.js';
import { replay, type ReplayResult } from './replay.js';
import { type AssignmentQuery, attributesOf } from './rollouts.contract.js';
import { firstBrokenLink, type StoredDecision } from './stored-decision.js';

export interface DecisionLog {
  readonly decisions: readonly StoredDecision[];
  readonly chain: { readonly intact: boolean; readonly firstBroken: number | null };
}

/** What can be read about rollouts: the log, its replay, and why a unit gets what it gets. */
@Injectable()
export class RolloutsService {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly plans: PlanService,
    private readonly decisions: DecisionsStore,
  ) {}

  async log(idOrName: string): Promise<DecisionLog> {
    const { id } = await this.experiments.get(idOrName);
    const decisions = await this.decisions.list(id);
    const firstBroken = firstBrokenLink(decisions);
    return { decisions, chain: { intact: firstBroken === null, firstBroken } };
  }

  async replay(idOrName: string, number: number): Promise<ReplayResult> {
    return replay(await this.decision(idOrName, number));
  }

  /** Throws `not_found`. */
  async decision(idOrName: string, number: number): Promise<StoredDecision> {
    const { id, name } = await this.experiments.get(idOrName);
    const stored = await this.decisions.get(id, number);
    if (stored !== null) return stored;
    throw new SluiceError('not_found', `${name} has no decision ${String(number)}`, [
      { field: 'number', given: number, expected: 'the number of a decision in the log' },
    ]);
  }

  /** Why a unit gets its version, now or at an earlier config version. */
  async explain(
    idOrName: string,
    { unit, configVersion, attributes }: AssignmentQuery,
  ): Promise<Explanation & { readonly configVersion: number }> {
    const { model } = await this.experiments.get(idOrName);
    const plan =
      configVersion === undefined ? await this.plans.current() : await this.plans.at(configVersion);
    const modelPlan = plan === null ? null : modelIn(plan, model);
    if (plan === null || modelPlan === null) {
      throw new SluiceError('not_found', `there is no such plan of model ${model}`, [
        { field: 'configVersion', given: configVersion, expected: 'a config version of the model' },
      ]);
    }
    const known = new Map(Object.entries(attributesOf(attributes ?? '{}') ?? {}));
    const read = (name: string): AttributeValue | undefined => known.get(name);
    return { ...explainAssignment(modelPlan, unit, read), configVersion: plan.version };
  }
}
