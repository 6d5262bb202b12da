import { quantile } from 'simple-statistics';
import {
  type Estimable,
  estimated,
  finite,
  notEstimable,
  probability,
  refuse,
} from './estimable.js';
import { type Moments, momentsOf } from './moments.js';

/** Values outside are moved to the nearer cap; an absent cap leaves that side as it is. */
export interface WinsorCaps {
  readonly lower?: number;
  readonly upper?: number;
}

/**
 * Caps at type-7 percentiles (Hyndman & Fan 1996) of a sample. Take them from pre-period or control data
 * pooled over arms and freeze them: re-estimated at each peek they move with the outcome. Undefined for no
 * values.
 */
export function winsorCaps(
  values: readonly number[],
  percentiles: { readonly lower?: number; readonly upper?: number },
): Estimable<WinsorCaps> {
  for (const [index, value] of values.entries()) finite(`values[${String(index)}]`, value);
  const { lower, upper } = percentiles;
  if (lower !== undefined) probability('percentiles.lower', lower);
  if (upper !== undefined) probability('percentiles.upper', upper);
  if (lower !== undefined && upper !== undefined && lower > upper) {
    refuse('percentiles.lower', lower, 'at most percentiles.upper');
  }
  if (values.length === 0) return notEstimable('insufficient_sample');
  const sample = [...values];
  return estimated({
    ...(lower === undefined ? {} : { lower: quantile(sample, lower) }),
    ...(upper === undefined ? {} : { upper: quantile(sample, upper) }),
  });
}

/** One value moved inside the caps. */
export function winsorize(
  value: number,
  { lower = -Infinity, upper = Infinity }: WinsorCaps,
): number {
  return Math.min(Math.max(value, lower), upper);
}

/** Moments of the values after capping. */
export function winsorizedMoments(values: readonly number[], caps: WinsorCaps): Moments {
  return momentsOf(values.map((value) => winsorize(finite('value', value), caps)));
}
