import type { buildConnector } from 'undici';
import type { MirrorDrop } from '../events/event.js';
import { Breaker, type BreakerChange, type Pass } from './mirror-breaker.js';
import { ConnectBudget, withinBudget } from './mirror-connector.js';
import { MirrorCopy, type CopyEnd, type CopyLimits } from './mirror-copy.js';
import type { UpstreamRequest } from './upstream-call.js';
import { UpstreamPool } from './upstream-pool.js';

/** Copies to one shadow under way at once, whatever a plan says: with the cap on bodies, its share of memory. */
export const MAX_IN_FLIGHT = 32;

/** How often copies without a connection look whether one may be opened. */
const RETRY_CONNECT_MS = 100;

/** One copy that is wanted. */
export interface CopyOrder {
  /** Of the replica that gets the copy. */
  readonly origin: string;
  readonly request: UpstreamRequest;
  readonly limits: CopyLimits;
  readonly maxInFlight: number;
}

interface Job extends CopyOrder {
  readonly onOver: (result: MirrorResult) => void;
  /** A copy that has not got a connection by then is dropped (performance.now()). */
  readonly untilMs: number;
}

/** The version that one shadow experiment compares, as a gateway sees it. */
export interface TargetName {
  readonly model: string;
  readonly experiment: string;
  readonly variant: string;
  readonly version: string;
}

export interface TargetStatus extends TargetName {
  readonly inFlight: number;
  /** Copies that were sent and are over. */
  readonly sent: number;
  readonly drops: Readonly<Partial<Record<MirrorDrop, number>>>;
  readonly breaker: 'closed' | 'open';
  readonly connections: number;
}

/** What happened to a request that was to be copied. */
export type MirrorResult =
  | { readonly kind: 'dropped'; readonly reason: MirrorDrop }
  | Extract<CopyEnd, { readonly kind: 'answered' | 'failed' }>;

/** One shadow version of one experiment: connections, caps and breaker of its own, shared with nobody. */
export class MirrorTarget {
  /** By origin: a version may have several replicas. */
  readonly #pools = new Map<string, UpstreamPool>();
  readonly #budget = new ConnectBudget();
  readonly #breaker = new Breaker();
  /**
   * Few and in no order. A Set would make a new table after every few copies, each table points to the next, and one dead
   * table among the old objects of the heap keeps the copies of all that follow: 7 KB per copy, until a full collection.
   */
  readonly #underWay: MirrorCopy[] = [];
  readonly #waiting: Job[] = [];
  readonly #drops: Partial<Record<MirrorDrop, number>> = {};
  #sent = 0;
  #lastFailure = '';
  #isTimed = false;
  #isOver = false;

  constructor(
    readonly name: TargetName,
    private readonly connect: buildConnector.connector,
    private readonly onBreaker: (target: MirrorTarget, change: BreakerChange) => void,
  ) {}

