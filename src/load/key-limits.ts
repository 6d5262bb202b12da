/** A key that was idle may send as much at once as it may send in this time. */
const BURST_S = 1;
/** Keys that are remembered at once; who comes back after having been forgotten has a full bucket. */
const MAX_KEYS = 4_096;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket per key: so many requests per second, and a second's worth at once. */
export class KeyLimits {
  readonly #buckets = new Map<string, Bucket>();
  readonly #capacity: number;

  /** @param perSecond requests per second and key; 0: no limit */
  constructor(readonly perSecond: number) {
    this.#capacity = Math.max(1, perSecond * BURST_S);
  }

  get isOn(): boolean {
    return this.perSecond > 0;
  }

  /**
   * Takes a request out of a key's bucket.
   *
   * @param nowMs of a monotonic clock
   * @returns 0, or the whole seconds after which there is room again
   */
  take(key: string, nowMs: number): number {
    if (!this.isOn) return 0;
    const bucket = this.#buckets.get(key) ?? this.#fresh(key, nowMs);
    const earned = (this.perSecond * Math.max(0, nowMs - bucket.atMs)) / 1_000;
    bucket.tokens = Math.min(this.#capacity, bucket.tokens + earned);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / this.perSecond);
    bucket.tokens -= 1;
    return 0;
  }

  #fresh(key: string, nowMs: number): Bucket {
    // the order of a map is that of its insertions: the first is the oldest
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size >= MAX_KEYS && oldest.done !== true) this.#buckets.delete(oldest.value);
    const bucket = { tokens: this.#capacity, atMs: nowMs };
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
