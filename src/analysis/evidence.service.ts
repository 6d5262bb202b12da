import { Inject, Injectable } from '@nestjs/common';
import { EventsService } from '../events/events.service.js';
import { epochStartOf, type Experiment } from '../experiments/experiment.js';
import { type Clock, systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { PairedService } from '../metrics/paired.service.js';
import { type RollupTarget, RollupService } from '../metrics/rollup.service.js';
import { runningResults } from './assess.js';
import { CLOCK } from './clock.js';
import { type Evidence, isTorn } from './evidence.js';
import { HoldoutEvidenceService } from './holdout/holdout-evidence.service.js';
import { limitLooksAfter } from './limits.js';
import type { Report } from './report.js';
import { targetOf } from './target.js';

/** Batches taken in in one turn; a longer backlog is worked off over several turns, which hold meanwhile. */
const MAX_BATCHES_PER_TURN = 40;

interface CaughtUp {
  readonly caughtUp: boolean;
  readonly watermarkMs: number | null;
}

/** Takes in what is new and makes the snapshot that an analysis is computed from. */
@Injectable()
export class EvidenceService {
  constructor(
    private readonly rollup: RollupService,
    private readonly pairs: PairedService,
    private readonly events: EventsService,
    private readonly holdouts: HoldoutEvidenceService,
    @Inject(CLOCK) private readonly clock: Clock = systemClock,
  ) {}

  /** @param last the report before; results of its looks are continued while the epoch is the same */
  async gather(experiment: Experiment, last: Report | null): Promise<Evidence> {
    const { design, designHash, rollout } = experiment;
    const startedAtMs = epochStartOf(experiment);
    if (design === null || designHash === null || rollout === null || startedAtMs === null) {
      throw new SluiceError('internal', `${experiment.name} is analysed before its start`);
    }
    const target = targetOf(experiment, design);
    const isShadow = design.kind === 'shadow';
    const progress = await catchUp(() =>
      isShadow ? this.pairs.takeIn(target) : this.rollup.rollUp(target),
    );
    const data = isShadow
      ? await this.pairsOf(target, (last?.number ?? 0) + 1)
      : await this.rollup.cells(target);
    if (isTorn(rollout.phases, data)) throw wentOn(experiment);
    const droppedEvents = await this.events.gapsBetween(startedAtMs, this.clock.nowMs());
    const continues = last?.epoch === experiment.epoch ? last : null;
    const limitLooks =
      continues === null || isShadow ? undefined : limitLooksAfter(continues.evidence);
    const holdout =
      design.kind === 'holdout'
        ? await this.holdouts.gather(experiment, target, continues?.evidence.holdout)
        : undefined;
    return {
      experimentId: experiment.id,
      epoch: experiment.epoch,
      design,
      designHash,
      phases: rollout.phases,
      ...data,
      ...(holdout === undefined ? {} : { holdout }),
      ...(limitLooks === undefined ? {} : { limitLooks }),
      droppedEvents,
      caughtUp: progress.caughtUp,
      watermarkMs: progress.watermarkMs ?? continues?.evidence.watermarkMs ?? null,
      previous: continues === null ? [] : runningResults(continues.assessment, continues.evidence),
      previousSampleRatioPValue: continues?.assessment.quality.sampleRatio.runningPValue ?? 1,
    };
  }

  private async pairsOf(
    target: RollupTarget,
    look: number,
  ): Promise<Pick<Evidence, 'unitCells' | 'metricCells' | 'paired'>> {
    const cells = await this.pairs.cells(target);
    return { unitCells: [], metricCells: [], paired: { ...cells, look } };
  }
}

function wentOn({ name, rollout }: Experiment): SluiceError {
  return new SluiceError('conflict', `${name} went on while it was analysed`, [
    {
      field: 'phase',
      given: rollout?.phases.length ?? 0,
      expected: 'the phases that units were enrolled in',
      advice: 'read the experiment again: its next turn does',
    },
  ]);
}

async function catchUp(takeIn: () => Promise<CaughtUp>): Promise<CaughtUp> {
  let watermarkMs: number | null = null;
  for (let batch = 0; batch < MAX_BATCHES_PER_TURN; batch += 1) {
    const progress = await takeIn();
    watermarkMs = progress.watermarkMs ?? watermarkMs;
    if (progress.caughtUp) return { caughtUp: true, watermarkMs };
  }
  return { caughtUp: false, watermarkMs };
}
