import type { LiveVersion } from './live-plan.js';
import type { Replica } from './replica-set.js';
import type { Failure } from './retry.js';
import { SILENT_UPSTREAM, type UpstreamExchange, type UpstreamHandler } from './upstream-call.js';

/** Bytes of an unwanted answer that are read to keep its connection; a longer one costs the connection. */
const DISCARD_LIMIT_BYTES = 64 * 1024;

/** What an attempt tells its exchange. After `onFailure` or `onEnd` it says nothing more. */
export interface AttemptListener {
  onHead(attempt: Attempt, status: number, rawHeaders: readonly string[]): void;
  /** False: do not send more until `resume`. */
  onData(attempt: Attempt, chunk: Buffer): boolean;
  onEnd(attempt: Attempt): void;
  onFailure(attempt: Attempt, failure: Failure): void;
}

type State = 'open' | 'discarding' | 'over';

/** One call of one version, with a deadline and at most one end. */
export class Attempt implements UpstreamHandler {
  #state: State = 'open';
  #exchange: UpstreamExchange | null = null;
  #discarded = 0;
  readonly #deadline: NodeJS.Timeout;
  /** Of the answer; 0 until it begins. */
  #status = 0;

  /** @param timeoutMs until the answer begins to flow to the caller (see `endDeadline`) */
  constructor(
    readonly version: LiveVersion,
    /** Acquired from the version's replicas; the attempt gives it back at its end. */
    readonly replica: Replica,
    private readonly listener: AttemptListener,
    private readonly timeoutMs: number,
  ) {
    this.#deadline = setTimeout(expire, timeoutMs, this);
  }

  get isWanted(): boolean {
    return this.#state === 'open';
  }

  /** From here on only silence ends the answer: a stream may last longer than a deadline. */
  endDeadline(): void {
    clearTimeout(this.#deadline);
  }

  /** The answer is not wanted any more: reads its rest away if it is short, so that the connection lives on. */
  discard(): void {
    if (this.#state === 'open') this.#state = 'discarding';
  }

  /** Ends the call at once; the upstream sees its connection close. */
  abort(): void {
    this.#close(this.#status);
    this.#exchange?.abort();
  }

  resume(): void {
    this.#exchange?.resume();
  }

  onStart(exchange: UpstreamExchange): void {
    this.#exchange = exchange;
  }

  onHead(status: number, rawHeaders: string[]): void {
    if (this.#state !== 'open') return;
    this.#status = status;
    this.listener.onHead(this, status, rawHeaders);
  }

  onData(chunk: Buffer): void {
    if (this.#state === 'open') {
      if (!this.listener.onData(this, chunk)) this.#exchange?.pause();
      return;
    }
    this.#discarded += chunk.length;
    if (this.#state === 'discarding' && this.#discarded > DISCARD_LIMIT_BYTES) this.abort();
  }

  onEnd(): void {
    const wanted = this.#state === 'open';
    this.#close(this.#status);
    if (wanted) this.listener.onEnd(this);
  }

  /** Also for a call that could not even be handed over. */
  onError(error: Error): void {
    const wanted = this.#state === 'open';
    const timedOut = 'code' in error && error.code === SILENT_UPSTREAM;
    this.#close(timedOut ? 504 : 502);
    if (!wanted) return;
    const sent = this.#exchange !== null;
    const kind = timedOut ? 'timeout' : sent ? 'broken' : 'connect';
    this.listener.onFailure(this, { kind, sent, detail: error.message || error.name });
  }

  /** The deadline is there. */
  expire(): void {
    const wanted = this.#state === 'open';
    this.#close(504);
    this.abort();
    if (!wanted) return;
    const sent = this.#exchange !== null;
    const detail = `no answer within ${this.timeoutMs} ms`;
    this.listener.onFailure(this, { kind: 'timeout', sent, detail });
  }

  /** @param status what the replica is judged by (see `ReplicaSet.release`) */
  #close(status: number): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    clearTimeout(this.#deadline);
    this.version.replicas.release(this.replica, status);
  }
}

/** One function for all timers, instead of one made for each call. */
function expire(attempt: Attempt): void {
  attempt.expire();
}
