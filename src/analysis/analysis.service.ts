import { Inject, Injectable } from '@nestjs/common';
import { EventsService } from '../events/events.service.js';
import { epochStartOf, type Experiment } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { type Clock, systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { canonicalJson } from '../kernel/json.js';
import type { QuantileCell } from '../metrics/metric.js';
import { type RollupTarget, RollupService } from '../metrics/rollup.service.js';
import { assess, runningResults } from './assess.js';
import type { Evidence } from './evidence.js';
import type { Report, ReportView } from './report.js';
import { bayesianFigures } from './bayes.js';
import { type PathPoint, pathPointOf } from './path.js';
import { ReportsStore } from './reports.store.js';
import { notStarted, targetOf } from './target.js';

/** Batches rolled up in one turn; a longer backlog is worked off over several turns, which hold meanwhile. */
const MAX_BATCHES_PER_TURN = 40;

/** Injection token of the clock, so that tests can move time. */
export const CLOCK = Symbol('CLOCK');

/** Due → evidence → statistics → report. */
@Injectable()
export class AnalysisService {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly rollup: RollupService,
    private readonly events: EventsService,
    private readonly reports: ReportsStore,
    @Inject(CLOCK) private readonly clock: Clock = systemClock,
  ) {}

  /** Analyses a started experiment. Without new evidence the last report stands and none is added. */
  async run(experiment: Experiment): Promise<Report> {
    const last = await this.reports.latest(experiment.id);
    const evidence = await this.gather(experiment, last);
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

  private async gather(experiment: Experiment, last: Report | null): Promise<Evidence> {
    const { design, designHash, rollout } = experiment;
    const startedAtMs = epochStartOf(experiment);
    if (design === null || designHash === null || rollout === null || startedAtMs === null) {
      throw new SluiceError('internal', `${experiment.name} is analysed before its start`);
    }
    const target = targetOf(experiment, design);
    const progress = await this.catchUp(target);
    const cells = await this.rollup.cells(target);
    const droppedEvents = await this.events.gapsBetween(startedAtMs, this.clock.nowMs());
    const continues = last?.epoch === experiment.epoch ? last : null;
    return {
      experimentId: experiment.id,
      epoch: experiment.epoch,
      design,
      designHash,
      phases: rollout.phases,
      unitCells: cells.unitCells,
      metricCells: cells.metricCells,
      droppedEvents,
      caughtUp: progress.caughtUp,
      watermarkMs: progress.watermarkMs ?? continues?.evidence.watermarkMs ?? null,
      previous: continues === null ? [] : runningResults(continues.assessment, continues.evidence),
      previousSampleRatioPValue: continues?.assessment.quality.sampleRatio.runningPValue ?? 1,
    };
  }

  private async catchUp(
    target: RollupTarget,
  ): Promise<{ readonly caughtUp: boolean; readonly watermarkMs: number | null }> {
    let watermarkMs: number | null = null;
    for (let batch = 0; batch < MAX_BATCHES_PER_TURN; batch += 1) {
      const progress = await this.rollup.rollUp(target);
      watermarkMs = progress.watermarkMs ?? watermarkMs;
      if (progress.caughtUp) return { caughtUp: true, watermarkMs };
    }
    return { caughtUp: false, watermarkMs };
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
  // a fixed test waits for its minimum runtime in the time of the data, also while no arm changes
  const isFixed = evidence.design.analysis.method === 'fixed';
  return isFixed ? { ...data, watermarkMs: evidence.watermarkMs } : data;
}
