import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { SluiceError } from '../kernel/errors.js';
import { BatchSizes } from './batch-size.js';
import { type PairedCells, whyNotPaired } from './paired.js';
import { compilePairs, type CompiledPairs } from './paired-sql.js';
import { type NewPairs, PairedStore, type PairState } from './paired.store.js';
import { fingerprintOf, ROLLUP_LIMITS } from './rollup.js';
import type { RollupLimits, RollupTarget } from './rollup.js';
import { inStoreTransaction } from './store-transaction.js';

export interface PairProgress {
  /** New mirrored requests and outcomes read in this call. */
  readonly mirrors: number;
  readonly outcomes: number;
  /** Units computed again; a unit counts once per batch that touched it. */
  readonly touchedUnits: number;
  /** False: a limit was reached; call again. */
  readonly caughtUp: boolean;
  /** Time of the newest mirrored request that was taken in; null before the first. */
  readonly watermarkMs: number | null;
}

interface Work {
  readonly target: RollupTarget;
  readonly fingerprint: string;
  /** Null when no metric can be paired: copies are counted all the same. */
  readonly compiled: CompiledPairs | null;
  readonly limits: RollupLimits;
}

interface Batch {
  readonly mirrors: number;
  readonly outcomes: number;
  readonly touchedUnits: number;
  readonly watermarkMs: number | null;
  readonly more: boolean;
}

const NO_LABELS: NewPairs = { read: 0, x: null, id: null, atMs: null, units: [] };

/**
 * Keeps the sums over the pairs of a shadow experiment up to date. What a unit contributes is always computed from all
 * its pairs and their labels, so late, repeated and reordered events end in the same state. Metrics that have no pairs
 * (`whyNotPaired`) are left out.
 */
@Injectable()
export class PairedService {
  private readonly sizes = new BatchSizes();

  constructor(private readonly database: Database) {}

  /** Takes in new mirrored requests and labels, batch by batch, until nothing is new or a limit is reached. */
  async takeIn(target: RollupTarget, limits?: Partial<RollupLimits>): Promise<PairProgress> {
    const metrics = target.metrics.filter((metric) => whyNotPaired(metric) === null);
    const work: Work = {
      target,
      fingerprint: fingerprintOf(target),
      compiled: metrics.length === 0 ? null : compilePairs(metrics, target.model),
      limits: { ...ROLLUP_LIMITS, ...limits },
    };
    let progress: PairProgress = {
      ...{ mirrors: 0, outcomes: 0, touchedUnits: 0 },
      ...{ caughtUp: false, watermarkMs: null },
    };
    for (let batch = 0; batch < work.limits.maxBatches && !progress.caughtUp; batch += 1) {
      const done = await this.sizes.run(target.experimentId, work.limits.batchRows, (batchRows) => {
        const limited = { ...work, limits: { ...work.limits, batchRows } };
        return this.inTransaction(limited.limits, 'write', (store) => runBatch(store, limited));
      });
      progress = {
        mirrors: progress.mirrors + done.mirrors,
        outcomes: progress.outcomes + done.outcomes,
        touchedUnits: progress.touchedUnits + done.touchedUnits,
        caughtUp: !done.more,
        watermarkMs: done.watermarkMs,
      };
    }
    return progress;
  }

  /** Throws away what was kept and computes everything from the raw events: a check of `takeIn`. */
  async recompute(target: RollupTarget, limits?: Partial<RollupLimits>): Promise<PairProgress> {
    await this.inTransaction({ ...ROLLUP_LIMITS, ...limits }, 'write', async (store) => {
      await store.lock(target.experimentId);
      await store.clear(target.experimentId);
    });
    return this.takeIn(target, limits);
  }

  /**
   * The sums as of the last `takeIn`.
   *
   * @throws SluiceError `conflict` when they were computed for another epoch or other definitions
   */
  async cells(target: RollupTarget): Promise<PairedCells> {
    const { experimentId } = target;
    return this.inTransaction(ROLLUP_LIMITS, 'read', async (store) => {
      const state = await store.state(experimentId);
      if (state.fingerprint !== null && state.fingerprint !== fingerprintOf(target)) {
        throw stale(target, state);
      }
      const { counts, units, latency } = await store.counts(experimentId);
      const cells = await store.cells(experimentId);
      return { counts, units, cells, outputs: await store.outputs(experimentId), latency };
    });
  }

  private inTransaction<T>(
    limits: RollupLimits,
    access: 'read' | 'write',
    work: (store: PairedStore) => Promise<T>,
  ): Promise<T> {
    return inStoreTransaction(
      this.database,
      (client) => new PairedStore(client, limits),
      (store) => store.begin(access),
      work,
    );
  }
}

function stale(target: RollupTarget, state: PairState): SluiceError {
  return new SluiceError('conflict', 'the pairs belong to another epoch or other definitions', [
    {
      field: 'epoch',
      given: target.epoch,
      expected: `epoch ${String(state.epoch)} and the definitions they were summed with`,
      advice: 'take in the pairs of this target first; an older epoch cannot be taken in again',
    },
  ]);
}

/** Where to read from; starts afresh when the rows kept were computed for something else. */
async function openState(store: PairedStore, work: Work): Promise<PairState> {
  const { experimentId, epoch } = work.target;
  const state = await store.state(experimentId);
  if (state.fingerprint === work.fingerprint) return state;
  // a caller with an old epoch must not undo the work of the current one
  if (state.epoch !== null && state.epoch > epoch) throw stale(work.target, state);
  if (state.epoch !== null) await store.clear(experimentId);
  await store.start(work.target, work.fingerprint, state.horizon);
  return store.state(experimentId);
}

async function runBatch(store: PairedStore, work: Work): Promise<Batch> {
  const { target, compiled, limits } = work;
  await store.lock(target.experimentId);
  const state = await openState(store, work);
  const { horizon } = state;
  const mirrors = await store.takeMirrors(target, state);
  const names = compiled?.labels ?? [];
  const labels = names.length === 0 ? NO_LABELS : await store.newLabels(target, state, names);
  const units = [...new Set([...mirrors.units, ...labels.units])];
  if (units.length > 0) {
    await store.putUnits(target, units, horizon, compiled?.outputs ?? []);
    if (compiled !== null) await store.putValues(target, units, horizon, compiled);
  }
  await store.advance(target.experimentId, mirrors, labels);
  const after = await store.state(target.experimentId);
  return {
    mirrors: mirrors.read,
    outcomes: labels.read,
    touchedUnits: units.length,
    watermarkMs: after.watermarkMs,
    more: Math.max(mirrors.read, labels.read) >= limits.batchRows,
  };
}
