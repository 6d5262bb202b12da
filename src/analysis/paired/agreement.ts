import { sha256 } from '../../kernel/hash.js';
import {
  type Category,
  type LatencyHistograms,
  latencyOfBin,
  type OutputTable,
} from '../../metrics/paired.js';
import type { LatencyQuantiles, OutputAgreement, ScoreDrift } from '../../statistics/assessment.js';
import { cohenKappa } from '../../statistics/kappa.js';
import { wilsonInterval } from '../../statistics/one-proportion.js';
import { pairedDistance } from '../../statistics/paired-permutation.js';

/** Exchanges of sides per output and look: 7 ms for twenty bins, whatever the pairs. */
export const DRIFT_PERMUTATIONS = 199;

/** Latency is shown at these levels. */
const LATENCY_LEVELS = [0.5, 0.9, 0.95, 0.99] as const;

export interface AgreementSetting {
  readonly alpha: number;
  /** What permutations are seeded with: the same text gives the same threshold. */
  readonly seed: string;
}

/** How far two versions say the same in one output; pairs are one per unit. For one look, and for display. */
export function agreementOf(
  table: OutputTable,
  { alpha, seed }: AgreementSetting,
): OutputAgreement {
  const { output, categories, counts, agreeing } = table;
  const units = counts.reduce((sum, [, , n]) => sum + n, 0);
  const share = wilsonInterval({ successes: agreeing, trials: units }, alpha);
  const square = categories.map(() => categories.map(() => 0));
  for (const [i, j, n] of counts) {
    const row = square[i];
    if (row !== undefined) row[j] = (row[j] ?? 0) + n;
  }
  const kappa = cohenKappa({ table: square, alpha });
  return {
    output,
    units,
    agreement: share.kind === 'value' ? { estimate: agreeing / units, ...share.value } : null,
    kappa:
      kappa.kind === 'value'
        ? { estimate: kappa.value.kappa, lower: kappa.value.lower, upper: kappa.value.upper }
        : null,
    histogram: categories.map((category, index) => ({
      category: nameOf(category),
      primary: (square[index] ?? []).reduce((sum, n) => sum + n, 0),
      shadow: square.reduce((sum, row) => sum + (row[index] ?? 0), 0),
    })),
    drift: driftOf(table, { alpha, seed: `${seed} ${output}` }),
  };
}

function driftOf(
  { categories, counts }: OutputTable,
  { alpha, seed }: AgreementSetting,
): ScoreDrift | null {
  const found = pairedDistance({
    categories: categories.length,
    table: counts,
    permutations: DRIFT_PERMUTATIONS,
    level: alpha,
    seed: wordsOf(seed),
  });
  if (found.kind === 'undefined') return null;
  const { pValue } = found.value;
  return {
    ...found.value,
    level: alpha,
    permutations: DRIFT_PERMUTATIONS,
    isBeyond: pValue <= alpha,
  };
}

function wordsOf(text: string): readonly [number, number, number, number] {
  const digits = sha256(text);
  const word = (at: number): number => Number.parseInt(digits.slice(8 * at, 8 * at + 8), 16);
  return [word(0), word(1), word(2), word(3)];
}

function nameOf(category: Category): string {
  switch (category.kind) {
    case 'bin':
      return `${shortly(category.from)} to ${shortly(category.to)}`;
    case 'text':
      return category.text;
    default:
      return category.kind;
  }
}

function shortly(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Quantiles of the latencies, read from their bins (at most 2.2 % off); empty without an answered pair. */
export function latencyQuantiles(latency: LatencyHistograms): readonly LatencyQuantiles[] {
  if (latency.primary.length === 0) return [];
  return LATENCY_LEVELS.map((level) => ({
    level,
    primary: quantileIn(latency.primary, level),
    shadow: quantileIn(latency.shadow, level),
    difference: quantileIn(latency.difference, level),
  }));
}

function quantileIn(bins: LatencyHistograms['primary'], level: number): number {
  const total = bins.reduce((sum, [, pairs]) => sum + pairs, 0);
  let seen = 0;
  for (const [bin, pairs] of bins) {
    seen += pairs;
    if (seen >= level * total) return latencyOfBin(bin);
  }
  return latencyOfBin(bins.at(-1)?.[0] ?? 0);
}
