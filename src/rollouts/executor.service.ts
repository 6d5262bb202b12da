import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import type { Experiment } from '../experiments/experiment.js';
import { experimentPlan } from '../experiments/experiment-plan.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { ModelsService } from '../models/models.service.js';
import { PlanService } from '../models/plan.service.js';
import { modelIn, withExperiment, withoutExperiment } from '../routing/plan-change.js';
import type { TrafficPlan } from '../routing/plan.js';
import type { Change } from './change.js';
import { DecisionsStore } from './decisions.store.js';
import type { StoredDecision, StoredDecisionKind } from './stored-decision.js';

/** What is written down about a decision besides its effects. */
export interface DecisionRecord {
  readonly kind: StoredDecisionKind;
  readonly automatic: boolean;
  readonly actor: string;
  readonly summary: string;
  readonly reasons: object;
  readonly inputs: object;
  readonly policyVersion: string;
  readonly reportNumber: number | null;
  readonly atMs: number;
}

/** Topic of the outbox messages that tell the outside about decisions. */
export const DECISION_TOPIC = 'decision';

/**
 * Carries a decision out: state, traffic plan, log entry and outbox message in the caller's one transaction, so
 * that either all of it happened or none.
 */
@Injectable()
export class ExecutorService {
  constructor(
    private readonly database: Database,
    private readonly experiments: ExperimentsService,
    private readonly models: ModelsService,
    private readonly plans: PlanService,
    private readonly decisions: DecisionsStore,
  ) {}

  /** Runs `work` in one transaction with the database's clock; nothing in it may touch the network. */
  decideInTransaction<T>(work: (tx: EntityManager, nowMs: number) => Promise<T>): Promise<T> {
    return this.database.transaction(async (tx) => work(tx, await this.decisions.nowMs(tx)));
  }

  /** `experiment` is locked by the caller and is the state that the change was computed from. */
  async apply(
    tx: EntityManager,
    experiment: Experiment,
    change: Change,
    record: DecisionRecord,
  ): Promise<StoredDecision> {
    const configVersion = await this.applyTraffic(tx, experiment, change, record);
    const stored = await this.decisions.append(tx, {
      ...record,
      experimentId: experiment.id,
      fromRevision: experiment.revision,
      configVersion,
    });
    const { number, kind, automatic, actor, summary } = stored;
    await this.decisions.enqueue(tx, DECISION_TOPIC, {
      experimentId: experiment.id,
      experiment: experiment.name,
      model: experiment.model,
      number,
      kind,
      automatic,
      actor,
      summary,
    });
    await this.experiments.save(tx, experiment, {
      status: change.status,
      rollout: change.rollout,
      ...(change.hasEnded ? { endedAtMs: record.atMs } : {}),
    });
    return stored;
  }

  private async applyTraffic(
    tx: EntityManager,
    experiment: Experiment,
    { traffic }: Change,
    { actor, summary }: DecisionRecord,
  ): Promise<number | null> {
    const cause = { actor, reason: `${experiment.name}: ${summary}` };
    const { model, id } = experiment;
    if (traffic.kind === 'none') return null;
    if (traffic.kind === 'enrol') {
      const { version } = await this.plans.change(tx, cause, (plan) => {
        const previous = modelIn(plan, model)?.experiments.find((running) => running.id === id);
        const next = experimentPlan(experiment, traffic.coverage, traffic.phase, previous ?? null);
        return withExperiment(plan, model, next);
      });
      return version;
    }
    const withdraw = (plan: TrafficPlan): TrafficPlan => withoutExperiment(plan, model, id);
    const { version } =
      traffic.champion === null
        ? await this.plans.change(tx, cause, withdraw)
        : await this.models.setChampion(tx, {
            ...cause,
            model,
            version: traffic.champion,
            edit: withdraw,
          });
    return version;
  }
}
