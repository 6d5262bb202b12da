import { Pool, type buildConnector, type Dispatcher } from 'undici';
import type { MirrorDrop } from '../events/event.js';
import { Breaker, type BreakerChange, type Pass } from './mirror-breaker.js';
import { ConnectBudget, withinBudget } from './mirror-connector.js';
import { MirrorCopy, type CopyEnd, type CopyLimits } from './mirror-copy.js';
import { CONNECTION_MAX_AGE_MS, KEEP_ALIVE_MARGIN_MS, KEEP_ALIVE_MS } from './upstreams.service.js';

/** Copies to one shadow under way at once, whatever a plan says: with the cap on bodies, its share of memory. */
export const MAX_IN_FLIGHT = 32;

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
  readonly #pool: Pool;
  readonly #budget = new ConnectBudget();
  readonly #breaker = new Breaker();
  readonly #underWay = new Set<MirrorCopy>();
  readonly #drops: Partial<Record<MirrorDrop, number>> = {};
  #sent = 0;
  #lastFailure = '';

  constructor(
    readonly name: TargetName,
    readonly origin: string,
    connect: buildConnector.connector,
    private readonly onBreaker: (target: MirrorTarget, change: BreakerChange) => void,
  ) {
    this.#pool = new Pool(origin, {
      connect: withinBudget(connect, this.#budget),
      // As many as copies, so that none waits for another: its latency would be that of the queue.
      connections: MAX_IN_FLIGHT,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      clientTtl: CONNECTION_MAX_AGE_MS,
      // A copy has one deadline for everything.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** The last failure in words, for the log. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen;
  }

  get inFlight(): number {
    return this.#underWay.size;
  }

  get status(): TargetStatus {
    return {
      ...this.name,
      inFlight: this.#underWay.size,
      sent: this.#sent,
      drops: { ...this.#drops },
      breaker: this.#breaker.isOpen ? 'open' : 'closed',
      connections: this.#budget.taken,
    };
  }

  /** Sends a copy, or drops it where a cap or the breaker says so; `onOver` is called once, maybe at once. */
  send(
    options: Dispatcher.DispatchOptions,
    limits: CopyLimits & { readonly maxInFlight: number },
    onOver: (result: MirrorResult) => void,
  ): void {
    if (this.#underWay.size >= Math.min(limits.maxInFlight, MAX_IN_FLIGHT)) {
      onOver(this.drop('in_flight'));
      return;
    }
    const pass = this.#breaker.ask(performance.now());
    if (pass === null) {
      onOver(this.drop('breaker'));
      return;
    }
    const copy = new MirrorCopy(limits, (end) => {
      this.#underWay.delete(copy);
      onOver(this.#over(pass, end));
    });
    this.#underWay.add(copy);
    try {
      this.#pool.dispatch(options, copy);
    } catch (error) {
      copy.refused(error);
    }
  }

  /** Counts a request that is not copied. */
  drop(reason: MirrorDrop): MirrorResult {
    this.#drops[reason] = (this.#drops[reason] ?? 0) + 1;
    return { kind: 'dropped', reason };
  }

  /** Lets copies under way end and closes; for a shadow that is over. */
  async retire(): Promise<void> {
    // Rejects only when it was closed before: nothing to do then.
    await this.#pool.close().catch(() => undefined);
  }

  /** Drops what is under way and ends every connection. */
  destroy(): void {
    for (const copy of [...this.#underWay]) copy.drop();
    this.#pool.destroy().catch(() => undefined);
  }

  #over(pass: Pass, end: CopyEnd): MirrorResult {
    const nowMs = performance.now();
    if (end.kind === 'dropped' || end.kind === 'no_connection') {
      this.#breaker.abandon(pass, nowMs);
      return this.drop(end.kind === 'dropped' ? 'shutdown' : 'in_flight');
    }
    this.#sent += 1;
    if (end.kind === 'failed') this.#lastFailure = end.detail;
    // An answer with status 500 is an answer: evidence about the version, and no danger for the gateway.
    const change = this.#breaker.report(pass, end.kind === 'answered', nowMs);
    if (change !== null) this.onBreaker(this, change);
    return end;
  }
}
