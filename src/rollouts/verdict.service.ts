import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Report } from '../analysis/report.js';
import type { Experiment } from '../experiments/experiment.js';
import { ModelsService } from '../models/models.service.js';
import { GatesService } from '../webhooks/gates.service.js';
import { DecisionsStore } from './decisions.store.js';
import { decide } from './policy/decide.js';
import { type GateAnswer, gated, gateOf } from './policy/gates.js';
import type { Decision, PolicyState } from './policy/policy.js';
import { isSameHold, policyState, storedInputs, type StoredInputs } from './replay.js';

/** A decision that is not carried out yet, with everything it was computed from. */
export interface Verdict {
  readonly decision: Decision;
  readonly inputs: StoredInputs;
  readonly reportNumber: number | null;
}

/**
 * Asks the policy and, before more units are exposed, the gates. Nothing here is inside a transaction: whoever
 * carries a verdict out makes sure that the experiment is still the one it was computed for.
 */
@Injectable()
export class VerdictService {
  constructor(
    private readonly decisions: DecisionsStore,
    private readonly models: ModelsService,
    private readonly gates: GatesService,
  ) {}

  async onReport(experiment: Experiment, report: Report): Promise<Verdict> {
    const nowMs = await this.decisions.nowMs();
    const { champion } = await this.models.get(experiment.model);
    const state = policyState(experiment, 0, champion);
    const { design } = report.evidence;
    const decision = decide({ design, state, assessment: report.assessment, nowMs });
    const answers = await this.ask(experiment, report, decision, nowMs);
    return verdictOf(gated(decision, answers), { state, nowMs, report, answers });
  }

  /** @param failures in a row, the present one included; null: a draft has nothing to decide */
  async onFailure(experiment: Experiment, failures: number): Promise<Verdict | null> {
    const { design } = experiment;
    if (design === null) return null;
    const nowMs = await this.decisions.nowMs();
    const state = policyState(experiment, failures);
    const decision = decide({ design, state, assessment: null, nowMs });
    return verdictOf(decision, { state, nowMs, report: null, answers: [] });
  }

  /** False for a hold for the same reason as before: the log keeps changes of reason, reports keep the rest. */
  async isNews(tx: EntityManager, experimentId: string, decision: Decision): Promise<boolean> {
    return !isSameHold(await this.decisions.last(tx, experimentId), decision);
  }

  private async ask(
    experiment: Experiment,
    report: Report,
    decision: Decision,
    atMs: number,
  ): Promise<readonly GateAnswer[]> {
    const kind = gateOf(decision);
    const { id, name, model, revision } = experiment;
    // the next period of a holdout begins by the calendar and exposes nobody
    if (kind === null || experiment.kind === 'holdout') return [];
    const { code, variant, toStep, summary, trace } = decision;
    return this.gates.ask({
      kind,
      model,
      event: {
        // the same question of the same state and report has the same id
        id: `${id}-${kind}-r${revision}-n${report.number}`,
        subject: name,
        atMs,
        data: {
          experiment: name,
          experimentId: id,
          model,
          kind: decision.kind,
          code,
          variant,
          toStep,
          summary,
          reasons: { code, variant, toStep, trace },
          reportNumber: report.number,
        },
      },
    });
  }
}

function verdictOf(
  decision: Decision,
  seen: {
    readonly state: PolicyState;
    readonly nowMs: number;
    readonly report: Report | null;
    readonly answers: readonly GateAnswer[];
  },
): Verdict {
  return { decision, inputs: storedInputs(seen), reportNumber: seen.report?.number ?? null };
}
