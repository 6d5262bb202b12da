/** A queue that does not empty for this long is overload; a shorter one is a burst, which queues are for. */
const INTERVAL_MS = 500;
/** However long turns are, the judgement rests on as many: one pause of the collector, one long job is no load. */
const MIN_TURNS = 3;
/** Turns that are remembered: an interval of those that the sampler takes while nothing waits, and some more. */
const REMEMBERED = 64;
/** Share of a turn in the average … */
const WEIGHT = 0.1;
/** … in which a longer one, such as the pause of the whole process, counts as one of this length. */
const LONGEST_MS = 400;

/**
 * How long work waits in this process, by how long the turns of its event loop are: what arrives now is taken up with
 * the next turn at the earliest. The standing wait is the shortest turn of the last interval, as in CoDel (Nichols and
 * Jacobson 2012, "Controlling Queue Delay", ACM Queue 10(5); RFC 8289): a burst lets it be, a queue that stands raises
 * it, and the first short turn ends it. Times are milliseconds of a monotonic clock.
 */
export class LoadGauge {
  readonly #atMs = new Float64Array(REMEMBERED);
  readonly #turnMs = new Float64Array(REMEMBERED);
  #turns = 0;
  #averageMs = 0;
  #standingMs = 0;

  /** Wait that stood through the last 500 ms; 0 before three turns were seen. */
  get standingMs(): number {
    return this.#standingMs;
  }

  /** Of about the last ten turns. */
  get averageMs(): number {
    return this.#averageMs;
  }

  /** Takes in one turn, over at `nowMs`. */
  turned(ms: number, nowMs: number): void {
    this.#averageMs += WEIGHT * (Math.min(ms, LONGEST_MS) - this.#averageMs);
    const at = this.#turns % REMEMBERED;
    this.#atMs[at] = nowMs;
    this.#turnMs[at] = ms;
    this.#turns += 1;
    this.#standingMs = this.#shortest(nowMs - INTERVAL_MS);
  }

  #shortest(sinceMs: number): number {
    if (this.#turns < MIN_TURNS) return 0;
    const known = Math.min(this.#turns, REMEMBERED);
    let shortest = Infinity;
    for (let back = 1; back <= known; back += 1) {
      const at = (this.#turns - back) % REMEMBERED;
      if (back > MIN_TURNS && (this.#atMs[at] ?? 0) < sinceMs) break;
      shortest = Math.min(shortest, this.#turnMs[at] ?? 0);
    }
    return shortest;
  }
}
