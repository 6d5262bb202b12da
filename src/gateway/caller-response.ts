import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { isName } from './message-parser.js';

/** Up to this length a piece is one text and one write with what stands before it; above it copying costs more. */
const ONE_WRITE_BYTES = 16 * 1024;
/** What could end a line, or cannot be written as one byte (RFC 9110 §5.5). */
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const UNWRITABLE = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;
const LAST_CHUNK = '0\r\n\r\n';
const NOTHING = Buffer.alloc(0);

/** What a response has to know of its request and its server. */
export interface ResponseTerms {
  /** The answer to HEAD has a head only. */
  readonly isHead: boolean;
  /** HTTP/1.0 knows no chunks. */
  readonly isOld: boolean;
  /** Whether the caller would send another request on this connection. */
  readonly keepsAlive: boolean;
  readonly server: {
    /** Answers end their connections while the server stops. */
    readonly isClosing: boolean;
    /** The header lines that tell how long an idle connection is kept. */
    readonly keepAliveLines: string;
  };
}

/**
 * The answer to one request, written straight to the socket. After its last byte, or when the connection is gone, every
 * listener of `onClose` runs once.
 */
export class CallerResponse {
  #head: string | null = null;
  #isFlowing = false;
  #isEnded = false;
  #isClosed = false;
  #isChunked = false;
  #hasBody = true;
  #keepsAlive: boolean;
  readonly #onClose: (() => void)[] = [];
  #onDrain: (() => void) | null = null;

  /** @param flushed runs when the last byte has left the process */
  constructor(
    private readonly socket: Socket,
    private readonly terms: ResponseTerms,
    private readonly flushed: (error?: Error | null) => void,
  ) {
    this.#keepsAlive = terms.keepsAlive;
  }

  /** The answer to HEAD has a head only. */
  get isHead(): boolean {
    return this.terms.isHead;
  }

  /** True once bytes of the answer went out. */
  get headersSent(): boolean {
    return this.#isFlowing;
  }

  /** True once nothing can be sent any more: it is over, or its caller is gone. */
  get destroyed(): boolean {
    return this.#isClosed || this.socket.destroyed;
  }

  /** True once the answer is out, or can never be. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Final once the head went out. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /** The connection ends with this answer. */
  closeAfterwards(): void {
    this.#keepsAlive = false;
  }

  /** Takes `closeAfterwards` back: what made it necessary is over. */
  keepAfterwards(): void {
    this.#keepsAlive = this.terms.keepsAlive;
  }

  /** Runs when the answer is out whole, or can never be. */
  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }

  /** Runs once when the caller has taken what was written. */
  onceDrained(listener: () => void): void {
    this.#onDrain = listener;
  }

  /**
   * The head, which goes out with the first bytes of the body.
   *
   * @param rawHeaders name, value, name, value …; names as tokens; without a Content-Length the body goes out in chunks
   * @throws TypeError if a value cannot be written
   */
  writeHead(status: number, rawHeaders: readonly string[]): void {
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
    let hasLength = false;
    let hasDate = false;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? '';
      const value = rawHeaders[i + 1] ?? '';
      if (name.length === 14 && isName(name, 'content-length')) hasLength = true;
      else if (name.length === 4 && isName(name, 'date')) hasDate = true;
      // RFC 9110 §8.6
      if (status === 204 && hasLength && name.length === 14) continue;
      if (UNWRITABLE.test(value)) throw new TypeError(`the value of ${name} cannot be written`);
      head += `${name}: ${value}\r\n`;
    }
    if (!hasDate) head += dateLine();
    this.#hasBody = !this.terms.isHead && status !== 204 && status !== 304;
    if (this.#hasBody && !hasLength) {
      this.#isChunked = !this.terms.isOld;
      if (this.#isChunked) head += 'transfer-encoding: chunked\r\n';
      else this.#keepsAlive = false;
    }
    this.#head = head;
  }

  /** Sends the head now, before there is a body. */
  flushHeaders(): void {
    if (!this.destroyed && this.#head !== null) this.socket.write(this.#takeHead(), 'latin1');
  }

  /** @returns false: the caller reads slowly, wait for `onceDrained` */
  write(bytes: Buffer): boolean {
    if (this.destroyed || this.#isEnded) return true;
    return this.#hasBody && bytes.length > 0 ? this.#piece(bytes, '', null) : true;
  }

  /** @param body the whole body, or its last piece */
  end(body: Buffer | null = null): void {
    if (this.destroyed || this.#isEnded) return;
    this.#isEnded = true;
    const end = this.#isChunked ? LAST_CHUNK : '';
    if (this.#hasBody && body !== null && body.length > 0) {
      this.#piece(body, end, this.flushed);
      return;
    }
    const text = this.#takeHead() + end;
    if (text === '') this.socket.write(NOTHING, this.flushed);
    else this.socket.write(text, 'latin1', this.flushed);
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.socket.destroy();
  }

  /** For the connection: what was written is taken. */
  drained(): void {
    const listener = this.#onDrain;
    this.#onDrain = null;
    listener?.();
  }

  /** For the connection: the answer is out, or can never be. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const listener of this.#onClose) listener();
  }

  /** Head if it is still there, piece, and what ends the body. */
  #piece(bytes: Buffer, end: string, done: ((error?: Error | null) => void) | null): boolean {
    const size = this.#isChunked ? `${bytes.length.toString(16)}\r\n` : '';
    const before = this.#takeHead() + size;
    const behind = (this.#isChunked ? '\r\n' : '') + end;
    const told = done ?? undefined;
    if (bytes.length <= ONE_WRITE_BYTES) {
      // Latin-1 maps every byte to one character and back.
      return this.socket.write(before + bytes.toString('latin1') + behind, 'latin1', told);
    }
    this.socket.cork();
    if (before !== '') this.socket.write(before, 'latin1');
    let mayGoOn = this.socket.write(bytes, behind === '' ? told : undefined);
    if (behind !== '') mayGoOn = this.socket.write(behind, 'latin1', told);
    this.socket.uncork();
    return mayGoOn;
  }

  /** Empty once it went out. */
  #takeHead(): string {
    const head = this.#head;
    if (head === null) return '';
    this.#head = null;
    this.#isFlowing = true;
    const { server } = this.terms;
    if (server.isClosing) this.#keepsAlive = false;
    return head + (this.#keepsAlive ? server.keepAliveLines : 'connection: close\r\n') + '\r\n';
  }
}

let dateSecond = -1;
let dateText = '';

/** RFC 9110 §6.6.1; one text per second. */
function dateLine(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = `date: ${new Date(second * 1_000).toUTCString()}\r\n`;
  }
  return dateText;
}
