import type { IncomingMessage } from 'node:http';
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
  req: IncomingMessage,
  limitBytes: number,
  done: (result: RequestBody | Problem) => void,
): void {
  const { 'content-length': said, 'transfer-encoding': coding } = req.headers;
  if (said === undefined && coding === undefined) {
    done(new RequestBody(EMPTY));
    return;
  }
  if (said !== undefined && Number(said) > limitBytes) {
    done(tooLarge(limitBytes));
    return;
  }
  let first: Buffer | null = null;
  let chunks: Buffer[] | null = null;
  let bytes = 0;
  let isRefused = false;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limitBytes) {
      if (!isRefused) done(tooLarge(limitBytes));
      isRefused = true;
      first = null;
      chunks = null;
    } else if (first === null) first = chunk;
    else (chunks ??= [first]).push(chunk);
  });
  req.on('end', () => {
    if (isRefused) return;
    done(new RequestBody(chunks === null ? (first ?? EMPTY) : Buffer.concat(chunks, bytes)));
  });
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
