const DAY_MS = 86_400_000;
/** Events of a day may carry ids of the day before, and gateways' clocks differ. */
const SLACK_DAYS = 1;

/** A running experiment that needs events of the past. */
export interface Hold {
  readonly experiment: string;
  readonly model: string;
  readonly neededFromMs: number;
}

export interface RetentionPlan {
  /** Null: everything is kept for ever. */
  readonly retentionDays: number | null;
  /** Days since 1970; partitions of earlier days go. Null: none. */
  readonly keptFromDay: number | null;
  /** The experiment that keeps older days than the setting alone would; null: none does. */
  readonly heldBy: Hold | null;
}

/**
 * The first day (since 1970) whose events are kept, today included in the count; null: all are.
 *
 * @param retentionDays at least 1, or null for ever
 */
export function earliestKeptDay(retentionDays: number | null, nowMs: number): number | null {
  return retentionDays === null ? null : Math.floor(nowMs / DAY_MS) - retentionDays + 1;
}

/** Which days may go: those older than the setting, unless a running experiment still needs them. */
export function planRetention(
  retentionDays: number | null,
  holds: readonly Hold[],
  nowMs: number,
): RetentionPlan {
  const wanted = earliestKeptDay(retentionDays, nowMs);
  if (wanted === null) return { retentionDays, keptFromDay: null, heldBy: null };
  const oldest = holds.toSorted((a, b) => a.neededFromMs - b.neededFromMs)[0];
  const needed =
    oldest === undefined ? wanted : Math.floor(oldest.neededFromMs / DAY_MS) - SLACK_DAYS;
  return needed < wanted
    ? { retentionDays, keptFromDay: needed, heldBy: oldest ?? null }
    : { retentionDays, keptFromDay: wanted, heldBy: null };
}
