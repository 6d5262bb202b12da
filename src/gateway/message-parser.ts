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
const HEX = /^[0-9a-fA-F]+$/;
const DIGITS = /^\d{1,15}$/;

/** `idle`: nothing is expected. `head` also before its first byte. */
export type ParserState =
  'idle' | 'head' | 'sized' | 'until_close' | 'chunk_line' | 'chunk_data' | 'chunk_end' | 'trailer';

/** What a head says about the rest, RFC 9112 §6.3, and about the connection, §9.3. */
export interface Framing {
  chunked: boolean;
  length: number | null;
  close: boolean;
  keepAlive: boolean;
}

/**
 * Takes HTTP/1.1 messages out of pieces that are cut anywhere: head, body by length or in chunks, trailers. Strict where
 * leniency has been used to smuggle: bare line feeds, folded lines, two lengths, a length beside chunks, unknown codings
 * are refused. What the head means is left to those who derive from it. RFC 9112.
 */
export abstract class MessageParser {
  protected state: ParserState = 'idle';
  /** Bytes of the body, or of the chunk, that are still to come. */
  protected left = 0;
  #pending: Buffer = NOTHING;
  #trailerBytes = 0;

  /**
   * @param maxHeadBytes longest head
   * @param skipsLineEnds whether line ends before a message are ignored (RFC 9112 §2.2, of requests)
   */
  protected constructor(
    private readonly maxHeadBytes: number,
    private readonly skipsLineEnds: boolean,
  ) {}

  /** True while a message has begun: some of its bytes are here, other than a line end before it. */
  get hasBegun(): boolean {
    if (this.state !== 'head') return this.state !== 'idle';
    return this.#pending.length > 1 || (this.#pending.length === 1 && this.#pending[0] !== CR);
  }

  /** A message is what comes next. */
  protected expect(): void {
    this.state = 'head';
    this.#pending = NOTHING;
    this.#trailerBytes = 0;
  }

