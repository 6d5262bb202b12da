import type { Socket } from 'node:net';
import { AnswerParser, type AnswerSink } from './answer-parser.js';
import {
  SILENT_UPSTREAM,
  type UpstreamExchange,
  type UpstreamHandler,
  type UpstreamRequest,
} from './upstream-call.js';

/** Silence in the middle of a streamed answer after which the upstream is taken for dead. */
const STREAM_IDLE_MS = 120_000;
/** Up to this length head and body are one string and one write; above it copying costs more than a second piece. */
const ONE_WRITE_BYTES = 16 * 1024;
/** Methods whose empty body is announced (RFC 9110 §8.6). */
const HAS_CONTENT = new Set(['POST', 'PUT', 'PATCH']);

/** What a connection tells the pool that opened it. */
export interface ConnectionOwner {
  /** Its answer is over, and it may carry another request. */
  freed(connection: UpstreamConnection): void;
  /** It carries nothing any more. */
  gone(connection: UpstreamConnection): void;
}

/** One HTTP/1.1 connection to an upstream: one request at a time, written in one piece, its answer read strictly. */
export class UpstreamConnection implements AnswerSink, UpstreamExchange {
  readonly openedMs: number;
  /** When its last answer ended (performance.now()). */
  idleSinceMs: number;
  readonly #parser = new AnswerParser(this);
  #handler: UpstreamHandler | null = null;
  #hasHead = false;
  #isPaused = false;
  #isGone = false;

  /** @param socket connected, TLS included */
  constructor(
    private readonly socket: Socket,
    private readonly host: string,
    private readonly owner: ConnectionOwner,
    nowMs: number,
  ) {
    this.openedMs = this.idleSinceMs = nowMs;
    socket.setTimeout(STREAM_IDLE_MS);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the upstream closed the connection')));
    socket.on('timeout', () => this.#silent());
  }

  /** Seconds for which the server said that it keeps an idle connection; null: it did not. */
  get keepAliveSeconds(): number | null {
    return this.#parser.keepAliveSeconds;
  }

  /** Sends a request that is still wanted. */
  send(request: UpstreamRequest, handler: UpstreamHandler): void {
    this.#handler = handler;
    this.#hasHead = false;
    this.#parser.begin(request.method);
    handler.onStart(this);
    this.#write(request);
  }

  /** Ends an idle connection, or one whose exchange nobody wants. */
  destroy(): void {
    this.#handler = null;
    this.#leave();
  }

  abort(): void {
    if (this.#handler !== null) this.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.socket.resume();
  }

  onHead(status: number, rawHeaders: string[]): void {
    this.#hasHead = true;
    this.#handler?.onHead(status, rawHeaders);
  }

  onBody(bytes: Buffer): void {
    this.#handler?.onData(bytes);
  }

  onEnd(): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.#handler = null;
    // Answered before the request was out: what is still written would be read as the next request.
    const mayReuse = this.#parser.mayReuse && this.socket.writableLength === 0 && !this.#isGone;
    if (mayReuse) {
      if (this.#isPaused) this.resume();
      this.owner.freed(this);
    } else this.#leave();
    handler.onEnd();
  }

  #write({ method, path, headerLines, body }: UpstreamRequest): void {
    const start = `${method} ${path} HTTP/1.1\r\nhost: ${this.host}\r\nconnection: keep-alive\r\n${headerLines}`;
    if (body === null) {
      this.socket.write(start + (HAS_CONTENT.has(method) ? NO_CONTENT : '\r\n'), 'latin1');
      return;
    }
    const head = `${start}content-length: ${body.length}\r\n\r\n`;
    if (body.length <= ONE_WRITE_BYTES) {
      // Latin-1 maps every byte to one character and back.
      this.socket.write(head + body.toString('latin1'), 'latin1');
      return;
    }
    this.socket.cork();
    this.socket.write(head, 'latin1');
    this.socket.write(body);
    this.socket.uncork();
  }

  #take(chunk: Buffer): void {
    try {
      this.#parser.take(chunk);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #ended(): void {
    try {
      if (this.#handler !== null && this.#parser.finish()) return;
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.fail(new Error('the upstream closed the connection'));
  }

  #silent(): void {
    // Before the answer begins the attempt's own deadline counts; a caller who reads slowly is no fault of the upstream.
    if (this.#handler !== null && (!this.#hasHead || this.#isPaused)) return;
    const error = new Error(`the upstream was silent for ${STREAM_IDLE_MS} ms`);
    this.fail(Object.assign(error, { code: SILENT_UPSTREAM }));
  }

  /** Ends the connection; whoever waits for an answer hears why. */
  fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#leave();
    handler?.onError(error);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.socket.destroy();
    this.owner.gone(this);
  }
}

const NO_CONTENT = 'content-length: 0\r\n\r\n';
