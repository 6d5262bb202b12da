import { SluiceError } from '../kernel/errors.js';
import { jsonDepth, MAX_JSON_DEPTH } from '../kernel/json-depth.js';

/** A JSON body; throws `invalid_input` for one that nests too deep or is no JSON. */
export function parseJsonBody(body: Buffer): unknown {
  const text = decoded(body);
  if (jsonDepth(text) > MAX_JSON_DEPTH) {
    throw new SluiceError('invalid_input', `JSON nests deeper than ${MAX_JSON_DEPTH} levels`, [
      { field: '', expected: `at most ${MAX_JSON_DEPTH} levels of objects and lists` },
    ]);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw noJson(cause instanceof SyntaxError ? cause.message : String(cause));
  }
}

function decoded(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw noJson('not UTF-8');
  }
}

function noJson(reason: string): SluiceError {
  return new SluiceError('invalid_input', `the body is no JSON: ${reason.slice(0, 200)}`, [
    { field: '', expected: 'one JSON value in UTF-8', advice: 'check quotes and commas' },
  ]);
}