  /** The last failure in words, for the log. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen;
  }

  get inFlight(): number {
    return this.#underWay.length + this.#waiting.length;
  }

  get status(): TargetStatus {
    return {
      ...this.name,
      inFlight: this.inFlight,
      sent: this.#sent,
      drops: { ...this.#drops },
      breaker: this.#breaker.isOpen ? 'open' : 'closed',
      connections: this.#budget.taken,
    };
  }

  /** Why a copy would be dropped right now, so that nothing need be prepared for it; null: it would be sent. */
  refusal(maxInFlight: number): MirrorDrop | null {
    if (this.#isOver) return 'shutdown';
    if (this.inFlight >= Math.min(maxInFlight, MAX_IN_FLIGHT)) return 'in_flight';
    return this.#breaker.wouldRefuse(performance.now()) ? 'breaker' : null;
  }

  /** Sends a copy, or drops it where a cap or the breaker says so; `onOver` is called once, maybe at once. */
  send(order: CopyOrder, onOver: (result: MirrorResult) => void): void {
    const refusal = this.refusal(order.maxInFlight);
    if (refusal !== null) {
      onOver(this.drop(refusal));
      return;
    }
    const job = { ...order, onOver, untilMs: performance.now() + order.limits.timeoutMs };
    if (this.#waiting.length > 0) this.#wait(job);
    else this.#start(job);
  }

  #forgetWaiting(): void {
    this.#isOver = true;
    for (const job of this.#waiting.splice(0)) job.onOver(this.drop('shutdown'));
  }

  #start(job: Job): void {
    const pass = this.#breaker.ask(performance.now());
    if (pass === null) {
      job.onOver(this.drop('breaker'));
      return;
    }
    const copy = new MirrorCopy(job.limits, (end) => {
      this.#leave(copy);
      this.#over(job, pass, end);
    });
    this.#underWay.push(copy);
    try {
      this.#poolOf(job.origin).dispatch(job.request, copy);
    } catch (error) {
      copy.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #leave(copy: MirrorCopy): void {
    const place = this.#underWay.indexOf(copy);
    const last = this.#underWay.pop();
    if (last !== undefined && last !== copy) this.#underWay[place] = last;
  }

  /** Counts a request that is not copied. */
  drop(reason: MirrorDrop): MirrorResult {
    this.#drops[reason] = (this.#drops[reason] ?? 0) + 1;
    return { kind: 'dropped', reason };
  }

  /** Lets copies under way end and closes; for a shadow that is over. */
  async retire(): Promise<void> {
    this.#forgetWaiting();
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  /** Drops what is under way and ends every connection. */
  destroy(): void {
    this.#forgetWaiting();
    for (const copy of [...this.#underWay]) copy.drop();
    for (const pool of this.#pools.values()) pool.destroy();
  }

  #poolOf(origin: string): UpstreamPool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      // As many as copies, so that none waits for another: its latency would be that of the queue.
      pool = new UpstreamPool(origin, withinBudget(this.connect, this.#budget), MAX_IN_FLIGHT);
      this.#pools.set(origin, pool);
    }
    return pool;
  }

  #over(job: Job, pass: Pass, end: CopyEnd): void {
    const nowMs = performance.now();
    switch (end.kind) {
      case 'dropped':
        this.#breaker.abandon(pass, nowMs);
        job.onOver(this.drop('shutdown'));
        return;
      case 'no_connection':
        this.#breaker.abandon(pass, nowMs);
        this.#wait(job);
        return;
      case 'answered':
      case 'failed': {
        this.#sent += 1;
        if (end.kind === 'failed') this.#lastFailure = end.detail;
        // An answer with status 500 is an answer: evidence about the version, and no danger for the gateway.
        const change = this.#breaker.report(pass, end.kind === 'answered', nowMs);
        if (change !== null) this.onBreaker(this, change);
        job.onOver(end);
        // The client still counts the copy that is just ending as being on its connection.
        if (this.#waiting.length > 0) setImmediate(() => this.#next());
      }
    }
  }

  /** Until another copy leaves its connection, or another one may be opened; for as long as an answer may take. */
  #wait(job: Job): void {
    if (this.#isOver) {
      job.onOver(this.drop('shutdown'));
      return;
    }
    this.#waiting.push(job);
    if (this.#isTimed) return;
    this.#isTimed = true;
    setTimeout(() => {
      this.#isTimed = false;
      this.#retry();
    }, RETRY_CONNECT_MS).unref();
  }

  #next(): void {
    const job = this.#waiting.shift();
    if (job !== undefined) this.#start(job);
  }

  #retry(): void {
    const nowMs = performance.now();
    let mayStart = this.#budget.left(nowMs);
    for (const job of this.#waiting.splice(0)) {
      if (nowMs >= job.untilMs) job.onOver(this.drop('in_flight'));
      else if (mayStart-- > 0) this.#start(job);
      else this.#wait(job);
    }
  }
}
