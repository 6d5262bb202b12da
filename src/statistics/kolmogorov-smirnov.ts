import { type Estimable, estimated, finite, nonNegative, notEstimable } from './estimable.js';

/** Below this the theta-function form of the limit law converges faster; at it both need 4 terms. */
const SERIES_FROM = 1;
const MAX_TERMS = 100;
/** Steps of the lattice that are counted exactly (1 s); larger samples have the limit law alone. */
const MAX_LATTICE = 100_000_000;

/**
 * P(K > x) of Kolmogorov's limit law, x >= 0: 2 sum (-1)^(k-1) exp(-2 k^2 x^2) (Kolmogorov 1933; Smirnov 1948),
 * and below 1 from the other side by the theta-function identity of the same sum (Feller 1948).
 */
export function kolmogorovUpperTail(x: number): number {
  nonNegative('x', x);
  if (x === 0) return 1;
  let sum = 0;
  if (x < SERIES_FROM) {
    for (let k = 1; k <= MAX_TERMS; k += 1) {
      const term = Math.exp(-(((2 * k - 1) * Math.PI) ** 2) / (8 * x * x));
      sum += term;
      if (term <= sum * Number.EPSILON) break;
    }
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  for (let k = 1; k <= MAX_TERMS; k += 1) {
    const term = Math.exp(-2 * (k * x) ** 2);
    sum += k % 2 === 1 ? term : -term;
    if (term <= sum * Number.EPSILON) break;
  }
  return 2 * sum;
}

export interface KolmogorovSmirnov {
  /** Largest distance of the two empirical distribution functions. */
  readonly d: number;
  /** By the limit law at sqrt(n m/(n + m)) d. */
  readonly pAsymptotic: number;
  /** P(D >= d) for continuous distributions, conservative with ties; null when n m is above 10^8. */
  readonly pExact: number | null;
}

/** Two-sample Kolmogorov-Smirnov test of equal distributions, two-sided; undefined when an arm has no values. */
export function ksTwoSample(input: {
  readonly control: readonly number[];
  readonly treatment: readonly number[];
}): Estimable<KolmogorovSmirnov> {
  const control = ascending('control', input.control);
  const treatment = ascending('treatment', input.treatment);
  const n = control.length;
  const m = treatment.length;
  if (n === 0 || m === 0) return notEstimable('insufficient_sample');
  const steps = largestGap(control, treatment);
  const d = steps / (n * m);
  return estimated({
    d,
    pAsymptotic: kolmogorovUpperTail(Math.sqrt((n * m) / (n + m)) * d),
    pExact: n * m <= MAX_LATTICE ? touchingShare(n, m, steps) : null,
  });
}

/** max |i m - j n| over the merged sample, in whole numbers: d n m without rounding. */
function largestGap(a: readonly number[], b: readonly number[]): number {
  let i = 0;
  let j = 0;
  let largest = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i] ?? Number.NaN, b[j] ?? Number.NaN);
    while (a[i] === value) i += 1;
    while (b[j] === value) j += 1;
    largest = Math.max(largest, Math.abs(i * b.length - j * a.length));
  }
  return largest;
}

/**
 * Share of the lattice paths from (0, 0) to (n, m), all equally likely under the null, that reach
 * |i m - j n| >= steps (Hodges 1958). Counted are the paths that do, as shares of the paths to each point:
 * nothing cancels in the far tail (1 - the share that stays inside is 0 below 1e-16) and nothing overflows.
 */
function touchingShare(n: number, m: number, steps: number): number {
  let column = new Float64Array(m + 1);
  let before = new Float64Array(m + 1);
  for (let i = 0; i <= n; i += 1) {
    for (let j = 0; j <= m; j += 1) {
      if (Math.abs(i * m - j * n) >= steps) column[j] = 1;
      else if (j === 0) column[j] = before[j] ?? 0;
      else column[j] = (i * (before[j] ?? 0) + j * (column[j - 1] ?? 0)) / (i + j);
    }
    [before, column] = [column, before];
  }
  return before[m] ?? Number.NaN;
}

function ascending(field: string, values: readonly number[]): readonly number[] {
  for (const [index, value] of values.entries()) finite(`${field}[${String(index)}]`, value);
  return values.toSorted((a, b) => a - b);
}
