import type { Interval } from '../../src/statistics/assessment.js';
import { type Estimable, estimated } from '../../src/statistics/estimable.js';
import type { Fields } from './compare.js';

/** Applies `map` to a value that could be estimated and passes "undefined" on. */
export function mapped<T>(found: Estimable<T>, map: (value: T) => Fields): Estimable<Fields> {
  return found.kind === 'undefined' ? found : estimated(map(found.value));
}

/** The ends of an interval under the names of the vector files. */
export function ends({ lower, upper }: Interval): Fields {
  return { ci_lower: lower, ci_upper: upper };
}

/** Continues with a value that could be estimated. */
export function andThen<T, R>(found: Estimable<T>, next: (value: T) => Estimable<R>): Estimable<R> {
  return found.kind === 'undefined' ? found : next(found.value);
}