  /**
   * Reads until the end of the message or of the piece.
   *
   * @returns how far it read: less than the length of the piece if more stands behind the message
   */
  protected read(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      switch (this.state) {
        case 'idle':
          return at;
        case 'head':
          at = this.#readHead(chunk, at);
          break;
        case 'sized':
        case 'chunk_data':
          at = this.#readData(chunk, at);
          break;
        case 'until_close':
          this.onBytes(at === 0 ? chunk : chunk.subarray(at));
          return chunk.length;
        case 'chunk_line':
          at = this.#readChunkLine(chunk, at);
          break;
        case 'chunk_end':
          at = this.#readChunkEnd(chunk, at);
          break;
        case 'trailer':
          at = this.#readTrailer(chunk, at);
          break;
      }
    }
    return at;
  }

  /**
   * A head is here, without its last line end; sets the state that follows, or calls `over`.
   *
   * @param isLast nothing stands behind it in this piece
   */
  protected abstract onHeadText(text: string, isLast: boolean): void;
  protected abstract onBytes(bytes: Buffer): void;
  /** @param isLast nothing stands behind the message in this piece */
  protected abstract onOver(isLast: boolean): void;
  protected abstract malformed(what: string): Error;
  protected abstract tooLong(maxBytes: number): Error;

  protected over(isLast: boolean): void {
    this.state = 'idle';
    this.onOver(isLast);
  }

  /**
   * The header lines of a head, from its first line end on: name, value, name, value …, values trimmed, bytes as Latin-1.
   *
   * @param framing is filled in
   */
  protected headers(text: string, framing: Framing): string[] {
    if (FORBIDDEN.test(text)) throw this.malformed('a control character in its head');
    const rawHeaders: string[] = [];
    let line = text.indexOf('\r\n');
    while (line >= 0) {
      const start = line + 2;
      line = text.indexOf('\r\n', start);
      const end = line < 0 ? text.length : line;
      const colon = text.indexOf(':', start);
      if (colon < 0 || colon > end) throw this.malformed('a header line without a colon');
      const name = text.slice(start, colon);
      if (!TOKEN.test(name)) throw this.malformed('a header name that is none');
      const value = trimmed(text, colon + 1, end);
      rawHeaders.push(name, value);
      this.#frame(name, value, framing);
    }
    if (framing.chunked && framing.length !== null) {
      throw this.malformed('a Content-Length beside chunks');
    }
    return rawHeaders;
  }

  #frame(name: string, value: string, framing: Framing): void {
    switch (name.length) {
      case 10:
        if (isName(name, 'connection')) listConnection(value, framing);
        break;
      case 14:
        if (isName(name, 'content-length')) {
          if (!DIGITS.test(value) || framing.length !== null) {
            throw this.malformed('a Content-Length that is none, or two of them');
          }
          framing.length = Number(value);
        }
        break;
      case 17:
        if (isName(name, 'transfer-encoding')) {
          if (framing.chunked || value.toLowerCase() !== 'chunked') {
            throw this.malformed('a Transfer-Encoding other than chunked');
          }
          framing.chunked = true;
        }
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const kept = this.#pending.length;
    const bytes = kept === 0 ? chunk : Buffer.concat([this.#pending, chunk.subarray(at)]);
    let from = kept === 0 ? at : 0;
    while (this.skipsLineEnds && bytes[from] === CR && bytes[from + 1] === LF) from += 2;
    // The end may have begun in what came before.
    const end = bytes.indexOf(HEAD_END, kept === 0 ? from : Math.max(from, kept - 3));
    if ((end < 0 ? bytes.length : end) - from > this.maxHeadBytes) {
      throw this.tooLong(this.maxHeadBytes);
    }
    if (end < 0) {
      this.#pending = kept === 0 ? Buffer.from(bytes.subarray(from)) : bytes;
      return chunk.length;
    }
    this.#pending = NOTHING;
    const next = end + HEAD_END.length - (kept === 0 ? 0 : kept - at);
    this.onHeadText(bytes.toString('latin1', from, end), next >= chunk.length);
    return next;
  }

  #readData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.left);
    this.left -= end - at;
    this.onBytes(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.left > 0) return end;
    if (this.state === 'sized') this.over(end >= chunk.length);
    else this.state = 'chunk_end';
    return end;
  }

  #readChunkEnd(chunk: Buffer, at: number): number {
    const byte = chunk[at];
    // `left` counts which of the two bytes is due: 0 CR, -1 LF.
    if (byte !== (this.left === 0 ? CR : LF)) {
      throw this.malformed('a chunk that is longer than its size');
    }
    this.left -= 1;
    if (this.left === -2) {
      this.left = 0;
      this.state = 'chunk_line';
    }
    return at + 1;
  }

  #readChunkLine(chunk: Buffer, at: number): number {
    const found = this.#line(chunk, at, MAX_CHUNK_LINE_BYTES, 'a chunk size');
    if (found === null) return chunk.length;
    const semicolon = found.text.indexOf(';');
    const digits = semicolon < 0 ? found.text : found.text.slice(0, semicolon);
    if (!HEX.test(digits) || digits.length > MAX_CHUNK_DIGITS) {
      throw this.malformed('a chunk size that is none');
    }
    this.left = Number.parseInt(digits, 16);
    this.state = this.left === 0 ? 'trailer' : 'chunk_data';
    return found.next;
  }

  /** Trailers are read and forgotten: nobody who calls through a proxy may rely on them. */
  #readTrailer(chunk: Buffer, at: number): number {
    const found = this.#line(chunk, at, this.maxHeadBytes - this.#trailerBytes, 'trailers');
    if (found === null) return chunk.length;
    this.#trailerBytes += found.text.length;
    if (found.text === '') this.over(found.next >= chunk.length);
    return found.next;
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
      throw this.malformed(`${what} of more than ${maxBytes} bytes`);
    }
    if (end < 0) {
      this.#pending = Buffer.from(bytes.subarray(from));
      return null;
    }
    this.#pending = NOTHING;
    const text = bytes.toString('latin1', from, end);
    if (FORBIDDEN.test(text)) throw this.malformed(`a control character in ${what}`);
    return { text, next: end + CRLF.length - (kept === 0 ? 0 : kept - at) };
  }
}

/** Whether a header name is this one, which is given in lower case. */
export function isName(name: string, lower: string): boolean {
  return name === lower || name.toLowerCase() === lower;
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

function listConnection(value: string, framing: Framing): void {
  for (const part of value.toLowerCase().split(',')) {
    const option = part.trim();
    if (option === 'close') framing.close = true;
    else if (option === 'keep-alive') framing.keepAlive = true;
  }
}
