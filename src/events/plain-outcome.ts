import { isUuidV7 } from '../kernel/ids.js';
import { NAME_PATTERN } from '../kernel/names.js';
import type { Outcome } from './outcome.js';

export const MAX_ID_LENGTH = 200;
export const MAX_NAME_LENGTH = 200;
/** Longer ones are hashed (unit-key.ts); this only bounds the work. */
export const MAX_UNIT_LENGTH = 8_192;

const PLAIN_TEXT = /^[\x20-\x7e]+$/;
/** Days that every month has, of this millennium; with Z. */
const PLAIN_TIME =
  /^2\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
/** id, model, name, value, and one of unit and requestId. */
const REQUIRED_MEMBERS = 5;

/**
 * The outcome that a parsed JSON value says, if it is one of the common shape; null for everything else, be it wrong or
 * only rare: that is for the schema to say. Where this gives an outcome the schema gives the same one
 * (test/property/events.outcomes.test.ts); it takes 0.4 µs where the schema takes 4.
 */
export function plainOutcome(sent: unknown): Outcome | null {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) return null;
  const { id, model, unit, requestId, name, value, at } = sent as Readonly<Record<string, unknown>>;
  if (Object.keys(sent).length !== (at === undefined ? REQUIRED_MEMBERS : REQUIRED_MEMBERS + 1))
    return null;
  if (!isPlainText(id, MAX_ID_LENGTH) || !isPlainText(name, MAX_NAME_LENGTH)) return null;
  if (typeof model !== 'string' || !NAME_PATTERN.test(model)) return null;
  if (typeof value === 'number' ? !Number.isFinite(value) : typeof value !== 'boolean') return null;
  if (at !== undefined && !(typeof at === 'string' && PLAIN_TIME.test(at))) return null;
  const subject = plainSubject(unit, requestId);
  if (subject === null) return null;
  const atMs = at === undefined ? null : Date.parse(at);
  return { id, model, subject, name, value: Number(value), atMs };
}

function plainSubject(unit: unknown, requestId: unknown): Outcome['subject'] | null {
  if (typeof unit === 'string' && requestId === undefined) {
    return unit.length > 0 && unit.length <= MAX_UNIT_LENGTH ? { kind: 'unit', unit } : null;
  }
  if (typeof requestId !== 'string' || unit !== undefined || !isUuidV7(requestId)) return null;
  return { kind: 'request', requestId };
}

function isPlainText(text: unknown, max: number): text is string {
  return typeof text === 'string' && text.length <= max && PLAIN_TEXT.test(text);
}
