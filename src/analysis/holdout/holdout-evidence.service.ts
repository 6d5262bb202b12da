import { Inject, Injectable } from '@nestjs/common';
import { epochStartOf, type Experiment } from '../../experiments/experiment.js';
import { type Clock, systemClock } from '../../kernel/clock.js';
import { SluiceError } from '../../kernel/errors.js';
import type { Period } from '../../metrics/period-sql.js';
import { type RollupTarget, RollupService } from '../../metrics/rollup.service.js';
import { ModelsService } from '../../models/models.service.js';
import { CLOCK } from '../clock.js';
import {
  type HoldoutEvidence,
  isDue,
  isFinal,
  type PeriodEvidence,
  periodsOf,
} from './holdout-evidence.js';

/** What a holdout shows period by period, and which champions it is compared with. */
@Injectable()
export class HoldoutEvidenceService {
  constructor(
    private readonly rollup: RollupService,
    private readonly models: ModelsService,
    @Inject(CLOCK) private readonly clock: Clock = systemClock,
  ) {}

  /**
   * @param last the snapshot before, of the same epoch; periods that nothing can change any more are taken from it
   * @throws SluiceError `conflict` when the holdout was released meanwhile
   */
  async gather(
    experiment: Experiment,
    target: RollupTarget,
    last: HoldoutEvidence | undefined,
  ): Promise<HoldoutEvidence> {
    const { model, design, rollout } = experiment;
    const { holdout } = await this.models.get(model);
    const startedAtMs = epochStartOf(experiment);
    if (holdout === undefined || rollout === null || startedAtMs === null) {
      throw new SluiceError('conflict', `the holdout of ${model} was released`);
    }
    const periodMs = design?.periodMs ?? Infinity;
    const nowMs = this.clock.nowMs();
    const periods: PeriodEvidence[] = [];
    for (const period of periodsOf(rollout.phases)) {
      const known = last?.periods.find(({ phase }) => phase === period.phase);
      if (known !== undefined && !isDue(period, known, { nowMs, periodMs })) periods.push(known);
      else periods.push(await this.read(target, period, { nowMs, periodMs }));
    }
    const promotions = await this.models.championChanges(model, startedAtMs);
    return { share: holdout.share, version: holdout.version, promotions, periods };
  }

  private async read(
    target: RollupTarget,
    period: Period,
    { nowMs, periodMs }: { readonly nowMs: number; readonly periodMs: number },
  ): Promise<PeriodEvidence> {
    const windowsMs = target.metrics.map(({ windowMs }) => windowMs);
    const read = { ...period, readAtMs: nowMs };
    try {
      const cells = await this.rollup.period(target, period);
      const final = isFinal(period, { nowMs, periodMs, windowsMs });
      return { ...read, ...cells, isFinal: final, isWhole: true };
    } catch (error) {
      // one period that is too large must not take the cumulative lift away
      if (!(error instanceof SluiceError) || error.code !== 'too_large') throw error;
      return { ...read, unitCells: [], metricCells: [], isFinal: false, isWhole: false };
    }
  }
}
