/** Failures in a row after which a shadow is left alone: one may be chance, five are an outage. */
const FAILURES_TO_OPEN = 5;
/** How long it is left alone at first; doubles with every probe that fails too. */
const FIRST_REST_MS = 1_000;
/** A shadow that is back is copied to again within this time. */
const LONGEST_REST_MS = 16_000;

/** Leave for one copy: an ordinary one, or the single one that tries whether the shadow is back. */
export type Pass = 'ordinary' | 'probe';

/** What a result changed. */
export type BreakerChange = 'opened' | 'closed' | null;

/** Keeps copies from a shadow that does not answer. Times are milliseconds of a monotonic clock. */
export class Breaker {
  #failures = 0;
  #restMs = FIRST_REST_MS;
  /** Null while closed. */
  #openUntilMs: number | null = null;
  #isProbing = false;

  get isOpen(): boolean {
    return this.#openUntilMs !== null;
  }

  /** Whether `ask` would give none now. */
  wouldRefuse(nowMs: number): boolean {
    return this.#openUntilMs !== null && (this.#isProbing || nowMs < this.#openUntilMs);
  }

  /** Leave to send one copy now; null: none. Each pass must be given back by `report` or `abandon`. */
  ask(nowMs: number): Pass | null {
    if (this.#openUntilMs === null) return 'ordinary';
    if (this.wouldRefuse(nowMs)) return null;
    this.#isProbing = true;
    return 'probe';
  }

  /** How a copy went. Copies that were sent before the breaker opened say nothing about the shadow any more. */
  report(pass: Pass, isGood: boolean, nowMs: number): BreakerChange {
    if (pass === 'probe') return this.#probed(isGood, nowMs);
    if (this.#openUntilMs !== null) return null;
    this.#failures = isGood ? 0 : this.#failures + 1;
    if (this.#failures < FAILURES_TO_OPEN) return null;
    this.#openUntilMs = nowMs + this.#restMs;
    return 'opened';
  }

  /** A copy that was never sent tells nothing; a probe may be tried again after the same rest. */
  abandon(pass: Pass, nowMs: number): void {
    if (pass !== 'probe') return;
    this.#isProbing = false;
    this.#openUntilMs = nowMs + this.#restMs;
  }

  #probed(isGood: boolean, nowMs: number): BreakerChange {
    this.#isProbing = false;
    if (isGood) {
      this.#openUntilMs = null;
      this.#failures = 0;
      this.#restMs = FIRST_REST_MS;
      return 'closed';
    }
    this.#restMs = Math.min(LONGEST_REST_MS, 2 * this.#restMs);
    this.#openUntilMs = nowMs + this.#restMs;
    return null;
  }
}
