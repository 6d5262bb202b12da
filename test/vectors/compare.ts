import { SluiceError } from '../../src/kernel/errors.js';
import type { Estimable } from '../../src/statistics/estimable.js';

/** Named results of one operation, in the vocabulary of the vector files. */
export type Fields = Readonly<Record<string, unknown>>;

/** An operation of the vector files: takes the decoded input of a case. */
export type Operation = (input: never) => Fields | Estimable<Fields>;

export interface VectorCase {
  readonly id: string;
  readonly op: string;
  readonly input: unknown;
  readonly expected: Fields;
  readonly rtol?: number;
  readonly atol?: number;
  readonly field_atol?: Readonly<Record<string, number>>;
  readonly tags?: readonly string[];
}

export interface VectorFile {
  readonly family: string;
  readonly cases: readonly VectorCase[];
}

/** From this the README accepts any critical value of a look that spends less than 1e-12. */
const TINY_SPEND_CRITICAL = 6.5;

const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/** Replaces the strings "NaN", "Infinity" and "-Infinity" by the numbers that they stand for, at every depth. */
export function decode(value: unknown): unknown {
  if (typeof value === 'string') return SPECIAL[value] ?? value;
  if (Array.isArray(value)) return value.map(decode);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decode(inner)]));
}

/** Runs one case; null when it passes, otherwise what differs. */
export function check(vector: VectorCase, operation: Operation | undefined): string | null {
  if (operation === undefined) return 'not yet';
  let outcome: Fields | Estimable<Fields>;
  try {
    outcome = operation(decode(vector.input) as never);
  } catch (error) {
    const refused = error instanceof SluiceError && error.code === 'invalid_input';
    if ('error' in vector.expected && refused) return null;
    return `threw ${String(error)}`;
  }
  if ('error' in vector.expected) return 'accepted invalid input';
  const isUndefined = outcome['kind'] === 'undefined';
  if ('undefined' in vector.expected) {
    return isUndefined ? null : 'gave a value for an undefined quantity';
  }
  const fields = outcome as Fields;
  if (isUndefined) return `undefined: ${String(fields['reason'])}`;
  const got = (fields['kind'] === 'value' ? fields['value'] : fields) as Fields;
  return differences(vector, got);
}

function differences(vector: VectorCase, got: Fields): string | null {
  const misses: string[] = [];
  for (const [field, want] of Object.entries(vector.expected)) {
    const absolute = (vector.atol ?? 0) + (vector.field_atol?.[field] ?? 0);
    const tolerance = { absolute, relative: vector.rtol ?? 0, tags: vector.tags ?? [] };
    if (!agrees(got[field], decode(want), tolerance)) {
      misses.push(`${field}: got ${JSON.stringify(got[field])}, want ${JSON.stringify(want)}`);
    }
  }
  return misses.length === 0 ? null : misses.join('; ');
}

interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
  readonly tags: readonly string[];
}

function agrees(got: unknown, want: unknown, tolerance: Tolerance): boolean {
  if (Array.isArray(want)) {
    return (
      Array.isArray(got) &&
      got.length === want.length &&
      want.every((inner, index) => agrees(got[index], inner, tolerance))
    );
  }
  if (typeof want === 'object' && want !== null) {
    const { min, max } = want as { min: number; max: number };
    return typeof got === 'number' && got >= min && got <= max;
  }
  if (typeof want !== 'number' || typeof got !== 'number') return got === want;
  // An infinite end must be that end: rtol * Infinity would accept anything.
  if (got === want || !Number.isFinite(want)) return got === want;
  if (
    tolerance.tags.includes('tiny_spend') &&
    want > TINY_SPEND_CRITICAL &&
    got > TINY_SPEND_CRITICAL
  ) {
    return true;
  }
  return Math.abs(got - want) <= tolerance.absolute + tolerance.relative * Math.abs(want);
}
