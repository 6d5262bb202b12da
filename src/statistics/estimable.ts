import { SluiceError } from '../kernel/errors.js';

/**
 * A quantity that legitimate data may not determine: no units yet, no variance, a baseline of zero.
 * "undefined" means *no inference*: callers must neither read it as p = 1 nor as an effect of zero
 * (gbstats returns p = 1 and the interval (0, 0) there, which looks like evidence of no effect).
 */
export type Estimable<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'undefined'; readonly reason: string };

/** The quantity is determined by the data. */
export function estimated<T>(value: T): Estimable<T> {
  return { kind: 'value', value };
}

/** The data are legitimate but do not determine the quantity; `reason` is a stable snake_case code. */
export function notEstimable(reason: string): Estimable<never> {
  return { kind: 'undefined', reason };
}

/** Refuses invalid input: throws SluiceError `invalid_input` that names the field, what came and what is expected. */
export function refuse(field: string, given: unknown, expected: string): never {
  throw new SluiceError('invalid_input', `${field} must be ${expected}`, [
    { field, given: typeof given === 'number' ? String(given) : given, expected },
  ]);
}

/** Passes a finite number on; refuses NaN, infinities and anything that is not a number. */
export function finite(field: string, value: number): number {
  return Number.isFinite(value) ? value : refuse(field, value, 'a finite number');
}

/** Passes a count on: an integer in [0, 2^53). */
export function count(field: string, value: number): number {
  return Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse(field, value, 'a whole number of at least 0');
}

/** Passes a finite number greater than 0 on. */
export function positive(field: string, value: number): number {
  return Number.isFinite(value) && value > 0
    ? value
    : refuse(field, value, 'a finite number greater than 0');
}

/** Passes a finite number of at least 0 on. */
export function nonNegative(field: string, value: number): number {
  return Number.isFinite(value) && value >= 0
    ? value
    : refuse(field, value, 'a finite number of at least 0');
}

/** Passes a number strictly between 0 and `below` (default 1) on: error rates, shares, powers. */
export function openUnit(field: string, value: number, below = 1): number {
  return value > 0 && value < below
    ? value
    : refuse(field, value, `a number strictly between 0 and ${String(below)}`);
}

/** Passes a probability in [0, 1] on. */
export function probability(field: string, value: number): number {
  return value >= 0 && value <= 1 ? value : refuse(field, value, 'a number in [0, 1]');
}
