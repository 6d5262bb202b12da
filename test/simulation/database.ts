import type { Report } from '../../src/analysis/report.js';
import {
  championAtStart,
  type Experiment,
  type FrozenDesign,
  type RolloutState,
} from '../../src/experiments/experiment.js';
import { type ManualVerb, nextStatusByPolicy } from '../../src/experiments/life-cycle.js';
import { championChanged } from '../../src/models/running-experiments.js';
import { SluiceError } from '../../src/kernel/errors.js';
import {
  type Action,
  actionOfDecision,
  type Change,
  changeOf,
  restartOf,
  startOf,
  type TrafficChange,
} from '../../src/rollouts/change.js';
import {
  actionOf,
  closeAction,
  refuseFromStatus,
  reweighAction,
} from '../../src/rollouts/manual-action.js';
import { POLICY_VERSION } from '../../src/rollouts/policy/policy.js';
import { isSameHold, reasonsOf } from '../../src/rollouts/replay.js';
import {
  decisionHash,
  FIRST_PREVIOUS_HASH,
  type StoredDecision,
} from '../../src/rollouts/stored-decision.js';
import { enrolled, heldBack, withdrawn } from '../../src/rollouts/traffic.js';
import type { Verdict } from '../../src/rollouts/verdict.service.js';
import { modelIn, withChampion } from '../../src/routing/plan-change.js';
import type { TrafficPlan } from '../../src/routing/plan.js';
import { Rollup } from './rollup.js';

export interface Lease {
  readonly experimentId: string;
  readonly holder: string;
  readonly epoch: number;
}

/** A row of `experiments` with its lease, and what belongs to it. */
export interface Row {
  experiment: Experiment;
  holder: string | null;
  leaseUntilMs: number;
  leaseEpoch: number;
  nextAnalysisAtMs: number;
  readonly decisions: StoredDecision[];
  readonly reports: Report[];
  readonly rollup: Rollup;
}

/** What a person does. */
export type Manual =
  | { readonly verb: 'redesign'; readonly design: FrozenDesign }
  | { readonly verb: 'close'; readonly variant: string }
  | {
      readonly verb: 'reweigh';
      readonly weights: Readonly<Record<string, number>>;
      readonly coverage: number;
    }
  | { readonly verb: 'promote'; readonly variant: string }
  | { readonly verb: 'advance' | 'approve' | 'pause' | 'resume' | 'rollback' | 'abort' };

/** What a transaction came to: `conflict` is what the product's services throw, `lost` an error it does not expect. */
export type Outcome =
  | { readonly kind: 'decided'; readonly decision: StoredDecision; readonly before: Experiment }
  | { readonly kind: 'no_news' }
  | { readonly kind: 'conflict' };

/**
 * A model of what PostgreSQL and the services on top of it do: every method is one transaction, as atomic as a row
 * lock makes it. Modelled are leases (LeasesService), revisions and the decision log (ExecutorService,
 * DecisionsStore), the plan's versions (PlanService). Everything that is calculated is the product's own code.
 * That the real transactions are atomic is not shown here but by test/faults/controllers.
 */
export class ModelDatabase {
  readonly rows = new Map<string, Row>();
  /** Every plan so far, oldest first; index 0 is version 1. */
  readonly plans: TrafficPlan[];
  /** The database's clock. */
  nowMs: number;

  constructor(plan: TrafficPlan, nowMs: number) {
    this.plans = [{ ...plan, version: 1 }];
    this.nowMs = nowMs;
  }

  get plan(): TrafficPlan {
    const newest = this.plans.at(-1);
    if (newest === undefined) throw new Error('there is always a plan');
    return newest;
  }

  row(id: string): Row {
    const found = this.rows.get(id);
    if (found === undefined) throw new Error(`there is no experiment ${id}`);
    return found;
  }

  champion(model: string): string | null {
    return modelIn(this.plan, model)?.champion ?? null;
  }

  /** What a person does to a model, whatever is compared on it. */
  setChampion(model: string, version: string): void {
    const { plan } = this;
    this.plans.push({ ...withChampion(plan, model, version), version: plan.version + 1 });
  }

