import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Experiment } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { invariant } from '../kernel/assert.js';
import type { Model } from '../models/model.js';
import { ModelsService } from '../models/models.service.js';
import { PlanService } from '../models/plan.service.js';
import { ExecutorService } from './executor.service.js';
import type { ReleaseBody } from './holdout.contract.js';
import { POLICY_VERSION } from './policy/policy.js';
import type { StoredDecision } from './stored-decision.js';
import { holdoutIn, released } from './traffic.js';

/** What a release did. */
export interface Release {
  readonly model: Model;
  /** The last entry in the log of the experiment that compared the holdout; null: none did. */
  readonly decision: StoredDecision | null;
}

/** The end of a model's holdout: its units are like all others from then on, and nobody can hold the same ones again. */
@Injectable()
export class HoldoutService {
  constructor(
    private readonly executor: ExecutorService,
    private readonly experiments: ExperimentsService,
    private readonly models: ModelsService,
    private readonly plans: PlanService,
  ) {}

  /**
   * Takes the holdout of a model out of the plan, in one transaction with the end of the experiment that compares it.
   * Throws `not_found` for an unknown model and `conflict` when it has no holdout.
   */
  async release(name: string, { reason }: ReleaseBody, actor: string): Promise<Release> {
    await this.models.get(name);
    const decision = await this.executor.decideInTransaction(async (tx, nowMs) => {
      const compared = holdoutIn(await this.plans.currentIn(tx), name).experiment;
      if (compared !== undefined) {
        const experiment = await this.experiments.lock(tx, compared.id);
        return this.end(tx, experiment, { reason, actor, nowMs });
      }
      await this.models.setHoldout(tx, name, null);
      await this.plans.change(
        tx,
        { actor, reason: `holdout of ${name} released: ${reason}` },
        (plan) => released(plan, name, null),
      );
      return null;
    });
    return { model: await this.models.get(name), decision };
  }

  private async end(
    tx: EntityManager,
    experiment: Experiment,
    cause: { readonly reason: string; readonly actor: string; readonly nowMs: number },
  ): Promise<StoredDecision> {
    const { model, rollout, status } = experiment;
    invariant(rollout !== null, 'an experiment in the plan has a rollout');
    const change = {
      status: 'completed',
      rollout,
      hasEnded: true,
      traffic: { kind: 'release' },
    } as const;
    return this.executor.apply(tx, experiment, change, {
      kind: 'release',
      automatic: false,
      actor: cause.actor,
      summary: `the holdout of ${model} is released: ${cause.reason}`,
      reasons: { code: 'manual_release', variant: null, reason: cause.reason },
      inputs: { status, rollout },
      policyVersion: POLICY_VERSION,
      reportNumber: null,
      atMs: cause.nowMs,
    });
  }
}
