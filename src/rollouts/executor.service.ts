import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.service.js';
import { type ExperimentDefinition, parseDefinition } from '../experiments/experiment.contract.js';
import {
  championAtStart,
  type Experiment,
  type FrozenDesign,
  type RolloutState,
} from '../experiments/experiment.js';
import { ExperimentsService, type PreparedStart } from '../experiments/experiments.service.js';
import { invariant } from '../kernel/assert.js';
import { SluiceError } from '../kernel/errors.js';
import { ModelsService } from '../models/models.service.js';
import { PlanService } from '../models/plan.service.js';
import { modelIn } from '../routing/plan-change.js';
import type { TrafficPlan } from '../routing/plan.js';
import { type Change, startOf } from './change.js';
import { DecisionsStore } from './decisions.store.js';
import { POLICY_VERSION } from './policy/policy.js';
import type { StoredDecision, StoredDecisionKind } from './stored-decision.js';
import { enrolled, heldBack, released, withdrawn } from './traffic.js';

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
  /** What begins when a shadow is ready; absent: nothing does. */
  readonly next?: PreparedNext;
}

/** The canary after a shadow, made before the transaction that begins it, or why it cannot begin. */
export interface PreparedNext {
  readonly definition: ExperimentDefinition;
  readonly design: FrozenDesign | { readonly refused: string };
}

/** Who begins an experiment, and on which evidence when it is not a person. */
export interface StartRecord {
  readonly automatic: boolean;
  readonly actor: string;
  readonly summary: string;
  readonly reasons?: object;
  /** The decision of another experiment that this start rests on. */
  readonly evidenceChain?: {
    readonly experimentId: string;
    readonly decisionNumber: number;
    readonly decisionHash: string;
    readonly reportNumber: number | null;
  };
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
  private readonly logger = new Logger(ExecutorService.name);

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

  /** The database's clock. */
  nowMs(): Promise<number> {
    return this.decisions.nowMs();
  }

