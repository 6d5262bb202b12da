import { SluiceError } from '../kernel/errors.js';

/** Nothing in the API nests deeper than 10; parsing 100,000 levels overflows the stack. */
export const MAX_JSON_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x7b, 0x5b]); // { [
const CLOSING = new Set([0x7d, 0x5d]); // } ]

/** How deep brackets nest in the bytes of a JSON text, strings left out; stops counting beyond a limit. */
export function jsonDepth(text: Uint8Array, limit: number): number {
  let depth = 0;
  let deepest = 0;
  let isString = false;
  for (let at = 0; at < text.length && deepest <= limit; at += 1) {
    const byte = text[at] ?? 0;
    if (isString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isString = false;
    } else if (byte === QUOTE) isString = true;
    else if (OPENING.has(byte)) deepest = Math.max(deepest, (depth += 1));
    else if (CLOSING.has(byte)) depth -= 1;
  }
  return deepest;
}

/** A JSON body; throws `invalid_input` for one that nests too deep or is no JSON. */
export function parseJsonBody(body: Buffer): unknown {
  if (jsonDepth(body, MAX_JSON_DEPTH) > MAX_JSON_DEPTH) {
    throw new SluiceError('invalid_input', `JSON nests deeper than ${MAX_JSON_DEPTH} levels`, [
      { field: '', expected: `at most ${MAX_JSON_DEPTH} levels of objects and lists` },
    ]);
  }
  const text = new TextDecoder('utf-8', { fatal: true });
  try {
    return JSON.parse(text.decode(body)) as unknown;
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'not UTF-8';
    throw new SluiceError('invalid_input', `the body is no JSON: ${reason.slice(0, 200)}`, [
      { field: '', expected: 'one JSON value in UTF-8', advice: 'check quotes and commas' },
    ]);
  }
}
