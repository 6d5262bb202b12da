import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { invariant } from '../kernel/assert.js';
import { SluiceError } from '../kernel/errors.js';
import type {
  MetricCell,
  MetricDefinition,
  PeriodCells,
  QuantileCell,
  SegmentCells,
  UnitCell,
} from './metric.js';
import type { Period } from './period-sql.js';
import { BatchSizes } from './batch-size.js';
import { compileMetrics } from './metric-sql.js';
import type { CompiledMetrics } from './metric-sql.js';
import { fingerprintOf, ROLLUP_LIMITS } from './rollup.js';
import type { RollupLimits, RollupProgress, RollupTarget } from './rollup.js';
import { QUERY_CANCELED, RollupStore } from './rollup.store.js';
import type { Cursor, NewRows, RollupState } from './rollup.store.js';
import { inStoreTransaction } from './store-transaction.js';

export type { RollupLimits, RollupProgress, RollupTarget } from './rollup.js';

interface Batch {
  readonly exposures: number;
  readonly predictions: number;
  readonly outcomes: number;
  readonly touchedUnits: number;
  readonly watermarkMs: number | null;
  readonly more: boolean;
}

interface Work {
  readonly target: RollupTarget;
  readonly fingerprint: string;
  /** Null when there is no metric: units are counted all the same. */
  readonly compiled: CompiledMetrics | null;
  readonly limits: RollupLimits;
}

/** 97.5 % of a normal distribution lie below. */
const NORMAL_975 = 1.959963984540054;
/** For a statement that reads the events of a whole experiment while somebody waits. */
const ON_DEMAND_TIMEOUT_MS = 30_000;

const NOTHING: NewRows = { read: 0, units: [], last: null };

/**
 * Keeps the sums of an experiment's arms up to date with the raw events. What a unit contributes is always
 * computed from all its raw events, so early, late, repeated and reordered events end in the same state.
 */
@Injectable()
export class RollupService {
  private readonly sizes = new BatchSizes();

  constructor(private readonly database: Database) {}

  /** Takes in new events, batch by batch, until nothing is new or a limit is reached. */
  async rollUp(target: RollupTarget, limits?: Partial<RollupLimits>): Promise<RollupProgress> {
    const summed = target.metrics.filter(({ kind }) => kind !== 'quantile');
    const work: Work = {
      target,
      fingerprint: fingerprintOf(target),
      compiled: summed.length === 0 ? null : compileMetrics(summed),
      limits: { ...ROLLUP_LIMITS, ...limits },
    };
    let progress: RollupProgress = {
      exposures: 0,
      predictions: 0,
      outcomes: 0,
      touchedUnits: 0,
      caughtUp: false,
      watermarkMs: null,
    };
    for (let batch = 0; batch < work.limits.maxBatches && !progress.caughtUp; batch += 1) {
      const done = await this.sizes.run(target.experimentId, work.limits.batchRows, (batchRows) => {
        const limited = { ...work, limits: { ...work.limits, batchRows } };
        return this.inTransaction(limited.limits, 'write', (store) => runBatch(store, limited));
      });
      progress = {
        exposures: progress.exposures + done.exposures,
        predictions: progress.predictions + done.predictions,
        outcomes: progress.outcomes + done.outcomes,
        touchedUnits: progress.touchedUnits + done.touchedUnits,
        caughtUp: !done.more,
        watermarkMs: done.watermarkMs,
      };
    }
    return progress;
  }

  /** Throws away what was kept and computes everything from the raw events: a check of `rollUp`. */
  async recompute(target: RollupTarget, limits?: Partial<RollupLimits>): Promise<RollupProgress> {
    await this.inTransaction({ ...ROLLUP_LIMITS, ...limits }, 'write', async (store) => {
      await store.lock(target.experimentId);
      await store.clear(target.experimentId);
    });
    return this.rollUp(target, limits);
  }

  /**
   * The cells as of the last rollup, ordered by metric, phase and variant.
   *
   * @throws SluiceError `conflict` when they were computed for another epoch or other definitions
   */
  async cells(
    target: RollupTarget,
  ): Promise<{ readonly metricCells: MetricCell[]; readonly unitCells: UnitCell[] }> {
    return this.inTransaction(ROLLUP_LIMITS, 'read', async (store) => {
      await refuseStale(store, target);
      return {
        metricCells: await store.metricCells(target),
        unitCells: await store.unitCells(target.experimentId),
      };
    });
  }

  /**
   * Quantiles of the arms, for the metrics of kind `quantile`; units as of the last rollup, values as of now. Read
   * from all events of the experiment: costs by events (at most 30 s per metric), so for display on demand only.
   *
   * @param z what the interval around the level is made with: 1.96 for 95 %
   * @throws SluiceError `conflict` as `cells`, `too_large` when the events cannot be read in time
   */
  async quantiles(target: RollupTarget, z = NORMAL_975): Promise<QuantileCell[]> {
    const metrics = target.metrics.filter(({ kind }) => kind === 'quantile');
    return this.onDemand(target, async (store) => {
      const cells: QuantileCell[] = [];
      for (const metric of metrics) cells.push(...(await store.quantileCells(target, metric, z)));
      return cells;
    });
  }