  /** What a shadow that is ready begins; null: nothing. Before the transaction, because it may read a long past. */
  async prepareNext({ design }: Experiment): Promise<PreparedNext | null> {
    if (design?.kind !== 'shadow' || design.next === undefined) return null;
    const definition = parseDefinition(design.next as Readonly<Record<string, unknown>>);
    try {
      const frozen = await this.experiments.designFor(definition, await this.nowMs());
      return { definition, design: frozen };
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'invalid_input') throw error;
      return { definition, design: { refused: error.message } };
    }
  }

  /** `experiment` is locked by the caller and is the state that the change was computed from. */
  async apply(
    tx: EntityManager,
    experiment: Experiment,
    change: Change,
    { next, ...record }: DecisionRecord,
  ): Promise<StoredDecision> {
    const plan = await this.applyTraffic(tx, experiment, change, record);
    const stored = await this.decisions.append(tx, {
      ...record,
      experimentId: experiment.id,
      fromRevision: experiment.revision,
      configVersion: plan?.version ?? null,
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
      rollout: begunUnder(plan, experiment, change),
      ...(change.hasEnded ? { endedAtMs: record.atMs } : {}),
    });
    if (change.startsNext === true) {
      invariant(next !== undefined, 'what follows was prepared');
      await this.startNext(tx, experiment, stored, next);
    }
    return stored;
  }

  /** Freezes a locked draft and begins it. Throws `conflict` when it does not fit any more. */
  async start(
    tx: EntityManager,
    locked: Experiment,
    prepared: PreparedStart,
    record: StartRecord,
  ): Promise<StoredDecision> {
    const { actor, automatic, summary, reasons, evidenceChain, atMs } = record;
    const experiment = await this.experiments.freeze(tx, locked, prepared, atMs);
    const { design, designHash } = experiment;
    invariant(design !== null, 'what was frozen has a design');
    return this.apply(tx, experiment, startOf(design, atMs), {
      kind: 'start',
      automatic: false,
      actor,
      summary,
      reasons: { code: automatic ? 'follows' : 'manual_start', variant: null, ...reasons },
      inputs: {
        rollout: locked.rollout,
        status: locked.status,
        designHash,
        ...(evidenceChain === undefined ? {} : { evidenceChain }),
      },
      policyVersion: POLICY_VERSION,
      reportNumber: null,
      atMs,
    });
  }

  /**
   * The canary that follows a shadow. What its start may be refused for (a layer that is full, a champion that changed)
   * must not undo the shadow's verdict: the draft stays then, and says why it did not start.
   */
  private async startNext(
    tx: EntityManager,
    shadow: Experiment,
    ready: StoredDecision,
    { definition, design }: PreparedNext,
  ): Promise<void> {
    const draft = await this.experiments.createAfter(tx, shadow, definition);
    if ('refused' in design) return this.noteNotStarted(tx, shadow, draft, design.refused);
    const evidenceChain = {
      experimentId: shadow.id,
      decisionNumber: ready.number,
      decisionHash: ready.hash,
      reportNumber: ready.reportNumber,
    };
    const record: StartRecord = {
      automatic: true,
      actor: ready.actor,
      summary: `${shadow.name} showed that ${draft.name} may begin: ${ready.summary}`,
      reasons: { parent: shadow.name },
      evidenceChain,
      atMs: ready.atMs,
    };
    await tx.query('SAVEPOINT next');
    try {
      await this.start(tx, draft, { revision: draft.revision, design }, record);
      await tx.query('RELEASE SAVEPOINT next');
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code === 'internal') throw error;
      await tx.query('ROLLBACK TO SAVEPOINT next');
      await this.noteNotStarted(tx, shadow, draft, error.message);
    }
  }

  private async noteNotStarted(
    tx: EntityManager,
    shadow: Experiment,
    draft: Experiment,
    why: string,
  ): Promise<void> {
    await this.experiments.noteFailure(tx, draft.id, `not started: ${why}`);
    this.logger.error(`${draft.name} was not started after ${shadow.name}: ${why}`);
  }

  private async applyTraffic(
    tx: EntityManager,
    experiment: Experiment,
    { traffic }: Change,
    { actor, summary, automatic }: DecisionRecord,
  ): Promise<TrafficPlan | null> {
    const cause = { actor, reason: `${experiment.name}: ${summary}` };
    const { model } = experiment;
    if (traffic.kind === 'none') return null;
    if (traffic.kind === 'enrol') {
      return this.plans.change(tx, cause, (plan) => enrolled(plan, experiment, traffic));
    }
    if (traffic.kind === 'release') {
      await this.models.setHoldout(tx, model, null);
      const release = (plan: TrafficPlan): TrafficPlan => released(plan, model, experiment.id);
      return this.plans.change(tx, cause, release);
    }
    const { champion, holdout } = traffic;
    if (holdout !== undefined) await this.models.setHoldout(tx, model, holdout);
    const withdraw = (plan: TrafficPlan): TrafficPlan => {
      const without = withdrawn(plan, experiment);
      return holdout === undefined ? without : heldBack(without, model, holdout);
    };
    if (champion === null) return this.plans.change(tx, cause, withdraw);
    // a person may promote over whatever serves by now
    const replaces = automatic ? championAtStart(experiment) : null;
    return this.models.setChampion(tx, {
      ...{ ...cause, model, version: champion, edit: withdraw },
      ...(replaces === null ? {} : { replaces }),
    });
  }
}

/** An `ab` keeps which champion its epoch began under: its control need not be the one that a promotion replaces. */
function begunUnder(
  plan: TrafficPlan | null,
  { kind, model }: Experiment,
  { rollout, traffic }: Change,
): RolloutState {
  if (kind !== 'ab' || plan === null) return rollout;
  if (traffic.kind !== 'enrol' || traffic.phase !== 1) return rollout;
  const champion = modelIn(plan, model)?.champion ?? null;
  return champion === null ? rollout : { ...rollout, champion };
}
