import { isName, MessageParser, type Framing } from './message-parser.js';

/** Longest head of an answer; requests may have 16 KiB, and answers may set cookies. */
const MAX_HEAD_BYTES = 32 * 1024;
const CR = 0x0d;

/** Who is told what an answer consists of; after `onEnd` nothing comes until the next request. */
export interface AnswerSink {
  /** @param rawHeaders name, value, name, value … as received, values trimmed; bytes as Latin-1 */
  onHead(status: number, rawHeaders: string[]): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
}

/** An answer that is no HTTP/1.1: the connection cannot be trusted any more. */
export class MalformedAnswer extends Error {
  readonly code = 'SLUICE_MALFORMED_ANSWER';

  constructor(what: string) {
    super(`the upstream's answer has ${what}`);
  }
}

/** Parses the answers of one connection, one request at a time. */
export class AnswerParser extends MessageParser {
  #isHeadRequest = false;
  #mayReuse = false;
  /** Seconds of a Keep-Alive hint; null: none. */
  #keepAliveSeconds: number | null = null;

  constructor(private readonly sink: AnswerSink) {
    super(MAX_HEAD_BYTES, false);
  }

  /** False once the connection must not carry another request. */
  get mayReuse(): boolean {
    return this.#mayReuse;
  }

  /** For how many seconds the server said that it keeps an idle connection; null: it did not. */
  get keepAliveSeconds(): number | null {
    return this.#keepAliveSeconds;
  }

  /** A request is written, and its answer is what comes next. */
  begin(method: string): void {
    this.expect();
    this.#isHeadRequest = method === 'HEAD';
    // Some servers send a body after HEAD all the same, and it may come late: as the answer to the next request.
    this.#mayReuse = method !== 'HEAD';
  }

  /** @throws MalformedAnswer */
  take(chunk: Buffer): void {
    if (this.state === 'idle') throw this.malformed('bytes that no request asked for');
    this.read(chunk);
  }

  /** The connection has ended; false: in the middle of an answer. */
  finish(): boolean {
    this.#mayReuse = false;
    if (this.state !== 'until_close') return false;
    this.over(true);
    return true;
  }

  protected onHeadText(text: string, isLast: boolean): void {
    const framing: Framing = { chunked: false, length: null, close: false, keepAlive: false };
    const rawHeaders = this.headers(text, framing);
    const status = this.#statusOf(text);
    if (status === 101) throw this.malformed('a switch of protocols');
    // RFC 9110 §15.2: interim answers; the final one follows.
    if (status < 200) return;
    const isOld = text.charCodeAt(7) === 0x30;
    if (framing.close || (isOld && !framing.keepAlive)) this.#mayReuse = false;
    this.#keepAliveSeconds = keepAliveIn(rawHeaders);
    const isWhole = this.#frameBody(status, framing);
    // In one piece with what follows: the sink may then send head and body in one write.
    this.sink.onHead(status, rawHeaders);
    if (isWhole) this.over(isLast);
  }

  protected onBytes(bytes: Buffer): void {
    this.sink.onBody(bytes);
  }

  /** What stands behind the answer would be read as the answer to the next request. */
  protected onOver(isLast: boolean): void {
    if (!isLast) this.#mayReuse = false;
    this.sink.onEnd();
  }

  protected malformed(what: string): MalformedAnswer {
    return new MalformedAnswer(what);
  }

  protected tooLong(maxBytes: number): MalformedAnswer {
    return new MalformedAnswer(`a head of more than ${maxBytes} bytes`);
  }

  /** True: there is no body. */
  #frameBody(status: number, { chunked, length }: Framing): boolean {
    if (this.#isHeadRequest || status === 204 || status === 304) return true;
    if (chunked) {
      this.state = 'chunk_line';
      return false;
    }
    if (length === null) {
      this.#mayReuse = false;
      this.state = 'until_close';
      return false;
    }
    this.left = length;
    this.state = 'sized';
    return length === 0;
  }

  /** `HTTP/1.1 200 OK`; the reason is not looked at. */
  #statusOf(text: string): number {
    const minor = text.charCodeAt(7);
    const behind = text.charCodeAt(12);
    const isHttp =
      text.startsWith('HTTP/1.') && (minor === 0x30 || minor === 0x31) && text[8] === ' ';
    const status = Number(text.slice(9, 12));
    const isEnded = Number.isNaN(behind) || behind === 0x20 || behind === CR;
    if (!isHttp || !isEnded || !(status >= 100 && status <= 999)) {
      throw this.malformed('a status line that is not of HTTP/1.1');
    }
    return status;
  }
}

function keepAliveIn(rawHeaders: readonly string[]): number | null {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length !== 10 || !isName(name, 'keep-alive')) continue;
    const seconds = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(rawHeaders[i + 1] ?? '')?.[1];
    return seconds === undefined ? null : Number(seconds);
  }
  return null;
}
