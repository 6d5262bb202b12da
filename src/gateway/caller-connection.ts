import type { Socket } from 'node:net';
import { CallerRequest } from './caller-request.js';
import { CallerResponse, type ResponseTerms } from './caller-response.js';
import { MalformedRequest, RequestParser, type RequestHead } from './request-parser.js';

/** What comes in behind a request that is not answered yet is kept up to this; then the caller has to wait. */
const BEHIND_LIMIT_BYTES = 64 * 1024;
/** Bytes of a refused request that are read away to keep its connection; more end it. */
const DISCARD_LIMIT_BYTES = 1024 * 1024;
/** A caller that has its last answer may go on sending for this long: closing at once would reset what it has not read. */
const FAREWELL_MS = 2_000;

/** Limits of a connection, in milliseconds. */
export interface CallerLimits {
  /** From the opening of a connection, or the first byte of a later request, to the end of its head. */
  readonly headMs: number;
  /** From the first byte of a request to its end. */
  readonly requestMs: number;
  /** Between two requests. */
  readonly idleMs: number;
  /** Without a byte either way while a request is being answered. */
  readonly silentMs: number;
  /** Without a byte taken of an answer that is ready. */
  readonly stalledMs: number;
}

/** The server around a connection. */
export interface CallerHost {
  readonly limits: CallerLimits;
  readonly isClosing: boolean;
  readonly keepAliveLines: string;
  onRequest(request: CallerRequest, response: CallerResponse): void;
  /** Bytes that are no request; the answer to them is the last on its connection. */
  onMalformed(response: CallerResponse, error: MalformedRequest): void;
  /** A bug of ours; it costs one connection. */
  onFault(error: unknown): void;
  onGone(connection: CallerConnection): void;
}

/**
 * One connection of a caller: requests are read one at a time, the next when the last is answered. It has no timers of its
 * own: the server asks every connection now and then whether a limit is over.
 */
export class CallerConnection {
  readonly #parser = new RequestParser(this);
  readonly #onFlushed = (error?: Error | null): void => this.#flushed(error ?? null);
  readonly #onRead = (): void => this.#goOn();
  #request: CallerRequest | null = null;
  #response: CallerResponse | null = null;
  /** Came in behind a request that is not answered yet. */
  #behind: Buffer | null = null;
  /** When it became idle, or the first byte of a request came, or it began to leave (performance.now()). */
  #sinceMs: number;
  #movedBytes = 0;
  #movedMs: number;
  /** Bytes of an answer waited for the caller when it was last looked at. */
  #didWait = false;
  #hasAnswered = false;
  /** The caller may not send the body of its request before it is asked to, and then never. */
  #awaitsGoOn = false;
  /** What comes in cannot be understood any more. */
  #isBroken = false;
  #isLeaving = false;

