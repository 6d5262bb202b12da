import type { FrozenDesign, Phase } from '../experiments/experiment.js';
import type { MetricCell, UnitCell } from '../metrics/metric.js';
import type { PairedCells } from '../metrics/paired.js';
import type { HoldoutEvidence } from './holdout/holdout-evidence.js';
import type { LimitLooks } from './limit-looks.js';
import type { GroupSequentialLook, Interval, TestResult } from '../statistics/assessment.js';

/**
 * The snapshot that one analysis is computed from. Nothing else enters a report, so a stored snapshot is enough
 * to compute it again to the last digit.
 */
export interface Evidence {
  readonly experimentId: string;
  readonly epoch: number;
  readonly design: FrozenDesign;
  readonly designHash: string;
  readonly phases: readonly Phase[];
  readonly unitCells: readonly UnitCell[];
  readonly metricCells: readonly MetricCell[];
  /** Events that gateways could not write down since the start. */
  readonly droppedEvents: number;
  /** False while events that had arrived were not yet rolled up. */
  readonly caughtUp: boolean;
  /** Time of the newest event in the evidence; null before the first. */
  readonly watermarkMs: number | null;
  /** What the looks before this one had established. */
  readonly previous: readonly RunningResult[];
  readonly previousSampleRatioPValue: number;
  /** Counts at earlier looks, for limits; absent before the second look, and in evidence of releases before. */
  readonly limitLooks?: readonly LimitLooks[];
  /** `shadow` only; `unitCells` and `metricCells` are empty then. */
  readonly paired?: PairedEvidence;
  /** `holdout` only. */
  readonly holdout?: HoldoutEvidence;
}

/** The sums over the pairs of a shadow. */
export interface PairedEvidence extends PairedCells {
  /** Number of the report: together with the experiment the seed of its permutations. */
  readonly look: number;
}

/** Running intersection and running minimum of one metric of one variant. */
export interface RunningResult {
  readonly metric: string;
  readonly variant: string;
  readonly interval: Interval | null;
  /** True once the intersection of the intervals was empty: the data contradict one fixed effect. */
  readonly empty: boolean;
  readonly pValue: number | null;
  /** Looks of a group-sequential test, oldest first. */
  readonly looks: readonly GroupSequentialLook[];
  /** The outcome of a fixed test, which is made once; null before, and for every other method. */
  readonly verdict: Verdict | null;
}

export interface Verdict {
  readonly superiority: TestResult | null;
  readonly nonInferiority: TestResult | null;
}

/**
 * True when units were enrolled in a phase that began after the experiment was read: the experiment went on meanwhile,
 * and a snapshot of both would contradict itself.
 */
export function isTorn(
  phases: readonly Phase[],
  cells: { readonly unitCells: readonly UnitCell[]; readonly metricCells: readonly MetricCell[] },
): boolean {
  const known = new Set(phases.map(({ phase }) => phase));
  return [...cells.unitCells, ...cells.metricCells].some(({ phase }) => !known.has(phase));
}
