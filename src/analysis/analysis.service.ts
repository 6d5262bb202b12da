import { Inject, Injectable } from '@nestjs/common';
import type { Experiment } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { type Clock, systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { canonicalJson } from '../kernel/json.js';
import type { QuantileCell } from '../metrics/metric.js';
import { RollupService } from '../metrics/rollup.service.js';
import { assess } from './assess.js';
import type { Evidence } from './evidence.js';
import { CLOCK } from './clock.js';
import { EvidenceService } from './evidence.service.js';
import type { Report, ReportView } from './report.js';
import { bayesianFigures } from './bayes.js';
import { type PathPoint, pathPointOf } from './path.js';
import { ReportsStore } from './reports.store.js';
import { notStarted, targetOf } from './target.js';

/** Due → evidence → statistics → report. */
@Injectable()
export class AnalysisService {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly evidence: EvidenceService,
    private readonly rollup: RollupService,
    private readonly reports: ReportsStore,
    @Inject(CLOCK) private readonly clock: Clock = systemClock,
  ) {}

  /** Analyses a started experiment. Without new evidence the last report stands and none is added. */
  async run(experiment: Experiment): Promise<Report> {
    const last = await this.reports.latest(experiment.id);
    const evidence = await this.evidence.gather(experiment, last);
    if (last !== null && isSameEvidence(last.evidence, evidence)) return last;
    const report: Report = {
      experimentId: experiment.id,
      number: (last?.number ?? 0) + 1,
      epoch: experiment.epoch,
      atMs: this.clock.nowMs(),
      evidence,
      assessment: assess(evidence),
    };
    await this.reports.insert(report);
    return report;
  }

  async latest(idOrName: string): Promise<ReportView> {
    const { id, name } = await this.experiments.get(idOrName);
    const report = await this.reports.latest(id);
    if (report !== null) return viewOf(report);
    throw new SluiceError('not_found', `${name} has no report yet`, [
      { expected: 'a started experiment after its first analysis' },
    ]);
  }

  /** As it was stored; null before the first. */
  newest(experimentId: string): Promise<Report | null> {
    return this.reports.latest(experimentId);
  }

  /** Number of the newest report of each experiment that has one. */
  newestNumbers(experimentIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.reports.newestNumbers(experimentIds);
  }

  /** How the figures came to be what they are: at most `points` looks, the newest among them, oldest first. */
  async path(idOrName: string, points: number): Promise<readonly PathPoint[]> {
    const { id } = await this.experiments.get(idOrName);
    return (await this.reports.thinned(id, points)).map(pathPointOf);
  }

  async list(idOrName: string, limit: number): Promise<readonly ReportView[]> {
    const { id } = await this.experiments.get(idOrName);
    return (await this.reports.list(id, limit)).map(viewOf);
  }

  /** Quantiles of the arms, for display on demand: they are ranked anew from all events. */
  async quantiles(idOrName: string): Promise<readonly QuantileCell[]> {
    const experiment = await this.experiments.get(idOrName);
    const { design } = experiment;
    if (design === null) throw notStarted(experiment);
    return this.rollup.quantiles(targetOf(experiment, design));
  }
}

function viewOf(report: Report): ReportView {
  return { ...report, display: { bayesian: bayesianFigures(report.evidence) } };
}

/** What the data say; the running results of earlier looks are left out, they follow from it. */
function isSameEvidence(last: Evidence, now: Evidence): boolean {
  return canonicalJson(dataOf(last)) === canonicalJson(dataOf(now));
}

function dataOf(evidence: Evidence): Partial<Evidence> {
  const { epoch, designHash, phases, unitCells, metricCells, droppedEvents, caughtUp } = evidence;
  const data = { epoch, designHash, phases, unitCells, metricCells, droppedEvents, caughtUp };
  if (evidence.paired !== undefined) {
    // the number of the report seeds what is drawn; it is no news by itself
    return { ...data, watermarkMs: evidence.watermarkMs, paired: { ...evidence.paired, look: 0 } };
  }
  if (evidence.holdout !== undefined) return { ...data, holdout: evidence.holdout };
  // a fixed test waits for its minimum runtime in the time of the data, also while no arm changes
  const isFixed = evidence.design.analysis.method === 'fixed';
  return isFixed ? { ...data, watermarkMs: evidence.watermarkMs } : data;
}
