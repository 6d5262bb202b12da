import type { BodyReader, CallerRequest } from './caller-request.js';
import type { Problem } from './problem.js';

/** Bodies are held whole, for the retry, the fallback and pointers; larger ones are refused with 413. */
export const BODY_LIMIT_BYTES = 1024 * 1024;

const EMPTY = Buffer.alloc(0);

/** The bytes of a request, and its JSON for those who ask. */
export class RequestBody {
  #json: unknown;
  #parsed = false;

  constructor(readonly bytes: Buffer) {}

  /** The parsed body, or undefined when it is no JSON. Parsed at most once, and only if somebody asks. */
  json(): unknown {
    if (!this.#parsed) {
      this.#parsed = true;
      this.#json = parseJson(this.bytes);
    }
    return this.#json;
  }

  /** The parsed body with every number that is no safe integer as the text it was written in. */
  jsonWithExactNumbers(): unknown {
    try {
      // `source` is what the number was written as (ES2026, JSON.parse source text access; in V8 since 11.4).
      return JSON.parse(
        this.bytes.toString('utf8'),
        (_key, value: unknown, context?: { readonly source?: string }) =>
          typeof value === 'number' && !Number.isSafeInteger(value)
            ? (context?.source ?? String(value))
            : value,
      );
    } catch {
      return undefined;
    }
  }
}

/** Reads a request's body whole; `done` is called once, or never when the caller goes away before its end. */
export function readBody(
  req: CallerRequest,
  limitBytes: number,
  done: (result: RequestBody | Problem) => void,
): void {
  if (req.length === 0) done(new RequestBody(EMPTY));
  else if (req.length !== null && req.length > limitBytes) done(tooLarge(limitBytes));
  else req.read(new WholeBody(req, limitBytes, done));
}

/** Collects the pieces of a body: nearly always there is one. */
class WholeBody implements BodyReader {
  #first: Buffer | null = null;
  #chunks: Buffer[] | null = null;
  #bytes = 0;

  constructor(
    private readonly req: CallerRequest,
    private readonly limitBytes: number,
    private readonly done: (result: RequestBody | Problem) => void,
  ) {}

  onBytes(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.limitBytes) {
      this.req.discard();
      this.done(tooLarge(this.limitBytes));
    } else if (this.#first === null) this.#first = bytes;
    else (this.#chunks ??= [this.#first]).push(bytes);
  }

  onEnd(): void {
    const chunks = this.#chunks;
    const whole = chunks === null ? (this.#first ?? EMPTY) : Buffer.concat(chunks, this.#bytes);
    this.done(new RequestBody(whole));
  }
}

function tooLarge(limitBytes: number): Problem {
  return {
    status: 413,
    code: 'body_too_large',
    detail: `the request body is larger than the limit of ${limitBytes} bytes`,
  };
}

function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
