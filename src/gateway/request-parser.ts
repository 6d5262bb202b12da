import { METHODS } from 'node:http';
import { MessageParser, type Framing } from './message-parser.js';

/** Longest head of a request, as node:http has it. */
export const MAX_REQUEST_HEAD_BYTES = 16 * 1024;
/** A blank is between target and version, and none in them; control characters are refused before. */
const REQUEST_LINE = /^([A-Z-]{1,20}) ([^ \t]+) HTTP\/1\.([01])$/;
/** A tunnel is no request to a model. */
const KNOWN_METHODS = new Set(METHODS.filter((method) => method !== 'CONNECT'));

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  /** As received. */
  readonly target: string;
  /** Name, value, name, value … as received, values trimmed; bytes as Latin-1. */
  readonly rawHeaders: string[];
  /** HTTP/1.0: knows no chunks, and closes unless it says otherwise. */
  readonly isOld: boolean;
  /** Whether another request may come on the connection. */
  readonly keepsAlive: boolean;
  /** Bytes of the body; null: chunks, as many as come. */
  readonly length: number | null;
}

/** Who is told what a request consists of. Nothing of the next one comes before `begin`. */
export interface RequestSink {
  onHead(head: RequestHead): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
}

/** A request that is no HTTP/1.1: what follows it may not be what it seems, and the connection has to end. */
export class MalformedRequest extends Error {
  /** @param status 400, 408 when it took too long, 431 when the head is too long */
  constructor(
    what: string,
    readonly status: 400 | 408 | 431 = 400,
  ) {
    super(`the request has ${what}`);
  }
}

/** Parses the requests of one connection, one at a time. */
export class RequestParser extends MessageParser {
  constructor(private readonly sink: RequestSink) {
    super(MAX_REQUEST_HEAD_BYTES, true);
  }

  /** The last request is answered: another one may come. */
  begin(): void {
    this.expect();
  }

  /**
   * Reads until the end of the request or of the piece.
   *
   * @returns how far it read; the rest is for after `begin`
   * @throws MalformedRequest
   */
  take(chunk: Buffer): number {
    return this.read(chunk);
  }

  protected onHeadText(text: string): void {
    const framing: Framing = { chunked: false, length: null, close: false, keepAlive: false };
    const rawHeaders = this.headers(text, framing);
    const lineEnd = text.indexOf('\r\n');
    const line = REQUEST_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
    const [, method = '', target = '', minor] = line ?? [];
    if (line === null || !KNOWN_METHODS.has(method)) {
      throw this.malformed('a first line that is not of HTTP/1.1');
    }
    const isOld = minor === '0';
    if (isOld && framing.chunked) throw this.malformed('chunks, which HTTP/1.0 does not know');
    const keepsAlive = !framing.close && (!isOld || framing.keepAlive);
    const length = framing.chunked ? null : (framing.length ?? 0);
    this.left = length ?? 0;
    this.state = framing.chunked ? 'chunk_line' : 'sized';
    this.sink.onHead({ method, target, rawHeaders, isOld, keepsAlive, length });
    if (length === 0) this.over(true);
  }

  protected onBytes(bytes: Buffer): void {
    this.sink.onBody(bytes);
  }

  protected onOver(): void {
    this.sink.onEnd();
  }

  protected malformed(what: string): MalformedRequest {
    return new MalformedRequest(what);
  }

  protected tooLong(maxBytes: number): MalformedRequest {
    return new MalformedRequest(`a head of more than ${maxBytes} bytes`, 431);
  }
}
