import { probability } from './estimable.js';

/**
 * Adjusted p-values in the order of the input, each capped at 1 by the definition of the method: an adjusted
 * p-value is the smallest level at which that hypothesis would be rejected. Every p must be in [0, 1].
 */
type Adjustment = (pValues: readonly number[]) => readonly number[];

/** Family-wise error, any dependence, also for always-valid p-values: m p. */
export const bonferroni: Adjustment = (pValues) => {
  checkAll(pValues);
  return pValues.map((p) => Math.min(1, p * pValues.length));
};

/** Holm (1979): family-wise error, any dependence, uniformly better than Bonferroni. */
export const holm: Adjustment = (pValues) => stepDown(pValues, (p, rank, m) => p * (m - rank + 1));

/** Hochberg (1988): family-wise error under independence or positive dependence. */
export const hochberg: Adjustment = (pValues) =>
  stepUp(pValues, (p, rank, m) => p * (m - rank + 1));

/** Benjamini & Hochberg (1995): false discovery rate; for exploratory displays only. */
export const benjaminiHochberg: Adjustment = (pValues) =>
  stepUp(pValues, (p, rank, m) => (p * m) / rank);

/** Benjamini & Yekutieli (2001): false discovery rate under any dependence. */
export const benjaminiYekutieli: Adjustment = (pValues) => {
  const harmonic = pValues.reduce((sum, _p, index) => sum + 1 / (index + 1), 0);
  return stepUp(pValues, (p, rank, m) => (p * m * harmonic) / rank);
};

type Scale = (p: number, rank: number, m: number) => number;

interface Ranked {
  readonly p: number;
  readonly index: number;
}

function ascending(pValues: readonly number[]): Ranked[] {
  checkAll(pValues);
  return pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
}

function stepDown(pValues: readonly number[], scale: Scale): readonly number[] {
  const adjusted = new Array<number>(pValues.length).fill(1);
  let largest = 0;
  for (const [position, { p, index }] of ascending(pValues).entries()) {
    largest = Math.max(largest, Math.min(1, scale(p, position + 1, pValues.length)));
    adjusted[index] = largest;
  }
  return adjusted;
}

function stepUp(pValues: readonly number[], scale: Scale): readonly number[] {
  const adjusted = new Array<number>(pValues.length).fill(1);
  let smallest = 1;
  for (const [position, { p, index }] of ascending(pValues).reverse().entries()) {
    smallest = Math.min(smallest, scale(p, pValues.length - position, pValues.length));
    adjusted[index] = smallest;
  }
  return adjusted;
}

function checkAll(pValues: readonly number[]): void {
  for (const [index, p] of pValues.entries()) probability(`pValues[${String(index)}]`, p);
}
