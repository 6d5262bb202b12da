import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AnalysisService } from '../analysis/analysis.service.js';
import type { Report } from '../analysis/report.js';
import type { Experiment } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { type Lease, LeasesService } from '../experiments/leases.service.js';
import { nextStatusByPolicy } from '../experiments/life-cycle.js';
import { invariant } from '../kernel/assert.js';
import { SluiceError } from '../kernel/errors.js';
import { actionOfDecision, changeOf } from './change.js';
import { ExecutorService, type DecisionRecord } from './executor.service.js';
import { MAX_FAILED_ANALYSES } from './policy/decide.js';
import { POLICY_VERSION } from './policy/policy.js';
import { reasonsOf } from './replay.js';
import type { StoredDecision } from './stored-decision.js';
import { type Verdict, VerdictService } from './verdict.service.js';

/** The actor of automatic decisions. */
const POLICY_ACTOR = 'sluice';

/**
 * One turn of the loop for one leased experiment: evidence → report → decision → effects. A turn that fails
 * changes nothing but the count of failures; a turn that lost its lease changes nothing at all.
 */
@Injectable()
export class EvaluationService {
  private readonly logger = new Logger(EvaluationService.name);

  constructor(
    private readonly experiments: ExperimentsService,
    private readonly leases: LeasesService,
    private readonly analysis: AnalysisService,
    private readonly verdicts: VerdictService,
    private readonly executor: ExecutorService,
  ) {}

  /** Evaluates and releases the lease. Returns the time until the next turn; null when the experiment has ended. */
  async evaluate(lease: Lease): Promise<number | null> {
    const experiment = await this.experiments.get(lease.experimentId);
    const intervalMs = experiment.design?.analysis.intervalMs ?? 60_000;
    let failure: string | null = null;
    try {
      const report = await this.analysis.run(experiment);
      await this.conclude(lease, experiment, report);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'conflict') {
        this.logger.warn(`${experiment.name}: ${error.message}; this turn is dropped`);
      } else {
        failure = error instanceof Error ? error.message : String(error);
        await this.concludeFailure(lease, experiment, failure);
      }
    }
    await this.leases.release(lease, intervalMs, failure);
    const after = await this.experiments.get(lease.experimentId);
    return after.status === 'running' || after.status === 'paused' ? intervalMs : null;
  }

  /**
   * Decides on a report, asks the gates, and carries the verdict out in one transaction, fenced by lease and
   * revision: what was decided holds for this very state or not at all.
   */
  private async conclude(lease: Lease, experiment: Experiment, report: Report): Promise<void> {
    const verdict = await this.verdicts.onReport(experiment, report);
    await this.carryOut(lease, experiment, verdict);
  }

  private async concludeFailure(
    lease: Lease,
    experiment: Experiment,
    failure: string,
  ): Promise<void> {
    this.logger.error(`${experiment.name}: analysis failed: ${failure}`);
    const failures = experiment.failedAnalyses + 1;
    if (failures < MAX_FAILED_ANALYSES) return;
    try {
      const verdict = await this.verdicts.onFailure(experiment, failures);
      if (verdict !== null) await this.carryOut(lease, experiment, verdict);
    } catch (error) {
      // The database is what failed, most likely: the failure is counted with the lease, or by the next turn.
      this.logger.error(
        `${experiment.name}: the failure could not be written down: ${String(error)}`,
      );
    }
  }

  private async carryOut(
    lease: Lease,
    decidedOn: Experiment,
    verdict: Verdict,
  ): Promise<StoredDecision | null> {
    const isAdvance = verdict.decision.kind === 'advance';
    const next = isAdvance ? await this.executor.prepareNext(decidedOn) : null;
    return this.executor.decideInTransaction(async (tx, nowMs) => {
      const experiment = await this.fenced(tx, lease, decidedOn);
      const { decision, inputs, reportNumber } = verdict;
      if (!(await this.verdicts.isNews(tx, experiment.id, decision))) return null;
      const allowed = nextStatusByPolicy(experiment.status, decision.kind).kind === 'allowed';
      invariant(allowed, `${decision.kind} is not possible while ${experiment.status}`);
      const change = changeOf(experiment, actionOfDecision(decision), nowMs);
      const record: DecisionRecord = {
        kind: decision.kind,
        automatic: true,
        actor: POLICY_ACTOR,
        summary: decision.summary,
        reasons: reasonsOf(decision),
        inputs,
        policyVersion: POLICY_VERSION,
        reportNumber,
        atMs: nowMs,
        ...(next === null ? {} : { next }),
      };
      return this.executor.apply(tx, experiment, change, record).catch(refusedEffect);
    });
  }

  /** The locked row, if this worker still holds the lease and nobody changed the experiment since the analysis. */
  private async fenced(tx: EntityManager, lease: Lease, analysed: Experiment): Promise<Experiment> {
    await this.leases.check(tx, lease);
    const current = await this.experiments.lock(tx, lease.experimentId);
    if (current.revision === analysed.revision) return current;
    throw new SluiceError('conflict', 'the experiment changed while it was analysed');
  }
}

/**
 * A verdict whose effects are refused would be refused at every turn, so it counts as a failure that people are told.
 * Only a champion that changed since the verdict is for the next turn, which sees it.
 */
function refusedEffect(error: unknown): never {
  if (!(error instanceof SluiceError) || error.code !== 'conflict') throw error;
  if (error.defects.some(({ field }) => field === 'champion')) throw error;
  throw new Error(`what was decided cannot be carried out: ${error.message}`, { cause: error });
}
