/** While the queue stands, the share falls by this factor … */
const DECREASE = 0.8;
/** … this often: in a second to a tenth, so that tenfold load is over within about that time. */
const DECREASE_EVERY_MS = 100;
/** When it does not, the share rises by this much … */
const INCREASE = 0.1;
/** … this often: everybody is let in again two seconds after the load is over. */
const INCREASE_EVERY_MS = 200;
/** Some are always let in: what is refused tells nothing about whether there is room again. */
const LEAST = 0.05;

/**
 * The share of predictions that are let in while the event loop cannot follow: falls by a factor, rises by steps, as
 * TCP does it, because that settles near what can be done (Chiu and Jain 1989, "Analysis of the Increase and Decrease
 * Algorithms for Congestion Avoidance"). Times are milliseconds of a monotonic clock.
 */
export class AdmittedShare {
  #share = 1;
  #changedMs = -Infinity;
  #credit = 0;

  /** In [0.05, 1]. */
  get value(): number {
    return this.#share;
  }

  /** Takes in whether the queue stands at `nowMs`. */
  observe(isStanding: boolean, nowMs: number): void {
    const sinceMs = nowMs - this.#changedMs;
    if (isStanding && sinceMs >= DECREASE_EVERY_MS) {
      this.#share = Math.max(LEAST, this.#share * DECREASE);
      this.#changedMs = nowMs;
    } else if (!isStanding && this.#share < 1 && sinceMs >= INCREASE_EVERY_MS) {
      this.#share = Math.min(1, this.#share + INCREASE);
      this.#changedMs = nowMs;
    }
  }

  /** Whether the next one is let in: evenly spaced, without chance. */
  admits(): boolean {
    if (this.#share === 1) return true;
    this.#credit += this.#share;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }
}
