import { brotliDecompressSync, unzipSync } from 'node:zlib';
import { valueAt } from './json-pointer.js';
import type { CaptureField, LiveModel } from './live-plan.js';
import type { RequestBody } from './request-body.js';

/** Bytes of an answer's body that are looked at; fields of a longer answer are not captured. */
export const CAPTURE_LIMIT_BYTES = 256 * 1024;
/** Longer captured texts are cut: labels and classes are short, and a field is stored with every prediction. */
const CAPTURED_TEXT_LIMIT = 256;

export type Captured = Readonly<Record<string, number | string | boolean | null>>;

/** The body of an answer as far as it was kept: null when it was longer than the limit. */
export interface KeptAnswer {
  readonly chunks: readonly Buffer[] | null;
  readonly contentEncoding: string;
}

/** Picks the fields that a model captures; null when there is none. Never throws: evidence is not worth an answer. */
export function capture(model: LiveModel, body: RequestBody, answer: KeptAnswer): Captured | null {
  const captured: Record<string, number | string | boolean | null> = {};
  try {
    if (model.captureInput.length > 0) pick(captured, model.captureInput, body.json());
    if (model.captureOutput.length > 0 && answer.chunks !== null && answer.chunks.length > 0) {
      pick(captured, model.captureOutput, parsed(answer, CAPTURE_LIMIT_BYTES));
    }
  } catch {
    // No JSON, or not the encoding it claims to be: what was captured before stands.
  }
  return Object.keys(captured).length === 0 ? null : captured;
}

/**
 * Picks the answer's fields only, of a body of at most `limitBytes` also when it is unpacked: it comes from a version
 * that nobody trusts yet. Never throws.
 */
export function captureOutput(
  model: LiveModel,
  answer: KeptAnswer,
  limitBytes: number,
): Captured | null {
  if (model.captureOutput.length === 0 || answer.chunks === null) return null;
  const captured: Record<string, number | string | boolean | null> = {};
  try {
    pick(captured, model.captureOutput, parsed(answer, limitBytes));
  } catch {
    return null;
  }
  return Object.keys(captured).length === 0 ? null : captured;
}

function parsed({ chunks, contentEncoding }: KeptAnswer, limitBytes: number): unknown {
  const bytes = decoded(Buffer.concat(chunks ?? []), contentEncoding, limitBytes);
  return JSON.parse(bytes.toString('utf8'));
}

function pick(
  into: Record<string, number | string | boolean | null>,
  fields: readonly CaptureField[],
  document: unknown,
): void {
  for (const { name, tokens } of fields) {
    const value = valueAt(document, tokens);
    if (typeof value === 'string') into[name] = value.slice(0, CAPTURED_TEXT_LIMIT);
    else if (typeof value === 'number') into[name] = Number.isFinite(value) ? value : null;
    else if (typeof value === 'boolean' || value === null) into[name] = value;
  }
}

/** Clients that ask for gzip, as most libraries do, must not make evidence disappear. */
function decoded(bytes: Buffer, encoding: string, limitBytes: number): Buffer {
  const limit = { maxOutputLength: limitBytes };
  switch (encoding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return bytes;
    case 'br':
      return brotliDecompressSync(bytes, limit);
    default:
      return unzipSync(bytes, limit);
  }
}
