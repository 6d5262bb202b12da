import type { Interval } from './assessment.js';
import { count, type Estimable, estimated, notEstimable, openUnit } from './estimable.js';
import { type Alternative, type Inference, student, waldInference } from './inference.js';
import { checkSummary, type SampleSummary } from './moments.js';
import {
  binomialPoint,
  binomialTails,
  chiSquareUpperTail,
  normalUpperQuantile,
} from './numerics.js';

/** Student's t test of differences (treatment - control) measured on the same requests or units. */
export function pairedTTest(input: {
  readonly differences: SampleSummary;
  readonly alpha: number;
  readonly alternative: Alternative;
}): Estimable<Inference & { readonly df: number }> {
  const { differences, alpha, alternative } = input;
  checkSummary('differences', differences);
  openUnit('alpha', alpha);
  if (differences.n < 2) return notEstimable('insufficient_sample');
  if (differences.variance === 0) return notEstimable('zero_variance');
  const df = differences.n - 1;
  const standardError = Math.sqrt(differences.variance / differences.n);
  const reference = student(df);
  const estimate = differences.mean;
  return estimated({
    ...waldInference({ estimate, standardError, alpha, alternative, reference }),
    df,
  });
}

/** Two models on the same requests: who succeeded. */
export interface PairedOutcomes {
  readonly bothSuccess: number;
  readonly controlOnly: number;
  readonly treatmentOnly: number;
  readonly neither: number;
}

export interface McNemar {
  /** min(1, 2 P(Bin(b + c, 1/2) <= min(b, c))) */
  readonly pExact: number;
  /** The exact p less P(X = min(b, c)): less conservative. */
  readonly pMid: number;
  readonly chiSquare: number;
  readonly pAsymptotic: number;
  readonly chiSquareCorrected: number;
  readonly pCorrected: number;
  /** Share of treatment successes minus share of control successes. */
  readonly estimate: number;
  readonly standardError: number;
  readonly wald: Interval;
  /** Agresti & Min (2005): 1/2 added to every cell. */
  readonly agrestiMin: Interval;
}

/** McNemar (1947) on the discordant pairs; undefined without pairs, or when none is discordant. */
export function mcnemar(input: PairedOutcomes & { readonly alpha: number }): Estimable<McNemar> {
  const b = count('controlOnly', input.controlOnly);
  const c = count('treatmentOnly', input.treatmentOnly);
  const n = count('bothSuccess', input.bothSuccess) + count('neither', input.neither) + b + c;
  const z = normalUpperQuantile(openUnit('alpha', input.alpha) / 2);
  if (n === 0) return notEstimable('insufficient_sample');
  if (b + c === 0) return notEstimable('no_discordant_pairs');
  const fewer = Math.min(b, c);
  const doubled = 2 * binomialTails(fewer, b + c, 0.5).lower;
  const chiSquare = (b - c) ** 2 / (b + c);
  const chiSquareCorrected = Math.max(0, Math.abs(b - c) - 1) ** 2 / (b + c);
  const wald = discordantDifference(b, c, n);
  const agrestiMin = discordantDifference(b + 0.5, c + 0.5, n + 2);
  return estimated({
    pExact: Math.min(1, doubled),
    pMid: doubled - binomialPoint(fewer, b + c, 0.5),
    chiSquare,
    pAsymptotic: chiSquareUpperTail(chiSquare, 1),
    chiSquareCorrected,
    pCorrected: chiSquareUpperTail(chiSquareCorrected, 1),
    ...wald,
    wald: around(wald, z),
    agrestiMin: around(agrestiMin, z),
  });
}

interface Difference {
  readonly estimate: number;
  readonly standardError: number;
}

function discordantDifference(b: number, c: number, n: number): Difference {
  return { estimate: (c - b) / n, standardError: Math.sqrt(b + c - (c - b) ** 2 / n) / n };
}

function around({ estimate, standardError }: Difference, z: number): Interval {
  return { lower: estimate - z * standardError, upper: estimate + z * standardError };
}
