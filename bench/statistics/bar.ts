/** What a property may measure at most, at least, or between. */
export type Bar =
  | { readonly atMost: number }
  | { readonly atLeast: number }
  | { readonly from: number; readonly to: number };

export interface Measurement {
  readonly value: number;
  /** Monte Carlo standard error of the value; 0 where nothing is drawn. */
  readonly standardError: number;
  readonly replications: number;
}

export interface Row extends Measurement {
  /** What was measured, in words. */
  readonly property: string;
  /** Null: shown for comparison, nothing depends on it. */
  readonly bar: Bar | null;
}

/** One simulation; it may answer for several properties at once. */
export interface Check {
  readonly name: string;
  readonly replications: { readonly quick: number; readonly full: number };
  readonly run: (replications: number, seed: number) => readonly Row[];
}

/** `close`: outside the bar, by no more than three standard errors. */
export type Verdict = 'pass' | 'close' | 'MISS' | 'shown';

const TOLERATED_ERRORS = 3;

export function verdictOf({ bar, value, standardError }: Row): Verdict {
  if (bar === null) return 'shown';
  const beyond = distanceFrom(bar, value);
  if (beyond <= 0) return 'pass';
  return beyond <= TOLERATED_ERRORS * standardError ? 'close' : 'MISS';
}

/** How far a value is outside its bar; 0 or less inside. A value that is not a number is infinitely far. */
function distanceFrom(bar: Bar, value: number): number {
  if (!Number.isFinite(value)) return Number.POSITIVE_INFINITY;
  if ('atMost' in bar) return value - bar.atMost;
  if ('atLeast' in bar) return bar.atLeast - value;
  return Math.max(bar.from - value, value - bar.to);
}

export function barInWords(bar: Bar | null): string {
  if (bar === null) return '';
  if ('atMost' in bar) return `<= ${String(bar.atMost)}`;
  if ('atLeast' in bar) return `>= ${String(bar.atLeast)}`;
  return `${String(bar.from)} to ${String(bar.to)}`;
}

/** A share of the replications; the error of a share that is 0 or 1 is not 0: it is taken at (hits + 1)/(n + 2). */
export function share(hits: number, replications: number): Measurement {
  const near = (hits + 1) / (replications + 2);
  return {
    value: hits / replications,
    standardError: Math.sqrt((near * (1 - near)) / replications),
    replications,
  };
}

export function mean(values: readonly number[]): Measurement {
  const replications = values.length;
  const value = values.reduce((sum, one) => sum + one, 0) / replications;
  const squares = values.reduce((sum, one) => sum + (one - value) ** 2, 0);
  return {
    value,
    standardError: Math.sqrt(squares / (replications - 1) / replications),
    replications,
  };
}

/** The median with half the width between the order statistics one standard error of the rank away. */
export function median(values: readonly number[]): Measurement {
  const sorted = [...values].sort((left, right) => left - right);
  const replications = sorted.length;
  const at = (rank: number): number =>
    sorted[Math.min(replications - 1, Math.max(0, Math.round(rank)))] ?? Number.NaN;
  const middle = (replications - 1) / 2;
  const spread = Math.sqrt(replications) / 2;
  const width = at(middle + spread) - at(middle - spread);
  return {
    value: at(middle),
    standardError: Number.isFinite(width) ? width / 2 : 0,
    replications,
  };
}