  constructor(
    private readonly socket: Socket,
    private readonly host: CallerHost,
    nowMs: number,
  ) {
    this.#sinceMs = this.#movedMs = nowMs;
    this.#parser.begin();
    socket.on('data', (chunk: Buffer) => this.#guarded(() => this.#take(chunk)));
    socket.on('drain', () => this.#guarded(() => this.#response?.drained()));
    socket.on('end', () => this.#ended());
    socket.on('error', () => this.socket.destroy());
    socket.on('close', () => this.#guarded(() => this.#gone()));
  }

  /** True between two requests, and when the last is answered. */
  get isIdle(): boolean {
    return this.#isLeaving || this.#isBetween;
  }

  get #isBetween(): boolean {
    return this.#request === null && this.#response === null && !this.#parser.hasBegun;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Ends what takes longer than it may. */
  check(nowMs: number): void {
    this.#guarded(() => this.#check(nowMs));
  }

  #check(nowMs: number): void {
    const { headMs, requestMs, idleMs } = this.host.limits;
    const forMs = nowMs - this.#sinceMs;
    if (this.#isLeaving) {
      if (forMs > FAREWELL_MS) this.socket.end();
      if (forMs > 2 * FAREWELL_MS) this.socket.destroy();
    } else if (this.#isBetween) {
      if (forMs > (this.#hasAnswered ? idleMs : headMs)) this.socket.destroy();
    } else if (this.#response?.headersSent === true && !this.#response.isClosed) {
      this.#checkProgress(nowMs);
    } else if (this.#request === null) {
      if (forMs > headMs) this.#refuse(new MalformedRequest('a head that does not end', 408));
    } else if (!this.#request.isOver) {
      if (forMs > requestMs) this.#refuse(new MalformedRequest('a body that does not end', 408));
    } else this.#checkProgress(nowMs);
  }

  onHead(head: RequestHead): void {
    const { length, isOld } = head;
    const terms: ResponseTerms = {
      isHead: head.method === 'HEAD',
      isOld,
      keepsAlive: head.keepsAlive,
      server: this.host,
    };
    this.#request = new CallerRequest(head, this.#onRead);
    this.#response = new CallerResponse(this.socket, terms, this.#onFlushed);
    this.#awaitsGoOn = length !== 0 && !isOld && expectsGoOn(this.#request);
    // unless somebody reads the body: one that may never come, or is too long to be read away, would be taken for requests
    if (this.#awaitsGoOn || (length ?? 0) > DISCARD_LIMIT_BYTES) this.#response.closeAfterwards();
    this.host.onRequest(this.#request, this.#response);
  }

  onBody(bytes: Buffer): void {
    if (this.#awaitsGoOn) {
      // it does not wait
      this.#awaitsGoOn = false;
      if (this.#response?.headersSent === false) this.#response.keepAfterwards();
    }
    this.#request?.take(bytes);
  }

  onEnd(): void {
    this.#request?.end();
    if (this.#isLeaving) this.socket.end();
    else if (this.#response?.isClosed === true) this.#next();
  }

  #take(chunk: Buffer): void {
    if (this.#isBroken) return;
    if (this.#behind !== null) {
      this.#wait(Buffer.concat([this.#behind, chunk]));
      return;
    }
    if (this.#isBetween) this.#sinceMs = performance.now();
    try {
      const end = this.#parser.take(chunk);
      if (end < chunk.length && !this.#isLeaving) this.#wait(chunk.subarray(end));
    } catch (error) {
      if (!(error instanceof MalformedRequest)) throw error;
      this.#refuse(error);
    }
    const unread = this.#request?.unreadBytes ?? 0;
    if (unread > DISCARD_LIMIT_BYTES && this.#response?.isClosed === true) this.#leave();
  }

  /** One request at a time: what stands behind it waits. Reading goes on for a while, so that the caller's end is seen. */
  #wait(behind: Buffer): void {
    this.#behind = behind;
    if (behind.length > BEHIND_LIMIT_BYTES) this.socket.pause();
  }

  /** Somebody reads the body: a caller that waits for that may send it (RFC 9110 §10.1.1). */
  #goOn(): void {
    this.#response?.keepAfterwards();
    if (!this.#awaitsGoOn) return;
    this.#awaitsGoOn = false;
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  /** The answer has left the process. */
  #flushed(error: Error | null): void {
    const response = this.#response;
    if (error !== null) this.socket.destroy();
    if (response === null || this.socket.destroyed) return;
    this.#guarded(() => {
      response.close();
      if (!response.keepsAlive || this.#isBroken) this.#leave();
      else if (this.#request?.isOver === true) this.#next();
      else if ((this.#request?.unreadBytes ?? 0) > DISCARD_LIMIT_BYTES) this.#leave();
    });
  }

  /** A caller that ends its side waits for nothing any more but an answer that is there whole. */
  #ended(): void {
    this.#isBroken = true;
    if (this.#response?.isEnded !== true) this.socket.destroy();
  }

  #next(): void {
    this.#hasAnswered = true;
    this.#request = null;
    this.#response = null;
    this.#sinceMs = performance.now();
    this.#parser.begin();
    const behind = this.#behind;
    if (behind === null) return;
    this.#behind = null;
    this.socket.resume();
    this.#take(behind);
  }

  /** Nothing is answered any more. The caller's side stays open for a while, or it would not see the last answer. */
  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#sinceMs = performance.now();
    this.#behind = null;
    this.socket.resume();
    // nothing more comes: nothing can be reset either
    if (this.#request?.isOver === true && !this.#isBroken) this.socket.destroySoon();
    else if (this.#isBroken) this.socket.end();
  }

  #refuse(error: MalformedRequest): void {
    this.#isBroken = true;
    const known = this.#response;
    if (known?.isClosed === true) this.#leave();
    else if (known?.headersSent === true) known.closeAfterwards();
    else {
      const terms = { isHead: false, isOld: false, keepsAlive: false, server: this.host };
      const response = known ?? new CallerResponse(this.socket, terms, this.#onFlushed);
      this.#response = response;
      response.closeAfterwards();
      this.host.onMalformed(response, error);
    }
  }

  #checkProgress(nowMs: number): void {
    const { silentMs, stalledMs } = this.host.limits;
    const { bytesRead, bytesWritten, writableLength } = this.socket;
    const bytes = bytesRead + bytesWritten - writableLength;
    const waits = writableLength > 0;
    const hasBegunToWait = waits && !this.#didWait;
    this.#didWait = waits;
    if (bytes !== this.#movedBytes || hasBegunToWait) {
      this.#movedBytes = bytes;
      this.#movedMs = nowMs;
      return;
    }
    const isStalled = waits && nowMs - this.#movedMs > stalledMs;
    if (isStalled || nowMs - this.#movedMs > silentMs) this.socket.destroy();
  }

  #gone(): void {
    this.host.onGone(this);
    this.#request?.cut();
    this.#response?.close();
  }

  /** A throw in an event of a socket would end the process. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.socket.destroy();
      this.host.onFault(error);
    }
  }
}

function expectsGoOn({ headers }: CallerRequest): boolean {
  return headers.get('expect')?.toLowerCase() === '100-continue';
}
