/** What one side and the other gave for the same request. */
export interface PairedNumbers {
  readonly primary: readonly number[];
  readonly shadow: readonly number[];
}

/** How often which size, in equal bins; zeros are apart, because exactly the same is a finding and not a small number. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  /** Values that are exactly 0; they are in no bin. */
  readonly zero: number;
  /** Values below the first bin and from the end of the last one on. */
  readonly below: number;
  readonly above: number;
  /** Start of the first bin; 0 is an edge where it lies inside. */
  readonly from: number;
  readonly width: number;
  readonly bins: readonly number[];
}

/** Pairs on a square grid, the same range on both axes, so that agreement lies on the diagonal. */
export interface Scatter {
  readonly count: number;
  readonly scale: 'linear' | 'log';
  readonly from: number;
  readonly to: number;
  /** Cells per axis. */
  readonly size: number;
  /** Column of the primary, row of the shadow; without the empty cells. */
  readonly cells: readonly {
    readonly column: number;
    readonly row: number;
    readonly pairs: number;
  }[];
  /** Pairs with a side beyond the range. */
  readonly outside: number;
}

/** Bins that a person tells apart on a chart as wide as a hand. */
const WANTED_BINS = 32;

/** Cells per axis: more are smaller than the eye needs, and cost more than they say. */
const SCATTER_SIZE = 32;

/** On each side, the share of values that may lie beyond the range: one absurd value must not hide the others. */
const TAIL = 0.01;
const SCATTER_TAIL = 0.005;

/** Divided by a number of bins, less than this could become 0, or lose its digits: it counts as one point. */
const SMALLEST_RANGE = 1e-290;

/** The clock of a gateway is no finer; a logarithm needs more than 0. */
const MIN_LOG = 0.01;

/**
 * Bins values, for display.
 *
 * @param values at most 1e120 in size, in any order; empty gives no bins
 */
export function distributionOf(values: readonly number[]): Distribution {
  const others = values.filter((value) => value !== 0).sort(ascending);
  const zero = values.length - others.length;
  const mean = meanOf(values);
  const nothing = { count: values.length, mean, zero, below: 0, above: 0 };
  const low = Math.min(0, quantile(others, TAIL));
  const high = Math.max(0, quantile(others, 1 - TAIL));
  if (others.length === 0 || low === high) return { ...nothing, from: 0, width: 0, bins: [] };
  const width = roundUp(Math.max(high - low, SMALLEST_RANGE) / WANTED_BINS);
  const first = Math.floor(low / width);
  const bins = Array.from({ length: Math.floor(high / width) - first + 1 }, () => 0);
  let [below, above] = [0, 0];
  for (const value of others) {
    const index = Math.floor(value / width) - first;
    if (index < 0) below += 1;
    else if (index >= bins.length) above += 1;
    else bins[index] = (bins[index] ?? 0) + 1;
  }
  return { ...nothing, below, above, from: first * width, width, bins };
}

/**
 * Counts pairs on a grid, for display; null where there is none.
 *
 * @param pairs numbers of at most 1e120 in size, both sides of the same length
 * @param scale `log` takes what is below 0.01 for 0.01
 */
export function scatterOf(
  { primary, shadow }: PairedNumbers,
  scale: Scatter['scale'],
): Scatter | null {
  if (primary.length === 0) return null;
  const place = (value: number): number =>
    scale === 'log' ? Math.log(Math.max(MIN_LOG, value)) : value;
  const all = [...primary, ...shadow].map(place).sort(ascending);
  const { start, end } = rangeOf(quantile(all, SCATTER_TAIL), quantile(all, 1 - SCATTER_TAIL));
  const step = (end - start) / SCATTER_SIZE;
  const cells = new Map<number, number>();
  let outside = 0;
  primary.forEach((left, index) => {
    const column = cellOf(place(left), start, step);
    const row = cellOf(place(shadow[index] ?? 0), start, step);
    if (column === null || row === null) outside += 1;
    else cells.set(column * SCATTER_SIZE + row, (cells.get(column * SCATTER_SIZE + row) ?? 0) + 1);
  });
  const value = (placed: number): number => (scale === 'log' ? Math.exp(placed) : placed);
  return {
    ...{ count: primary.length, scale, size: SCATTER_SIZE, outside },
    ...{ from: value(start), to: value(end) },
    cells: [...cells]
      .sort(([left], [right]) => left - right)
      .map(([key, n]) => ({
        column: Math.floor(key / SCATTER_SIZE),
        row: key % SCATTER_SIZE,
        pairs: n,
      })),
  };
}

/** A range that is a single point gets room around it. */
function rangeOf(low: number, high: number): { readonly start: number; readonly end: number } {
  const room = high - low > SMALLEST_RANGE ? 0 : Math.max(Math.abs(low) * 0.1, 0.1);
  return { start: low - room, end: high + room };
}

/** The end belongs to the last cell: the largest value is on it. */
function cellOf(placed: number, start: number, step: number): number | null {
  const cell = Math.floor((placed - start) / step + 1e-9);
  if (cell === SCATTER_SIZE) return SCATTER_SIZE - 1;
  return cell < 0 || cell > SCATTER_SIZE ? null : cell;
}

/** The next of 1, 2, 5 times a power of ten: edges that can be read. */
function roundUp(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const step = [1, 2, 5, 10].find((factor) => size <= factor * power * (1 + 1e-9)) ?? 10;
  return step * power;
}

/** The value at a share of a sorted list; 0 of none. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))] ?? 0;
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function ascending(left: number, right: number): number {
  return left - right;
}
