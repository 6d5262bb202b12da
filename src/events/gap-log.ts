/** Why events of a stretch of time were not written down. */
export type GapCause =
  'disk_full' | 'disk_error' | 'spool_full' | 'invalid_event' | 'corrupt_segment' | 'rejected_line';

/** A stretch of time in which events were lost; evidence from it is tainted. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly dropped: number;
  readonly cause: GapCause;
}

/** Drops closer together than this are one gap: a full disk must not make a gap per event. */
const JOIN_WITHIN_MS = 10_000;
/** Gaps remembered while the database is away; beyond it the newest are widened, never forgotten. */
const MAX_GAPS = 1_000;

/** Gaps that the database has not heard of yet. */
export class GapLog {
  #gaps: Gap[] = [];

  add(cause: GapCause, dropped: number, atMs: number): void {
    const index = this.#gaps.findLastIndex(
      (gap) => gap.cause === cause && atMs - gap.toMs <= JOIN_WITHIN_MS,
    );
    const found = index >= 0 ? index : this.#gaps.length >= MAX_GAPS ? this.#gaps.length - 1 : -1;
    const old = this.#gaps[found];
    if (old === undefined) {
      this.#gaps.push({ fromMs: atMs, toMs: atMs, dropped, cause });
      return;
    }
    this.#gaps[found] = {
      ...old,
      fromMs: Math.min(old.fromMs, atMs),
      toMs: Math.max(old.toMs, atMs),
      dropped: old.dropped + dropped,
    };
  }

  get size(): number {
    return this.#gaps.length;
  }

  /** Takes every gap out; what could not be stored is given back with {@link restore}. */
  take(): readonly Gap[] {
    const taken = this.#gaps;
    this.#gaps = [];
    return taken;
  }

  restore(gaps: readonly Gap[]): void {
    this.#gaps = [...gaps, ...this.#gaps];
  }
}
