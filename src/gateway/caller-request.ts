import { isName } from './message-parser.js';
import type { RequestHead } from './request-parser.js';

/** Headers of a request as they came, asked for by name. */
export class RequestHeaders {
  /** @param raw name, value, name, value … */
  constructor(readonly raw: readonly string[]) {}

  /**
   * The value of a header; undefined: it is not there. Several of one name are one, joined as RFC 9110 §5.3 has it
   * (cookies by semicolons, RFC 9113 §8.2.3).
   *
   * @param name in lower case
   */
  get(name: string): string | undefined {
    let found: string | undefined;
    const { raw } = this;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const candidate = raw[i] ?? '';
      if (candidate.length !== name.length || !isName(candidate, name)) continue;
      const value = raw[i + 1] ?? '';
      found = found === undefined ? value : `${found}${name === 'cookie' ? '; ' : ', '}${value}`;
    }
    return found;
  }
}

/** Who reads the body of a request. */
export interface BodyReader {
  onBytes(bytes: Buffer): void;
  onEnd(): void;
}

/** A request of a caller: its head, and its body as it comes in. What nobody reads is read away. */
export class CallerRequest {
  readonly method: string;
  /** As received: path and query as a rule. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly headers: RequestHeaders;
  /** HTTP/1.0. */
  readonly isOld: boolean;
  /** Bytes of the body; null: chunks, as many as come. */
  readonly length: number | null;
  /** True once nothing of it comes any more. */
  isOver = false;
  /** Bytes that nobody read. */
  unreadBytes = 0;
  #reader: BodyReader | null = null;

  /** @param onRead runs when somebody wants the body: until then a caller may wait with it (`expect`) */
  constructor(
    head: RequestHead,
    private readonly onRead: () => void,
  ) {
    this.method = head.method;
    this.target = head.target;
    this.rawHeaders = head.rawHeaders;
    this.headers = new RequestHeaders(head.rawHeaders);
    this.isOld = head.isOld;
    this.length = head.length;
  }

  /** From here on the body goes to `reader`. */
  read(reader: BodyReader): void {
    this.#reader = reader;
    this.onRead();
  }

  /** From here on what comes is read away. */
  discard(): void {
    this.#reader = null;
  }

  /** For the connection. */
  take(bytes: Buffer): void {
    if (this.#reader === null) this.unreadBytes += bytes.length;
    else this.#reader.onBytes(bytes);
  }

  /** For the connection: the body has ended. */
  end(): void {
    this.isOver = true;
    this.#reader?.onEnd();
  }

  /** For the connection: it is gone. */
  cut(): void {
    this.isOver = true;
    this.#reader = null;
  }
}
