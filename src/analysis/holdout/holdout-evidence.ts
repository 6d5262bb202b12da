import type { Phase } from '../../experiments/experiment.js';
import type { PeriodCells } from '../../metrics/metric.js';
import type { Period } from '../../metrics/period-sql.js';
import type { Promotion } from '../../statistics/assessment.js';

/** What the analysis of a holdout looks at besides the cells of its entry periods. */
export interface HoldoutEvidence {
  readonly share: number;
  readonly version: string;
  readonly promotions: readonly Promotion[];
  /** Oldest first, one per phase. */
  readonly periods: readonly PeriodEvidence[];
}

export interface PeriodEvidence extends Period, PeriodCells {
  /** When its events were read. */
  readonly readAtMs: number;
  readonly isFinal: boolean;
  readonly isWhole: boolean;
}

/** A period that goes on is read again this often in its length: the events of all its units are read each time. */
const READS_PER_PERIOD = 100;

/** The periods of an experiment: each ends where the next one begins. */
export function periodsOf(phases: readonly Phase[]): readonly Period[] {
  return phases.map(({ phase, startedAtMs }, index) => ({
    phase,
    startedAtMs,
    endedAtMs: phases[index + 1]?.startedAtMs ?? null,
  }));
}

/**
 * Whether the events of a period have to be read (again): when it has never been read, when it has ended since, and a
 * hundred times in its length until nothing can change it any more.
 *
 * @param last what was read before; of a period that was too large nothing, which is tried again like anything else
 */
export function isDue(
  period: Period,
  last: PeriodEvidence | undefined,
  { nowMs, periodMs }: { readonly nowMs: number; readonly periodMs: number },
): boolean {
  if (last === undefined) return true;
  if (last.isFinal) return false;
  if (last.endedAtMs !== period.endedAtMs) return true;
  return nowMs - last.readAtMs >= periodMs / READS_PER_PERIOD;
}

/**
 * Whether outcomes that are still to come are none of a period's: it has ended, and every window that was open at its
 * end has closed. Labels without a window are waited for during one more period.
 */
export function isFinal(
  { endedAtMs }: Period,
  {
    nowMs,
    periodMs,
    windowsMs,
  }: {
    readonly nowMs: number;
    readonly periodMs: number;
    readonly windowsMs: readonly (number | null)[];
  },
): boolean {
  if (endedAtMs === null) return false;
  const longestMs = Math.max(...windowsMs.map((windowMs) => windowMs ?? periodMs), periodMs);
  return nowMs >= endedAtMs + longestMs;
}