  /**
   * The cells of one metric by the values of a captured field of the unit's first enrolled request, as of the last
   * rollup. Reads one event per unit (at most 30 s): for display on demand only.
   *
   * @throws SluiceError as `quantiles`
   */
  async segments(
    target: RollupTarget,
    { attribute, metric }: { readonly attribute: string; readonly metric: MetricDefinition },
  ): Promise<SegmentCells[]> {
    return this.onDemand(target, (store) => store.segmentCells(target, attribute, metric));
  }

  /**
   * The cells of one period of an experiment, from the raw events of that period (at most 30 s); units as of the last
   * rollup, values as of now.
   *
   * @throws SluiceError as `quantiles`
   */
  async period(target: RollupTarget, period: Period): Promise<PeriodCells> {
    return this.onDemand(target, (store) => store.periodCells(target, period));
  }

  private async onDemand<T>(
    target: RollupTarget,
    work: (store: RollupStore) => Promise<T>,
  ): Promise<T> {
    const limits = { ...ROLLUP_LIMITS, statementTimeoutMs: ON_DEMAND_TIMEOUT_MS };
    try {
      return await this.inTransaction(limits, 'read', async (store) => {
        await refuseStale(store, target);
        return work(store);
      });
    } catch (error) {
      if ((error as { code?: unknown }).code !== QUERY_CANCELED) throw error;
      throw new SluiceError('too_large', 'too many events to read them in time', [], {
        cause: error,
      });
    }
  }

  private inTransaction<T>(
    limits: RollupLimits,
    access: 'read' | 'write',
    work: (store: RollupStore) => Promise<T>,
  ): Promise<T> {
    return inStoreTransaction(
      this.database,
      (client) => new RollupStore(client, limits),
      (store) => (access === 'read' ? store.beginSnapshot() : store.begin()),
      work,
    );
  }
}

async function refuseStale(store: RollupStore, target: RollupTarget): Promise<void> {
  const state = await store.state(target.experimentId);
  if (state.fingerprint !== null && state.fingerprint !== fingerprintOf(target)) {
    throw stale(target, state);
  }
}

function stale(target: RollupTarget, state: RollupState): SluiceError {
  return new SluiceError('conflict', 'the cells belong to another epoch or other definitions', [
    {
      field: 'epoch',
      given: target.epoch,
      expected: `epoch ${String(state.epoch)} and the definitions it was rolled up with`,
      advice: 'roll up this target first; an older epoch cannot be rolled up again',
    },
  ]);
}

/** Where to read from; starts afresh when the rows kept were computed for something else. */
async function openState(store: RollupStore, work: Work): Promise<RollupState> {
  const { experimentId, epoch } = work.target;
  const state = await store.state(experimentId);
  if (state.fingerprint === work.fingerprint) return state;
  // a caller with an old epoch must not undo the work of the current one
  if (state.epoch !== null && state.epoch > epoch) throw stale(work.target, state);
  if (state.epoch !== null) await store.clear(experimentId);
  await store.start(work.target, work.fingerprint, state.horizon);
  return store.state(experimentId);
}

function cursorOf(cursor: Cursor | undefined): Cursor {
  invariant(cursor !== undefined, 'a rollup that was started has a cursor for every stream');
  return cursor;
}

async function runBatch(store: RollupStore, work: Work): Promise<Batch> {
  const { target, compiled, limits } = work;
  const { experimentId } = target;
  await store.lock(experimentId);
  const { horizon, cursors, lacksCubes } = await openState(store, work);
  if (lacksCubes) await store.fillCubes(experimentId);
  const exposures = await store.newExposures(target, cursorOf(cursors?.exposures), horizon);
  const predictions = await store.newPredictions(target, cursorOf(cursors?.predictions), horizon);
  const names = compiled?.outcomes ?? [];
  const outcomes =
    names.length === 0
      ? NOTHING
      : await store.newOutcomes(target, cursorOf(cursors?.outcomes), { horizon, names });

  const units = [...new Set([...exposures.units, ...predictions.units, ...outcomes.units])];
  if (units.length > 0) {
    await store.putUnits(target, units, horizon);
    if (compiled !== null) await store.putValues(target, units, compiled);
  }
  const matured = await store.mature(experimentId);
  if (units.length > 0 || matured > 0) await store.sweepCells(experimentId);

  if (exposures.last !== null) await store.advance(experimentId, 'exposures', exposures.last);
  if (predictions.last !== null) await store.advance(experimentId, 'predictions', predictions.last);
  if (outcomes.last !== null) await store.advance(experimentId, 'outcomes', outcomes.last);
  const largest = Math.max(exposures.read, predictions.read, outcomes.read, matured);
  return {
    exposures: exposures.read,
    predictions: predictions.read,
    outcomes: outcomes.read,
    touchedUnits: units.length,
    watermarkMs: await store.watermarkMs(experimentId),
    more: largest >= limits.batchRows,
  };
}
