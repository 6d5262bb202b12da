import { sha256 } from '../kernel/hash.js';

/** Longest key stored as it is: PostgreSQL refuses index rows above 2,704 bytes, and a code unit can take three. */
export const MAX_UNIT_KEY_LENGTH = 512;

const UNSTORABLE = /\0|\p{Surrogate}/u;

/**
 * A text that PostgreSQL can hold: NUL and lone surrogates become U+FFFD.
 *
 * @param text any string
 */
export function storableText(text: string): string {
  return UNSTORABLE.test(text) ? text.toWellFormed().replaceAll('\0', '\uFFFD') : text;
}

/**
 * The key under which everything about a unit is stored. Exposures, predictions and outcomes all pass through here,
 * so that whatever a caller sends as its unit, its rows join: keys that are too long for an index become their hash.
 *
 * @param unit what the caller calls its unit; any string
 */
export function unitKeyOf(unit: string): string {
  return unit.length > MAX_UNIT_KEY_LENGTH ? `sha256:${sha256(unit)}` : storableText(unit);
}
