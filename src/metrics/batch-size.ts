/** A batch that takes longer delays a decision when it has to be done again; a much shorter one is mostly round trips. */
const TARGET_MS = 1_000;
const MIN_ROWS = 50;
const FIRST_ROWS = 1_000;
const LARGEST_STEP = 4;

/** How the last batch went. */
export interface BatchRun {
  /** The most that it might read, at least 1. */
  readonly rows: number;
  /** Null: it failed, most likely because a connection broke or a deadline came before it was done. */
  readonly tookMs: number | null;
  /** It found as many rows as it might read: what it took says what so many cost. */
  readonly wasFull: boolean;
}

/**
 * The most that the next batch reads, so that it takes about a second: what a row costs depends on how many events its
 * unit has, which nobody knows before. At most four times as many or as few as the last one.
 *
 * @param maxRows a limit that holds whatever the last batch took, at least 1
 */
export function nextBatchRows({ rows, tookMs, wasFull }: BatchRun, maxRows: number): number {
  const fitting = tookMs === null ? 0 : (rows * TARGET_MS) / Math.max(1, tookMs);
  const wanted = fitting > rows && !wasFull ? rows : fitting;
  const next = Math.min(rows * LARGEST_STEP, Math.max(rows / LARGEST_STEP, wanted));
  return Math.min(maxRows, Math.max(MIN_ROWS, Math.round(next)));
}

/** How many rows the batches of each experiment read in this process. */
export class BatchSizes {
  readonly #rows = new Map<string, number>();

  /** Runs a batch of as many rows as fit; `more`: it found as many as it might read. */
  async run<T extends { readonly more: boolean }>(
    experimentId: string,
    maxRows: number,
    batch: (rows: number) => Promise<T>,
  ): Promise<T> {
    const rows = Math.min(maxRows, this.#rows.get(experimentId) ?? FIRST_ROWS);
    const sinceMs = performance.now();
    const keep = (tookMs: number | null, wasFull: boolean): void => {
      this.#rows.set(experimentId, nextBatchRows({ rows, tookMs, wasFull }, maxRows));
    };
    try {
      const done = await batch(rows);
      keep(performance.now() - sinceMs, done.more);
      return done;
    } catch (error) {
      keep(null, false);
      throw error;
    }
  }
}
