import { assess, runningResults } from '../../src/analysis/assess.js';
import { type Evidence, isTorn } from '../../src/analysis/evidence.js';
import { limitLooksAfter } from '../../src/analysis/limits.js';
import { targetOf } from '../../src/analysis/target.js';
import type { Report } from '../../src/analysis/report.js';
import { epochStartOf, type Experiment } from '../../src/experiments/experiment.js';
import { canonicalJson } from '../../src/kernel/json.js';
import type { Random } from '../../src/rollouts/planning/random.js';
import { decide, MAX_FAILED_ANALYSES } from '../../src/rollouts/policy/decide.js';
import { gated, type GateAnswer, gateOf } from '../../src/rollouts/policy/gates.js';
import type { Decision } from '../../src/rollouts/policy/policy.js';
import { policyState, storedInputs } from '../../src/rollouts/replay.js';
import type { Verdict } from '../../src/rollouts/verdict.service.js';
import { isOpen, type Lease, type ModelDatabase, type Outcome } from './database.js';
import { chance } from './draw.js';

/** A decision on its way, with what it was computed from. */
export interface Concluded {
  readonly verdict: Verdict;
  /** As the policy said it, before gates. */
  readonly decision: Decision;
  readonly report: Report | null;
  readonly nowMs: number;
}

/** Where a turn stands. Anything can happen between two steps of it. */
type Turn =
  | { readonly at: 'idle' }
  | { readonly at: 'claimed'; readonly lease: Lease }
  | { readonly at: 'read'; readonly lease: Lease; readonly experiment: Experiment }
  | {
      readonly at: 'analysed';
      readonly lease: Lease;
      readonly experiment: Experiment;
      /** Null: the analysis failed. */
      readonly report: Report | null;
    }
  | {
      readonly at: 'decided';
      readonly lease: Lease;
      readonly experiment: Experiment;
      readonly concluded: Concluded;
    }
  | { readonly at: 'done'; readonly lease: Lease; readonly hasFailed: boolean };

/** What a step of a worker did, for those who check it. */
export type WorkerEvent =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'leased'; readonly lease: Lease }
  | {
      readonly kind: 'concluded';
      readonly lease: Lease;
      readonly experiment: Experiment;
      readonly concluded: Concluded;
    }
  | {
      readonly kind: 'committed';
      readonly experiment: Experiment;
      readonly concluded: Concluded;
      readonly outcome: Outcome;
    };

const NOTHING: WorkerEvent = { kind: 'nothing' };

/** How things go wrong for workers in one world. */
export interface WorkerFaults {
  readonly leaseMs: number;
  readonly failureShare: number;
  readonly backlogShare: number;
  readonly vetoShare: number;
  /** Events that gateways could not write down so far. */
  readonly dropped: () => number;
}

/** One worker process: EvaluationService cut into the steps between which it can be paused, killed or overtaken. */
export class Worker {
  isPaused = false;
  private turn: Turn = { at: 'idle' };
  private life = 0;

  constructor(
    private readonly name: string,
    private readonly database: ModelDatabase,
    private readonly faults: WorkerFaults,
    /** Of its own clock against the database's: nothing may depend on it. */
    private readonly skewMs: number,
  ) {}

  /** What it did is gone with it; its lease stays until it runs out. */
  kill(): void {
    this.turn = { at: 'idle' };
    this.life += 1;
    this.isPaused = false;
  }

  heartbeat(): void {
    if (this.isPaused || this.turn.at === 'idle') return;
    this.database.renew(this.turn.lease, this.faults.leaseMs);
  }

  /** The next step of its turn, or a new turn for one of the experiments. */
  step(random: Random, ids: readonly string[]): WorkerEvent {
    if (this.isPaused) return NOTHING;
    const { turn } = this;
    switch (turn.at) {
      case 'idle':
        return this.claim(ids);
      case 'claimed':
        this.turn = { ...turn, at: 'read', experiment: this.experimentOf(turn.lease) };
        return NOTHING;
      case 'read':
        return this.analyse(random, turn.lease, turn.experiment);
      case 'analysed':
        return this.conclude(random, turn);
      case 'decided':
        return this.commit(turn);
      case 'done':
        this.release(turn);
        return NOTHING;
    }
  }

  private claim(ids: readonly string[]): WorkerEvent {
    const { leaseMs } = this.faults;
    for (const id of ids) {
      const lease = this.database.claim(id, `${this.name}.${String(this.life)}`, leaseMs);
      if (lease === null) continue;
      this.turn = { at: 'claimed', lease };
      return { kind: 'leased', lease };
    }
    return NOTHING;
  }

  private experimentOf({ experimentId }: Lease): Experiment {
    return this.database.row(experimentId).experiment;
  }

