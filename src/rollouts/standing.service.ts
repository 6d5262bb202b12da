import { Injectable } from '@nestjs/common';
import { AnalysisService } from '../analysis/analysis.service.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { ModelsService } from '../models/models.service.js';
import type { RecentDecision, Standing } from './decision.contract.js';
import { DecisionsStore } from './decisions.store.js';
import { checklist } from './policy/checklist.js';
import { decide } from './policy/decide.js';
import { policyState } from './replay.js';

/** Where experiments stand: what the policy would say now, and what was decided lately. Decides nothing. */
@Injectable()
export class StandingService {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly analysis: AnalysisService,
    private readonly models: ModelsService,
    private readonly decisions: DecisionsStore,
  ) {}

  async standing(idOrName: string): Promise<Standing> {
    const experiment = await this.experiments.get(idOrName);
    const { id, status } = experiment;
    const atMs = await this.decisions.nowMs();
    const isDecided = status !== 'running' && status !== 'paused';
    const nextAnalysisAtMs = isDecided ? null : await this.experiments.nextAnalysisAtMs(id);
    const report = isDecided ? null : await this.analysis.newest(id);
    if (report === null || report.epoch !== experiment.epoch) {
      return { status, atMs, nextAnalysisAtMs, decision: null, checklist: [] };
    }
    const { champion } = await this.models.get(experiment.model);
    const input = {
      design: report.evidence.design,
      state: policyState(experiment, 0, champion),
      assessment: report.assessment,
      nowMs: atMs,
    };
    const { kind, code, summary } = decide(input);
    const rules = checklist(input).map((outcome) => ({ ...outcome }));
    return { status, atMs, nextAnalysisAtMs, decision: { kind, code, summary }, checklist: rules };
  }

  /** The newest decisions of all experiments, newest first. */
  async recent(limit: number): Promise<readonly RecentDecision[]> {
    const decisions = await this.decisions.recent(limit);
    const names = new Map(
      (await this.experiments.list()).map(({ id, name, model }) => [id, { name, model }]),
    );
    return decisions.flatMap(({ experimentId, number, kind, automatic, actor, summary, atMs }) => {
      const known = names.get(experimentId);
      if (known === undefined) return [];
      const { name: experiment, model } = known;
      return [{ experimentId, experiment, model, number, kind, automatic, actor, summary, atMs }];
    });
  }
}