  /** A draft that starts at once. */
  start(id: string, design: FrozenDesign, salt: string): Row {
    const draft: Experiment = {
      ...{ id, name: id, model: design.model, kind: design.kind, status: 'draft' },
      ...{ definition: {}, design, designHash: 'hash', epoch: 1, salt, revision: 0 },
      ...{ rollout: null, createdAtMs: this.nowMs, startedAtMs: this.nowMs, endedAtMs: null },
      ...{ failedAnalyses: 0, lastFailure: null, parentId: null },
    };
    const row: Row = {
      experiment: draft,
      ...{ holder: null, leaseUntilMs: 0, leaseEpoch: 0 },
      nextAnalysisAtMs: this.nowMs + design.analysis.intervalMs,
      ...{ decisions: [], reports: [], rollup: new Rollup() },
    };
    this.rows.set(id, row);
    this.apply(row, startOf(design, this.nowMs), byPerson('start'));
    return row;
  }

  /** LeasesStore.claim: null when it is not due, has ended or is held. */
  claim(id: string, holder: string, leaseMs: number): Lease | null {
    const row = this.row(id);
    if (!isOpen(row.experiment) || row.nextAnalysisAtMs > this.nowMs) return null;
    if (row.holder !== null && row.leaseUntilMs > this.nowMs) return null;
    row.holder = holder;
    row.leaseUntilMs = this.nowMs + leaseMs;
    row.leaseEpoch += 1;
    return { experimentId: id, holder, epoch: row.leaseEpoch };
  }

  renew(lease: Lease, leaseMs: number): void {
    if (this.isHeld(lease)) this.row(lease.experimentId).leaseUntilMs = this.nowMs + leaseMs;
  }

  isHeld({ experimentId, holder, epoch }: Lease): boolean {
    const row = this.row(experimentId);
    return row.holder === holder && row.leaseEpoch === epoch && row.leaseUntilMs > this.nowMs;
  }

  release(lease: Lease, intervalMs: number, hasFailed: boolean): void {
    const row = this.row(lease.experimentId);
    if (row.holder !== lease.holder || row.leaseEpoch !== lease.epoch) return;
    row.holder = null;
    row.nextAnalysisAtMs = this.nowMs + intervalMs;
    const failedAnalyses = hasFailed ? row.experiment.failedAnalyses + 1 : 0;
    row.experiment = { ...row.experiment, failedAnalyses };
  }

  /** False: the primary key refuses a second report of the same number. */
  insertReport(report: Report): boolean {
    const { reports } = this.row(report.experimentId);
    if (reports.some(({ number }) => number === report.number)) return false;
    reports.push(report);
    // only the newest is read again
    if (reports.length > 2) reports.shift();
    return true;
  }

  /** EvaluationService.carryOut: lease, revision, log, plan and state, all or nothing. */
  decide(lease: Lease, decidedOn: Experiment, verdict: Verdict): Outcome {
    const row = this.row(lease.experimentId);
    if (!this.isHeld(lease)) return { kind: 'conflict' };
    const { experiment } = row;
    if (experiment.revision !== decidedOn.revision) return { kind: 'conflict' };
    const { decision, inputs, reportNumber } = verdict;
    if (isSameHold(row.decisions.at(-1) ?? null, decision)) return { kind: 'no_news' };
    if (nextStatusByPolicy(experiment.status, decision.kind).kind !== 'allowed') {
      throw new Error(`${decision.kind} is not possible while ${experiment.status}`);
    }
    const change = changeOf(experiment, actionOfDecision(decision), this.nowMs);
    const stored = orConflict(() =>
      this.apply(row, change, {
        ...{ kind: decision.kind, automatic: true, actor: 'sluice', summary: decision.summary },
        ...{ reasons: reasonsOf(decision), inputs, reportNumber },
      }),
    );
    if (stored === null) return { kind: 'conflict' };
    return { kind: 'decided', decision: stored, before: experiment };
  }

  /** VerbsService: what a person does, refused from some states and where it makes no sense. */
  perform(id: string, act: Manual): Outcome {
    const row = this.row(id);
    const { experiment } = row;
    const { nextAnalysisAtMs } = row;
    const decision = orConflict(() => {
      refuseFromStatus(experiment, act.verb);
      const change = this.manual(row, act);
      return this.apply(row, change, byPerson(act.verb));
    });
    if (decision === null) {
      Object.assign(row, { experiment, nextAnalysisAtMs });
      return { kind: 'conflict' };
    }
    return { kind: 'decided', decision, before: experiment };
  }

  private manual(row: Row, act: Manual): Change {
    const { experiment } = row;
    if (act.verb !== 'redesign') {
      return changeOf(experiment, manualAction(experiment, act), this.nowMs);
    }
    const { design } = act;
    row.experiment = { ...experiment, design, epoch: experiment.epoch + 1 };
    row.nextAnalysisAtMs = this.nowMs + design.analysis.intervalMs;
    return restartOf(design, experiment.status, this.nowMs);
  }

