/** Longest head of an answer; Node's own limit for requests is 16 KiB, and answers may set cookies. */
const MAX_HEAD_BYTES = 32 * 1024;
/** Longest line with the size of a chunk, extensions included. */
const MAX_CHUNK_LINE_BYTES = 1_024;
/** Hexadecimal digits of a chunk's size: below 2^48, so that it is an exact number. */
const MAX_CHUNK_DIGITS = 12;
const CRLF = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;

/** RFC 9110 §5.1 */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A line end that is not CRLF, or another control character than the tab: RFC 9112 §2.2 and RFC 9110 §5.5. */
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const FORBIDDEN = /\r(?!\n)|(?<!\r)\n|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const DIGITS = /^\d{1,15}$/;

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

type State =
  'idle' | 'head' | 'sized' | 'until_close' | 'chunk_line' | 'chunk_data' | 'chunk_end' | 'trailer';

/** What the head says about the rest, RFC 9112 §6.3. */
interface Framing {
  chunked: boolean;
  length: number | null;
  close: boolean;
  keepAlive: boolean;
}

/**
 * Parses the answers of one connection, one request at a time, from pieces cut anywhere. Strict where leniency has been
 * used to smuggle: bare line feeds, folded lines, two lengths, a length beside chunks, unknown codings are refused.
 * RFC 9112.
 */
export class AnswerParser {
  #state: State = 'idle';
  #isHeadRequest = false;
  #pending: Buffer = NOTHING;
  #left = 0;
  #trailerBytes = 0;
  #mayReuse = false;
  /** Seconds of a Keep-Alive hint; null: none. */
  #keepAliveSeconds: number | null = null;

