import type { CallerResponse } from './caller-response.js';
import { CAPTURE_LIMIT_BYTES, type KeptAnswer } from './capture.js';
import type { AnswerHead } from './headers.js';

/** Answers up to this length are sent in one piece when they are whole: status, headers and body in one write. */
const WHOLE_LIMIT_BYTES = 64 * 1024;

/**
 * The answer to the caller. A short answer of known length is held until it is whole, which also keeps the fallback
 * possible until then; anything else flows as it comes.
 */
export class Answer {
  #head: { readonly status: number; readonly headers: string[] } | null = null;
  #encoding = '';
  #isHeld = false;
  #saysLength = false;
  #chunks: Buffer[] = [];
  #kept: Buffer[] | null;
  #keptBytes = 0;
  #onFlow: (() => void) | null = null;

  /** @param keeps whether the body is kept for capture */
  constructor(
    private readonly res: CallerResponse,
    keeps: boolean,
  ) {
    this.#kept = keeps ? [] : null;
  }

  /** True once bytes have gone to the caller: then no other answer can be given. */
  get isFlowing(): boolean {
    return this.res.headersSent;
  }

  /** Status of the answer, 0 before one is known. */
  get status(): number {
    return this.#head?.status ?? 0;
  }

  get kept(): KeptAnswer {
    return { chunks: this.#kept, contentEncoding: this.#encoding };
  }

  /** Begins an answer. `onFlow` is called when its first bytes go out before it is whole. */
  begin(status: number, head: AnswerHead, own: readonly string[], onFlow: () => void): void {
    for (const part of own) head.headers.push(part);
    this.#head = { status, headers: head.headers };
    this.#encoding = head.contentEncoding;
    this.#saysLength = head.contentLength !== null;
    this.#onFlow = onFlow;
    this.#isHeld =
      head.contentLength !== null &&
      head.contentLength <= WHOLE_LIMIT_BYTES &&
      !head.contentType.startsWith('text/event-stream');
    if (!this.#isHeld) {
      // One read is handed over in one go; after it, an answer that came whole has ended already.
      queueMicrotask(() => {
        this.#flow();
      });
    }
  }

  /** Takes a piece of the body; false: the caller reads too slowly, wait for `drain`. */
  write(chunk: Buffer): boolean {
    this.#keep(chunk);
    if (this.res.destroyed) return true;
    if (this.isFlowing) return this.res.write(chunk);
    this.#chunks.push(chunk);
    return true;
  }

  end(): void {
    if (this.res.destroyed) return;
    if (this.isFlowing || this.#head === null) {
      this.res.end();
      return;
    }
    const { status, headers } = this.#head;
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const hasBody = !this.res.isHead && status !== 204 && status !== 304;
    if (!this.#saysLength && hasBody) headers.push('content-length', String(body?.length ?? 0));
    this.res.writeHead(status, headers);
    this.res.end(body);
  }

  /** Forgets an answer of which nothing went out yet, so that another one can begin. */
  drop(): void {
    this.#head = null;
    this.#isHeld = true;
    this.#chunks = [];
    this.#keptBytes = 0;
    if (this.#kept !== null) this.#kept = [];
  }

  #flow(): void {
    if (this.isFlowing || this.#isHeld || this.#head === null || this.res.destroyed) return;
    try {
      this.res.writeHead(this.#head.status, this.#head.headers);
      this.res.flushHeaders();
    } catch {
      // A head that cannot be written. There is nobody to throw to: the caller sees a broken connection.
      this.res.destroy();
      return;
    }
    for (const chunk of this.#chunks) this.res.write(chunk);
    this.#chunks = [];
    this.#onFlow?.();
  }

  #keep(chunk: Buffer): void {
    if (this.#kept === null) return;
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > CAPTURE_LIMIT_BYTES) this.#kept = null;
    else this.#kept.push(chunk);
  }
}