  /** AnalysisService.run; null in the turn is a failure, a dropped turn is a conflict. */
  private analyse(random: Random, lease: Lease, experiment: Experiment): WorkerEvent {
    const hasFailed = chance(random, this.faults.failureShare) || !isOpen(experiment);
    const isCaughtUp = !chance(random, this.faults.backlogShare);
    const { rollup, reports } = this.database.row(lease.experimentId);
    if (!rollup.open(experiment.epoch)) {
      this.turn = { at: 'done', lease, hasFailed: false };
      return NOTHING;
    }
    const evidence = hasFailed ? null : this.gather(experiment, reports.at(-1), isCaughtUp);
    if (evidence !== null && isTorn(evidence.phases, evidence)) {
      this.turn = { at: 'done', lease, hasFailed: false };
      return NOTHING;
    }
    const report = evidence === null ? null : this.reportOf(experiment, reports.at(-1), evidence);
    const isNew = report !== null && report !== reports.at(-1);
    const isStored = !isNew || this.database.insertReport(report);
    this.turn = { at: 'analysed', lease, experiment, report: isStored ? report : null };
    return NOTHING;
  }

  /** The last report again when the evidence is the same, as AnalysisService does. */
  private reportOf(experiment: Experiment, last: Report | undefined, evidence: Evidence): Report {
    if (last !== undefined && dataOf(last.evidence) === dataOf(evidence)) return last;
    return {
      experimentId: experiment.id,
      number: (last?.number ?? 0) + 1,
      epoch: experiment.epoch,
      atMs: this.database.nowMs + this.skewMs,
      evidence,
      assessment: assess(evidence),
    };
  }

  private gather(experiment: Experiment, last: Report | undefined, caughtUp: boolean): Evidence {
    const { id, epoch, design, rollout } = experiment;
    if (design === null || rollout === null) throw new Error(`${id} was not started`);
    const { rollup } = this.database.row(id);
    const { metrics } = targetOf(experiment, design);
    const continues = last?.epoch === epoch ? last : null;
    const limitLooks = continues === null ? undefined : limitLooksAfter(continues.evidence);
    return {
      ...{ experimentId: id, epoch, design, designHash: 'hash', phases: rollout.phases },
      unitCells: rollup.unitCells(design),
      metricCells: rollup.metricCells(design, metrics, this.database.nowMs),
      ...(limitLooks === undefined ? {} : { limitLooks }),
      droppedEvents: this.faults.dropped(),
      caughtUp,
      watermarkMs: rollup.watermarkMs ?? continues?.evidence.watermarkMs ?? null,
      previous: continues === null ? [] : runningResults(continues.assessment, continues.evidence),
      previousSampleRatioPValue: continues?.assessment.quality.sampleRatio.runningPValue ?? 1,
    };
  }

  /** VerdictService: the policy on the state that was analysed, by the database's clock; then the gates. */
  private conclude(random: Random, turn: Extract<Turn, { at: 'analysed' }>): WorkerEvent {
    const { lease, experiment, report } = turn;
    const { design } = experiment;
    const failures = report === null ? experiment.failedAnalyses + 1 : 0;
    const isSilent = report === null && failures < MAX_FAILED_ANALYSES;
    if (design === null || isSilent || epochStartOf(experiment) === null || !isOpen(experiment)) {
      this.turn = { at: 'done', lease, hasFailed: report === null };
      return NOTHING;
    }
    const { nowMs } = this.database;
    const champion = this.database.champion(experiment.model);
    const state =
      report === null
        ? policyState(experiment, failures)
        : policyState(experiment, failures, champion);
    const decision = decide({ design, state, assessment: report?.assessment ?? null, nowMs });
    const answers = this.askGates(random, decision);
    const inputs = storedInputs({ state, nowMs, report, answers });
    const verdict = {
      decision: gated(decision, answers),
      inputs,
      reportNumber: report?.number ?? null,
    };
    const concluded: Concluded = { verdict, decision, report, nowMs };
    this.turn = { at: 'decided', lease, experiment, concluded };
    return { kind: 'concluded', lease, experiment, concluded };
  }

  private askGates(random: Random, decision: Decision): readonly GateAnswer[] {
    const kind = gateOf(decision);
    if (kind === null || !chance(random, this.faults.vetoShare)) return [];
    const answer = chance(random, 0.5) ? 'vetoed' : chance(random, 0.5) ? 'unreachable' : 'allowed';
    return [{ gate: 'people', kind, answer, reason: 'a test' }];
  }

  private commit({ lease, experiment, concluded }: Extract<Turn, { at: 'decided' }>): WorkerEvent {
    const outcome = this.database.decide(lease, experiment, concluded.verdict);
    this.turn = { at: 'done', lease, hasFailed: concluded.report === null };
    return { kind: 'committed', experiment, concluded, outcome };
  }

  private release({ lease, hasFailed }: Extract<Turn, { at: 'done' }>): void {
    const intervalMs = this.experimentOf(lease).design?.analysis.intervalMs ?? 60_000;
    this.database.release(lease, intervalMs, hasFailed);
    this.turn = { at: 'idle' };
  }
}

/** What tells evidence from the same evidence; running results follow from it. */
function dataOf(evidence: Evidence): string {
  const { epoch, phases, unitCells, metricCells, droppedEvents, caughtUp, watermarkMs } = evidence;
  const isFixed = evidence.design.analysis.method === 'fixed';
  const time = isFixed ? { watermarkMs } : {};
  return canonicalJson({
    epoch,
    phases,
    unitCells,
    metricCells,
    droppedEvents,
    caughtUp,
    ...time,
  });
}