  constructor(private readonly sink: AnswerSink) {}

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
    this.#state = 'head';
    this.#isHeadRequest = method === 'HEAD';
    this.#pending = NOTHING;
    // Some servers send a body after HEAD all the same, and it may come late: as the answer to the next request.
    this.#mayReuse = method !== 'HEAD';
  }

  /** @throws MalformedAnswer */
  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'idle':
          throw new MalformedAnswer('bytes that no request asked for');
        case 'head':
          at = this.#takeHead(chunk, at);
          break;
        case 'sized':
        case 'chunk_data':
          at = this.#takeData(chunk, at);
          break;
        case 'until_close':
          this.sink.onBody(at === 0 ? chunk : chunk.subarray(at));
          return;
        case 'chunk_line':
          at = this.#takeChunkLine(chunk, at);
          break;
        case 'chunk_end':
          at = this.#takeChunkEnd(chunk, at);
          break;
        case 'trailer':
          at = this.#takeTrailer(chunk, at);
          break;
      }
    }
  }

  /** The connection has ended; false: in the middle of an answer. */
  finish(): boolean {
    this.#mayReuse = false;
    if (this.#state !== 'until_close') return false;
    this.#state = 'idle';
    this.sink.onEnd();
    return true;
  }

  #takeHead(chunk: Buffer, at: number): number {
    const kept = this.#pending.length;
    const bytes = kept === 0 ? chunk : Buffer.concat([this.#pending, chunk.subarray(at)]);
    const from = kept === 0 ? at : 0;
    // The end may have begun in what came before.
    const end = bytes.indexOf(HEAD_END, kept === 0 ? at : Math.max(0, kept - 3));
    if ((end < 0 ? bytes.length : end) - from > MAX_HEAD_BYTES) {
      throw new MalformedAnswer(`a head of more than ${MAX_HEAD_BYTES} bytes`);
    }
    if (end < 0) {
      this.#pending = kept === 0 ? Buffer.from(bytes.subarray(from)) : bytes;
      return chunk.length;
    }
    this.#pending = NOTHING;
    const next = end + HEAD_END.length - (kept === 0 ? 0 : kept - at);
    this.#head(bytes.toString('latin1', from, end), next >= chunk.length);
    return this.#state === 'idle' ? chunk.length : next;
  }

  #head(text: string, isLast: boolean): void {
    if (FORBIDDEN.test(text)) throw new MalformedAnswer('a control character in its head');
    const status = statusOf(text);
    const framing: Framing = { chunked: false, length: null, close: false, keepAlive: false };
    const rawHeaders = this.#headers(text, framing);
    if (status === 101) throw new MalformedAnswer('a switch of protocols');
    // RFC 9110 §15.2: interim answers; the final one follows.
    if (status < 200) return;
    const isOld = text.charCodeAt(7) === 0x30;
    if (framing.close || (isOld && !framing.keepAlive)) this.#mayReuse = false;
    this.#state = this.#bodyState(status, framing);
    // In one piece with what follows: the sink may then send head and body in one write.
    this.sink.onHead(status, rawHeaders);
    if (this.#state === 'idle') this.#over(isLast);
  }

  #bodyState(status: number, { chunked, length }: Framing): State {
    if (chunked && length !== null) throw new MalformedAnswer('a Content-Length beside chunks');
    if (this.#isHeadRequest || status === 204 || status === 304) return 'idle';
    if (chunked) {
      this.#trailerBytes = 0;
      return 'chunk_line';
    }
    if (length === null) {
      this.#mayReuse = false;
      return 'until_close';
    }
    this.#left = length;
    return length === 0 ? 'idle' : 'sized';
  }

  #headers(text: string, framing: Framing): string[] {
    const rawHeaders: string[] = [];
    this.#keepAliveSeconds = null;
    let line = text.indexOf('\r\n');
    while (line >= 0) {
      const start = line + 2;
      line = text.indexOf('\r\n', start);
      const end = line < 0 ? text.length : line;
      const colon = text.indexOf(':', start);
      if (colon < 0 || colon > end) throw new MalformedAnswer('a header line without a colon');
      const name = text.slice(start, colon);
      if (!TOKEN.test(name)) throw new MalformedAnswer('a header name that is none');
      const value = trimmed(text, colon + 1, end);
      rawHeaders.push(name, value);
      this.#frame(name, value, framing);
    }
    return rawHeaders;
  }

  #frame(name: string, value: string, framing: Framing): void {
    switch (name.length) {
      case 10:
        if (isName(name, 'connection')) listConnection(value, framing);
        else if (isName(name, 'keep-alive')) this.#keepAliveSeconds = keepAliveOf(value);
        break;
      case 14:
        if (isName(name, 'content-length')) framing.length = lengthOf(value, framing.length);
        break;
      case 17:
        if (isName(name, 'transfer-encoding')) {
          if (framing.chunked || value.toLowerCase() !== 'chunked') {
            throw new MalformedAnswer('a Transfer-Encoding other than chunked');
          }
          framing.chunked = true;
        }
    }
  }

  #takeData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    this.sink.onBody(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.#left > 0) return end;
    if (this.#state === 'sized') return this.#over(end >= chunk.length) ? end : chunk.length;
    this.#state = 'chunk_end';
    return end;
  }

  #takeChunkEnd(chunk: Buffer, at: number): number {
    const byte = chunk[at];
    // `left` counts which of the two bytes is due: 0 CR, -1 LF.
    if (byte !== (this.#left === 0 ? CR : LF)) {
      throw new MalformedAnswer('a chunk that is longer than its size');
    }
    this.#left -= 1;
    if (this.#left === -2) {
      this.#left = 0;
      this.#state = 'chunk_line';
    }
    return at + 1;
  }

  #takeChunkLine(chunk: Buffer, at: number): number {
    const found = this.#line(chunk, at, MAX_CHUNK_LINE_BYTES, 'a chunk size');
    if (found === null) return chunk.length;
    const semicolon = found.text.indexOf(';');
    const digits = (semicolon < 0 ? found.text : found.text.slice(0, semicolon)).trimEnd();
    if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length > MAX_CHUNK_DIGITS) {
      throw new MalformedAnswer('a chunk size that is none');
    }
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk_data';
    return found.next;
  }

  /** Trailers are read and forgotten: nobody who calls through a proxy may rely on them. */
  #takeTrailer(chunk: Buffer, at: number): number {
    const found = this.#line(chunk, at, MAX_HEAD_BYTES - this.#trailerBytes, 'trailers');
    if (found === null) return chunk.length;
    this.#trailerBytes += found.text.length;
    if (found.text !== '') return found.next;
    return this.#over(found.next >= chunk.length) ? found.next : chunk.length;
  }

  /** The next line that ends with CRLF, without it; null: it is not here whole, and what is here is kept. */
  #line(
    chunk: Buffer,
    at: number,
    maxBytes: number,
    what: string,
  ): { readonly text: string; readonly next: number } | null {
    const kept = this.#pending.length;
    const bytes = kept === 0 ? chunk : Buffer.concat([this.#pending, chunk.subarray(at)]);
    const from = kept === 0 ? at : 0;
    const end = bytes.indexOf(CRLF, from);
    if ((end < 0 ? bytes.length : end) - from > maxBytes) {
      throw new MalformedAnswer(`${what} of more than ${maxBytes} bytes`);
    }
    if (end < 0) {
      this.#pending = Buffer.from(bytes.subarray(from));
      return null;
    }
    this.#pending = NOTHING;
    const text = bytes.toString('latin1', from, end);
    if (FORBIDDEN.test(text)) throw new MalformedAnswer(`a control character in ${what}`);
    return { text, next: end + CRLF.length - (kept === 0 ? 0 : kept - at) };
  }

  /** @param isLast nothing stands behind the answer; what does would be read as the answer to the next request */
  #over(isLast: boolean): boolean {
    this.#state = 'idle';
    if (!isLast) this.#mayReuse = false;
    this.sink.onEnd();
    return isLast;
  }
}

/** `HTTP/1.1 200 OK`; the reason is not looked at. */
function statusOf(text: string): number {
  const minor = text.charCodeAt(7);
  const behind = text.charCodeAt(12);
  const isHttp =
    text.startsWith('HTTP/1.') && (minor === 0x30 || minor === 0x31) && text[8] === ' ';
  const status = Number(text.slice(9, 12));
  const isEnded = Number.isNaN(behind) || behind === 0x20 || behind === CR;
  if (!isHttp || !isEnded || !(status >= 100 && status <= 999)) {
    throw new MalformedAnswer('a status line that is not of HTTP/1.1');
  }
  return status;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isName(name: string, lower: string): boolean {
  return name === lower || name.toLowerCase() === lower;
}

function lengthOf(value: string, known: number | null): number {
  if (!DIGITS.test(value) || known !== null) {
    throw new MalformedAnswer('a Content-Length that is none, or two of them');
  }
  return Number(value);
}

function listConnection(value: string, framing: Framing): void {
  for (const part of value.toLowerCase().split(',')) {
    const option = part.trim();
    if (option === 'close') framing.close = true;
    else if (option === 'keep-alive') framing.keepAlive = true;
  }
}

function keepAliveOf(value: string): number | null {
  const seconds = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(value)?.[1];
  return seconds === undefined ? null : Number(seconds);
}
