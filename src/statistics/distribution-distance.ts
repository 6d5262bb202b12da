import { type Estimable, estimated, nonNegative, notEstimable, refuse } from './estimable.js';

/** Two histograms over the same bins, as counts or weights; normalised to probabilities p and q. */
export interface Histograms {
  readonly reference: readonly number[];
  readonly candidate: readonly number[];
}

export interface Divergences {
  readonly jsNats: number;
  readonly jsBits: number;
  /** Square root of the divergence in bits: a metric in [0, 1]. */
  readonly jsDistanceBits: number;
  /** Largest difference of a bin. */
  readonly lInfinity: number;
  readonly totalVariation: number;
  readonly hellinger: number;
}

/**
 * Distances of two histograms: Jensen & Shannon (Lin 1991), L-infinity, total variation, Hellinger. They have no
 * threshold of their own: take it from a bootstrap or permutation. Undefined when a histogram is empty.
 */
export function divergences(input: Histograms): Estimable<Divergences> {
  check(input);
  if (input.reference.length === 0) refuse('reference', input.reference, 'at least one bin');
  const p = normalised(input.reference);
  const q = normalised(input.candidate);
  if (p === null || q === null) return notEstimable('insufficient_sample');
  let jsNats = 0;
  let lInfinity = 0;
  let absolute = 0;
  let squares = 0;
  for (const [bin, share] of p.entries()) {
    const other = q[bin] ?? 0;
    const middle = (share + other) / 2;
    jsNats += (entropyPart(share, middle) + entropyPart(other, middle)) / 2;
    lInfinity = Math.max(lInfinity, Math.abs(share - other));
    absolute += Math.abs(share - other);
    squares += (Math.sqrt(share) - Math.sqrt(other)) ** 2;
  }
  // A sum of terms that are exactly 0 or positive up to rounding.
  const nats = jsNats > 0 ? jsNats : 0;
  return estimated({
    jsNats: nats,
    jsBits: nats / Math.LN2,
    jsDistanceBits: Math.sqrt(nats / Math.LN2),
    lInfinity,
    totalVariation: absolute / 2,
    hellinger: Math.sqrt(squares / 2),
  });
}

/**
 * Population stability index sum (p - q) ln(p/q) after adding `pseudocount` to every bin. Its noise alone is
 * about (bins - 1)(1/n + 1/m), so folklore cut-offs (.1, .25) alarm on small samples. Undefined when a bin
 * is empty on one side only, or without units.
 */
export function populationStabilityIndex(
  input: Histograms & { readonly pseudocount: number },
): Estimable<number> {
  check(input);
  nonNegative('pseudocount', input.pseudocount);
  const p = normalised(input.reference.map((n) => n + input.pseudocount));
  const q = normalised(input.candidate.map((n) => n + input.pseudocount));
  if (p === null || q === null) return notEstimable('insufficient_sample');
  let index = 0;
  for (const [bin, share] of p.entries()) {
    const other = q[bin] ?? 0;
    if (share === other) continue;
    if (share === 0 || other === 0) return notEstimable('empty_bin');
    index += (share - other) * Math.log(share / other);
  }
  return estimated(index);
}

function entropyPart(share: number, middle: number): number {
  return share === 0 ? 0 : share * Math.log(share / middle);
}

function normalised(counts: readonly number[]): readonly number[] | null {
  const total = counts.reduce((sum, n) => sum + n, 0);
  return total > 0 ? counts.map((n) => n / total) : null;
}

function check({ reference, candidate }: Histograms): void {
  if (reference.length !== candidate.length) {
    refuse('candidate', candidate.length, `${String(reference.length)} bins, as the reference has`);
  }
  for (const [bin, n] of reference.entries()) nonNegative(`reference[${String(bin)}]`, n);
  for (const [bin, n] of candidate.entries()) nonNegative(`candidate[${String(bin)}]`, n);
}
