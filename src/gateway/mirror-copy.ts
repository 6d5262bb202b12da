import { answerHead } from './headers.js';
import { NO_CONNECTION } from './mirror-connector.js';
import type { UpstreamExchange, UpstreamHandler } from './upstream-call.js';

/** What one copy may cost. */
export interface CopyLimits {
  /** Until the whole answer is there: a shadow that drips bytes is as useless as a silent one. */
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
}

/** How a copy ended. `no_connection`: it was not sent, because no further connection may be opened now. */
export type CopyEnd =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly chunks: readonly Buffer[];
      readonly contentEncoding: string;
      readonly latencyMs: number;
    }
  | {
      readonly kind: 'failed';
      /** 0 when none was there. */
      readonly status: number;
      readonly timeout: boolean;
      readonly latencyMs: number;
      readonly detail: string;
    }
  | { readonly kind: 'no_connection' }
  | { readonly kind: 'dropped' };

/** One request to a shadow, bounded in time and bytes, with exactly one end. */
export class MirrorCopy implements UpstreamHandler {
  readonly #startedMs = performance.now();
  readonly #deadline: NodeJS.Timeout;
  #exchange: UpstreamExchange | null = null;
  #isOver = false;
  #status = 0;
  #contentEncoding = '';
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    private readonly limits: CopyLimits,
    private readonly onOver: (end: CopyEnd) => void,
  ) {
    this.#deadline = setTimeout(() => {
      this.#fail(`no whole answer within ${limits.timeoutMs} ms`, true);
    }, limits.timeoutMs);
    // Nothing waits for a copy, least of all the end of the process.
    this.#deadline.unref();
  }

  /** Ends it at once as dropped; the shadow sees its connection close. */
  drop(): void {
    this.#end({ kind: 'dropped' });
  }

  get isWanted(): boolean {
    return !this.#isOver;
  }

  onStart(exchange: UpstreamExchange): void {
    this.#exchange = exchange;
  }

  onHead(status: number, rawHeaders: string[]): void {
    this.#status = status;
    this.#contentEncoding = answerHead(rawHeaders).contentEncoding;
  }

  onData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.limits.maxBodyBytes) {
      this.#fail(`an answer of more than ${this.limits.maxBodyBytes} bytes`, false);
    } else this.#chunks.push(chunk);
  }

  onEnd(): void {
    this.#end({
      kind: 'answered',
      status: this.#status,
      chunks: this.#chunks,
      contentEncoding: this.#contentEncoding,
      latencyMs: this.#elapsedMs(),
    });
  }

  /** Also for a copy that could not even be handed over. */
  onError(error: Error): void {
    const code = 'code' in error ? error.code : undefined;
    if (code === NO_CONNECTION) this.#end({ kind: 'no_connection' });
    else this.#fail(error.message || error.name, code === 'UND_ERR_CONNECT_TIMEOUT');
  }

  #fail(detail: string, timeout: boolean): void {
    const latencyMs = this.#elapsedMs();
    this.#end({ kind: 'failed', status: this.#status, timeout, latencyMs, detail });
  }

  #end(end: CopyEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#chunks = [];
    // After a whole answer there is nothing to abort, and its connection serves the next copy.
    if (end.kind !== 'answered') this.#exchange?.abort();
    this.onOver(end);
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }
}
