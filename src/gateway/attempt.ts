import type { Dispatcher } from 'undici';
import type { LiveVersion } from './live-plan.js';
import type { Replica } from './replica-set.js';
import type { Failure } from './retry.js';

/** Bytes of an unwanted answer that are read to keep its connection; a longer one costs the connection. */
const DISCARD_LIMIT_BYTES = 64 * 1024;

/** What an attempt tells its exchange. After `onFailure` or `onEnd` it says nothing more. */
export interface AttemptListener {
  onHead(attempt: Attempt, status: number, rawHeaders: readonly (Buffer | string)[]): void;
  /** False: do not send more until `resume`. */
  onData(attempt: Attempt, chunk: Buffer): boolean;
  onEnd(attempt: Attempt): void;
  onFailure(attempt: Attempt, failure: Failure): void;
}

type State = 'open' | 'discarding' | 'over';

/** One call of one version: undici's handler, with a deadline and at most one end. */
export class Attempt implements Dispatcher.DispatchHandler {
  #state: State = 'open';
  #controller: Dispatcher.DispatchController | null = null;
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
    timeoutMs: number,
  ) {
    this.#deadline = setTimeout(() => {
      this.#expire(timeoutMs);
    }, timeoutMs);
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
    this.#controller?.abort(new Error('the gateway gave this call up'));
  }

  resume(): void {
    this.#controller?.resume();
  }

  /** For a call that could not even be handed to undici. */
  fail(error: Error): void {
    this.onResponseError(this.#controller, error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: throwing here ends the request before anything is written.
    if (this.#state === 'over') throw new Error('the gateway gave this call up');
    this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#state !== 'open' || status < 200) return;
    this.#status = status;
    this.listener.onHead(this, status, (controller.rawHeaders ?? []) as (Buffer | string)[]);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === 'open') {
      if (!this.listener.onData(this, chunk)) controller.pause();
      return;
    }
    this.#discarded += chunk.length;
    if (this.#state === 'discarding' && this.#discarded > DISCARD_LIMIT_BYTES) this.abort();
  }

  onResponseEnd(): void {
    const wanted = this.#state === 'open';
    this.#close(this.#status);
    if (wanted) this.listener.onEnd(this);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const wanted = this.#state === 'open';
    const timedOut = 'code' in error && error.code === 'UND_ERR_BODY_TIMEOUT';
    this.#close(timedOut ? 504 : 502);
    if (!wanted) return;
    const sent = this.#controller !== null;
    const kind = timedOut ? 'timeout' : sent ? 'broken' : 'connect';
    this.listener.onFailure(this, { kind, sent, detail: error.message || error.name });
  }

  #expire(timeoutMs: number): void {
    const wanted = this.#state === 'open';
    this.#close(504);
    this.abort();
    if (!wanted) return;
    const sent = this.#controller !== null;
    const detail = `no answer within ${timeoutMs} ms`;
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
