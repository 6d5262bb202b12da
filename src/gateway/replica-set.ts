import { invariant } from '../kernel/assert.js';
import {
  ejectionLimit,
  isPanic,
  Outlier,
  OUTLIER_DEFAULTS,
  type EjectionReason,
  type OutlierSettings,
} from './outlier.js';

/**
 * Calls of one version under way at once in one gateway process, unless its `maxConcurrency` says otherwise. As many
 * as connections to one origin: more would only wait in our memory for a connection. A process answers some thousand
 * requests per second, so a version has 512 under way when each takes 100 ms or more.
 */
export const DEFAULT_MAX_CONCURRENCY = 512;

/** Where the choice of replicas begins; any number but 0 will do, one that is the same everywhere can be repeated. */
const SEED = 0x9e3779b9;

/** One URL of a version, taken apart. */
export interface ReplicaAddress {
  readonly url: string;
  readonly origin: string;
  /** Path of the URL without a trailing slash: '' for a bare origin. */
  readonly basePath: string;
}

/** One URL of a version, and what this gateway knows of it. */
export class Replica {
  inFlight = 0;
  readonly outlier: Outlier;
  /** Ejections so far, by reason. */
  readonly ejections: Record<EjectionReason, number> = {
    consecutive_5xx: 0,
    consecutive_gateway_failure: 0,
  };

  constructor(
    readonly address: ReplicaAddress,
    settings: OutlierSettings,
  ) {
    this.outlier = new Outlier(settings);
  }
}

/** A change of who is in service, for the log. */
export type ReplicaChange =
  | {
      readonly kind: 'ejected';
      readonly replica: Replica;
      readonly reason: EjectionReason;
      readonly restMs: number;
    }
  | { readonly kind: 'returned'; readonly replica: Replica };

/** What a set of replicas is told from outside. */
export interface ReplicaSurroundings {
  readonly settings: OutlierSettings;
  /** Milliseconds of a monotonic clock; asked at ejections only. */
  readonly nowMs: () => number;
  readonly onChange: (change: ReplicaChange) => void;
}

const ALONE: ReplicaSurroundings = {
  settings: OUTLIER_DEFAULTS,
  nowMs: () => performance.now(),
  onChange: () => undefined,
};

/**
 * The replicas of one version: which of them answers a call, and how many calls may be under way. It lives as long as
 * its version is in the plan, so that a new plan forgets neither calls under way nor ejections. Every call that
 * `acquire` lets in must be given back by one `release`.
 */
export class ReplicaSet {
  #inFlight = 0;
  #maxConcurrency = DEFAULT_MAX_CONCURRENCY;
  #all: readonly Replica[] = [];
  /** Those that are called: all but the ejected ones, or all in a panic. */
  #called: readonly Replica[] = [];
  #random = SEED;
  #copies = 0;

  constructor(private readonly around: ReplicaSurroundings = ALONE) {}

  get replicas(): readonly Replica[] {
    return this.#all;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get maxConcurrency(): number {
    return this.#maxConcurrency;
  }

  /** True: `acquire` would let nobody in. */
  get isFull(): boolean {
    return this.#inFlight >= this.#maxConcurrency;
  }

  /** Takes on the addresses of a plan, at least one; replicas that stay keep their state. */
  follow(addresses: readonly ReplicaAddress[], maxConcurrency: number): void {
    const known = new Map(this.#all.map((replica) => [replica.address.url, replica]));
    this.#all = addresses.map(
      (address) => known.get(address.url) ?? new Replica(address, this.around.settings),
    );
    this.#maxConcurrency = maxConcurrency;
    this.#withinLimit();
    this.#choose();
  }

  /**
   * The replica that answers the next call: of two drawn at random the one with fewer calls under way, which keeps the
   * longest queue exponentially shorter than a blind draw (Mitzenmacher 2001, "The Power of Two Choices in Randomized
   * Load Balancing"). Null when the version has as many calls under way as it may have.
   *
   * @param avoid a replica that has just failed: another one is taken if there is one
   */
  acquire(avoid: Replica | null): Replica | null {
    if (this.isFull) return null;
    const replica = this.#draw(avoid);
    invariant(replica !== undefined, 'a version has at least one replica');
    this.#inFlight += 1;
    replica.inFlight += 1;
    return replica;
  }

  /**
   * The end of a call.
   *
   * @param status as for `Outlier.answered`; 0: the caller left before the replica said anything
   */
  release(replica: Replica, status: number): void {
    this.#inFlight -= 1;
    replica.inFlight -= 1;
    if (status === 0) return;
    const reason = replica.outlier.answered(status);
    if (reason !== null) this.#eject(replica, reason);
  }

  /** Where the next copy for a shadow goes: in turn. Copies have a cap of their own and say nothing about replicas. */
  nextForCopy(): ReplicaAddress {
    this.#copies = (this.#copies + 1) % this.#called.length;
    const replica = this.#called[this.#copies];
    invariant(replica !== undefined, 'a version has at least one replica');
    return replica.address;
  }

  /** Lets replicas back in whose time is over. */
  sweep(nowMs: number): void {
    let returned = false;
    for (const replica of this.#all) {
      if (!replica.outlier.sweep(nowMs)) continue;
      returned = true;
      this.around.onChange({ kind: 'returned', replica });
    }
    if (returned) this.#choose();
  }

  #draw(avoid: Replica | null): Replica | undefined {
    const called = this.#called;
    const count = called.length;
    if (count < 2) return called[0];
    const at = this.#next() % count;
    const first = called[at];
    if (first === undefined) return undefined;
    const second = called[(at + 1 + (this.#next() % (count - 1))) % count];
    if (second === undefined || second === avoid) return first;
    return first === avoid || second.inFlight < first.inFlight ? second : first;
  }

  /** Marsaglia's xorshift32 (2003): a whole number in [1, 2^32), without allocating. */
  #next(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x >>> 0;
    return this.#random;
  }

  #eject(replica: Replica, reason: EjectionReason): void {
    const { settings, nowMs, onChange } = this.around;
    // gone from the plan while it was called
    if (!this.#all.includes(replica)) return;
    if (this.#ejected >= ejectionLimit(this.#all.length, settings)) return;
    const restMs = replica.outlier.eject(nowMs());
    replica.ejections[reason] += 1;
    this.#choose();
    onChange({ kind: 'ejected', replica, reason, restMs });
  }

  /** With fewer replicas fewer may be out of service. */
  #withinLimit(): void {
    const limit = ejectionLimit(this.#all.length, this.around.settings);
    for (const replica of this.#all) {
      if (this.#ejected <= limit) return;
      if (replica.outlier.isEjected) replica.outlier.readmit();
    }
  }

  get #ejected(): number {
    return this.#all.reduce((count, { outlier }) => count + Number(outlier.isEjected), 0);
  }

  #choose(): void {
    const inService = this.#all.filter(({ outlier }) => !outlier.isEjected);
    const ejected = this.#all.length - inService.length;
    this.#called = isPanic(this.#all.length, ejected, this.around.settings) ? this.#all : inService;
  }
}
