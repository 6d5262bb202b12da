import { divergences } from './distribution-distance.js';
import { count, type Estimable, estimated, notEstimable, openUnit, refuse } from './estimable.js';

/** Pairs by the category of each side: [control's, treatment's, pairs]. */
export type PairTable = readonly (readonly [number, number, number])[];

export interface PermutationInput {
  readonly categories: number;
  readonly table: PairTable;
  /** How often the two sides of every pair are exchanged at random. */
  readonly permutations: number;
  /** Share of permutations that may lie above the threshold. */
  readonly level: number;
  /** Four words of state; the same give the same threshold. */
  readonly seed: readonly [number, number, number, number];
}

export interface PairedDistance {
  /** Jensen-Shannon distance of the two sides' histograms, base 2, in [0, 1]. */
  readonly distance: number;
  /** What as many permutations stay below as the level says. */
  readonly threshold: number;
  /** (1 + permutations at least as far apart) / (1 + permutations); never 0 (Phipson & Smyth 2010). */
  readonly pValue: number;
}

/**
 * More pairs than this in two mirrored cells are split by a normal distribution, whose distribution function is then
 * less than 2e-4 off: a look at a million pairs must not hold up the process that serves (155 ms with exact coins).
 */
const MAX_COINS = 256;

/**
 * How far apart the two sides of pairs are, against what exchanging sides within pairs at random gives: under "both
 * sides are drawn alike" every exchange is as likely as what was seen (a permutation test within pairs; Good 2005,
 * section 3.7). Only pairs whose sides differ matter. Pairs must be independent of each other. Undefined without one.
 */
export function pairedDistance(input: PermutationInput): Estimable<PairedDistance> {
  const { categories, table, permutations, level } = input;
  openUnit('level', level);
  if (count('permutations', permutations) < 1) refuse('permutations', permutations, 'at least 1');
  checkTable(table, categories);
  const { fixed, swappable } = foldedTable(table, categories);
  const seen = marginsOf(table, categories);
  const distance = distanceOf(seen.control, seen.treatment);
  if (distance === null) return notEstimable('insufficient_sample');
  const random = sfc32(input.seed);
  const drawn: number[] = [];
  for (let round = 0; round < permutations; round += 1) {
    const control = [...fixed];
    const treatment = [...fixed];
    for (const [i, j, pairs] of swappable) {
      const heads = halfOf(pairs, random);
      control[i] = (control[i] ?? 0) + heads;
      treatment[j] = (treatment[j] ?? 0) + heads;
      control[j] = (control[j] ?? 0) + pairs - heads;
      treatment[i] = (treatment[i] ?? 0) + pairs - heads;
    }
    drawn.push(distanceOf(control, treatment) ?? 0);
  }
  drawn.sort((left, right) => left - right);
  const rank = Math.min(permutations, Math.ceil((1 - level) * (permutations + 1)));
  const asFar = drawn.filter((one) => one >= distance * (1 - 1e-12)).length;
  return estimated({
    distance,
    threshold: drawn[rank - 1] ?? 0,
    pValue: (1 + asFar) / (1 + permutations),
  });
}

/** Pairs that agree, and the others by their two categories, whichever side had which. */
function foldedTable(
  table: PairTable,
  categories: number,
): { readonly fixed: readonly number[]; readonly swappable: PairTable } {
  const fixed = new Array<number>(categories).fill(0);
  const folded = new Map<number, number>();
  for (const [i, j, pairs] of table) {
    if (i === j) fixed[i] = (fixed[i] ?? 0) + pairs;
    else {
      const key = Math.min(i, j) * categories + Math.max(i, j);
      folded.set(key, (folded.get(key) ?? 0) + pairs);
    }
  }
  const swappable = [...folded].map(
    ([key, pairs]) => [Math.floor(key / categories), key % categories, pairs] as const,
  );
  return { fixed, swappable };
}

function marginsOf(
  table: PairTable,
  categories: number,
): { readonly control: readonly number[]; readonly treatment: readonly number[] } {
  const control = new Array<number>(categories).fill(0);
  const treatment = new Array<number>(categories).fill(0);
  for (const [i, j, pairs] of table) {
    control[i] = (control[i] ?? 0) + pairs;
    treatment[j] = (treatment[j] ?? 0) + pairs;
  }
  return { control, treatment };
}

function distanceOf(reference: readonly number[], candidate: readonly number[]): number | null {
  if (reference.length === 0) return null;
  const found = divergences({ reference, candidate });
  return found.kind === 'value' ? found.value.jsDistanceBits : null;
}

/** Heads of fair coins: bits of random words, 32 at a time. */
function halfOf(coins: number, random: () => number): number {
  if (coins > MAX_COINS) return aboutHalf(coins, random);
  let heads = 0;
  let left = coins;
  for (; left >= 32; left -= 32) heads += onesIn(random());
  return left === 0 ? heads : heads + onesIn(random() >>> (32 - left));
}

/** Binomial(coins, 1/2) by its normal limit (Box & Muller 1958). */
function aboutHalf(coins: number, random: () => number): number {
  const u = (random() + 0.5) / 4_294_967_296;
  const v = (random() + 0.5) / 4_294_967_296;
  const z = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  return Math.min(coins, Math.max(0, Math.round(coins / 2 + (z * Math.sqrt(coins)) / 2)));
}

function onesIn(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Words of 32 random bits (Doty-Humphrey's PractRand). */
function sfc32(seed: PermutationInput['seed']): () => number {
  let [a, b, c, counter] = seed.map((word) => word | 0) as [number, number, number, number];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round += 1) next();
  return next;
}

function checkTable(table: PairTable, categories: number): void {
  for (const [i, j, pairs] of table) {
    count('table', pairs);
    if (count('table', i) >= categories || count('table', j) >= categories) {
      refuse('table', [i, j], `categories below ${String(categories)}`);
    }
  }
}