  private apply(row: Row, change: Change, record: NewRecord): StoredDecision {
    const configVersion = this.applyTraffic(row.experiment, change, record.automatic);
    const { experiment, decisions } = row;
    const last = decisions.at(-1);
    const chained = {
      ...record,
      experimentId: experiment.id,
      number: (last?.number ?? 0) + 1,
      policyVersion: POLICY_VERSION,
      fromRevision: experiment.revision,
      configVersion,
      previousHash: last?.hash ?? FIRST_PREVIOUS_HASH,
      atMs: this.nowMs,
    };
    const stored: StoredDecision = { ...chained, hash: decisionHash(chained) };
    decisions.push(stored);
    row.experiment = {
      ...experiment,
      status: change.status,
      rollout: begunUnder(this.plan, experiment, change),
      revision: experiment.revision + 1,
      endedAtMs: change.hasEnded ? this.nowMs : experiment.endedAtMs,
    };
    return stored;
  }

  private applyTraffic(
    experiment: Experiment,
    { traffic }: Change,
    automatic: boolean,
  ): number | null {
    if (traffic.kind === 'none') return null;
    if (traffic.kind === 'release') throw new Error('there is no holdout here');
    const { plan } = this;
    const edited =
      traffic.kind === 'enrol'
        ? enrolled(plan, experiment, traffic)
        : left(plan, experiment, traffic);
    const replaces = automatic && traffic.kind === 'withdraw' ? championAtStart(experiment) : null;
    const present = this.champion(experiment.model);
    const isPromotion = traffic.kind === 'withdraw' && traffic.champion !== null;
    if (isPromotion && replaces !== null && present !== replaces) {
      throw championChanged({ model: experiment.model, present, replaces });
    }
    this.plans.push({ ...edited, version: plan.version + 1 });
    return plan.version + 1;
  }
}

type NewRecord = Pick<
  StoredDecision,
  'kind' | 'automatic' | 'actor' | 'summary' | 'reasons' | 'inputs' | 'reportNumber'
>;

function byPerson(verb: ManualVerb): NewRecord {
  return {
    ...{ kind: verb, automatic: false, actor: 'ann', summary: verb },
    ...{ reasons: { code: `manual_${verb}`, variant: null }, inputs: {}, reportNumber: null },
  };
}

/** The plan after an experiment: its winner serves, and what was promised to the old version stays with it. */
function left(
  plan: TrafficPlan,
  experiment: Experiment,
  { champion, holdout }: Extract<TrafficChange, { kind: 'withdraw' }>,
): TrafficPlan {
  const { model } = experiment;
  const without = withdrawn(plan, experiment);
  const held = holdout === undefined ? without : heldBack(without, model, holdout);
  return champion === null ? held : withChampion(held, model, champion);
}

/** ExecutorService: an `ab` keeps which champion its epoch began under. */
function begunUnder(
  plan: TrafficPlan,
  { kind, model }: Experiment,
  { rollout, traffic }: Change,
): RolloutState {
  if (kind !== 'ab' || traffic.kind !== 'enrol' || traffic.phase !== 1) return rollout;
  const champion = modelIn(plan, model)?.champion ?? null;
  return champion === null ? rollout : { ...rollout, champion };
}

/** Null: refused with `conflict` or `invalid_input`, and the transaction is rolled back. */
function orConflict<T>(transaction: () => T): T | null {
  try {
    return transaction();
  } catch (error) {
    const isRefusal = error instanceof SluiceError && error.code !== 'internal';
    if (isRefusal) return null;
    throw error;
  }
}

function manualAction(experiment: Experiment, act: Exclude<Manual, { verb: 'redesign' }>): Action {
  switch (act.verb) {
    case 'close':
      return closeAction(experiment, act.variant);
    case 'reweigh':
      return reweighAction(experiment, act);
    default: {
      const { verb, ...given } = act;
      return actionOf(experiment, verb, { reason: verb, ...given });
    }
  }
}

export function isOpen({ status }: Experiment): boolean {
  return status === 'running' || status === 'paused';
}

/** What a plan says of an experiment; null: nothing. */
export function planned(plan: TrafficPlan, { id, model }: Experiment) {
  return modelIn(plan, model)?.experiments.find((running) => running.id === id) ?? null;
}
