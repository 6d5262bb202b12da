import type { FrozenDesign } from '../../experiments/experiment.js';
import type { PairCell } from '../../metrics/paired.js';
import type { TestResult } from '../../statistics/assessment.js';
import { asymptoticSequenceInformationTime } from '../../statistics/confidence-sequence.js';
import {
  clusterFactor,
  pairedContrast,
  restrictedPairVariance,
} from '../../statistics/paired-ratio.js';
import { eventShareLogE } from '../../statistics/rare-event.js';
import { type Insufficient, insufficient, MIN_EVENTS } from '../minimum-evidence.js';
import { goodSign, type PairComparison, valueOf } from './pair-comparison.js';

/** Harm is looked for early: its sequence is tuned to a tenth of the planned units. */
const HARM_TUNING = 10;

/**
 * Concentration of the e-process' prior on the share of discordant pairs: Beta(1, 1). Nine of nine one way then reach
 * .01; Beta(5, 5), the prior of unpaired events, needs thirteen, because a share near 1/2 is what it expects.
 */
const E_PROCESS_CONCENTRATION = 2;

/** If the versions fail alike, each side is as likely to be the one of a discordant pair that has the event. */
const FAIR_SHARE = 0.5;

/** Level of each superiority test: alpha over the success metrics (Bonferroni). */
export function pairSuccessAlpha(design: FrozenDesign): number {
  const successes = design.metrics.filter(({ role }) => role === 'success').length;
  return design.analysis.alpha / Math.max(1, successes);
}

/** Level of each deterioration test: alpha over all metrics that can end the shadow (Bonferroni). */
export function pairHarmAlpha(design: FrozenDesign): number {
  const watched = design.metrics.filter(({ role }) => role !== 'diagnostic').length;
  return design.analysis.alpha / Math.max(1, watched);
}

/** Is the shadow better? As for unpaired metrics: the sequence, and for events the exact test at the other half. */
export function pairSuperiority(comparison: PairComparison, design: FrozenDesign): TestResult {
  const alpha = pairSuccessAlpha(design);
  const sequence = sequenceTest(comparison, design, {
    ...{ linear: DIFFERENCE, variance: noEffect(comparison), side: 'better' },
    ...{ alpha, isTwoSided: true, tunedTo: design.analysis.plannedUnits },
  });
  return withEvents(comparison, sequence, { side: 'better', alpha: alpha / 2 });
}

/** Is the shadow worse: at all (success metrics and events), or beyond the margin (other guardrails)? */
export function pairDeterioration(comparison: PairComparison, design: FrozenDesign): TestResult {
  const { designMetric, isEventLike } = comparison;
  const isByMargin = designMetric.role === 'guardrail' && !isEventLike;
  const alpha = isEventLike ? pairHarmAlpha(design) / 2 : pairHarmAlpha(design);
  const sequence = sequenceTest(comparison, design, {
    linear: isByMargin ? marginContrast(comparison) : DIFFERENCE,
    variance: noEffect(comparison),
    ...{ side: 'worse', alpha, isTwoSided: false },
    tunedTo: design.analysis.plannedUnits / HARM_TUNING,
  });
  return withEvents(comparison, sequence, { side: 'worse', alpha });
}

/** Is a guardrail shown to be no worse than its margin? At full alpha: all of them have to be (intersection-union). */
export function pairNonInferiority(comparison: PairComparison, design: FrozenDesign): TestResult {
  const { alpha, plannedUnits } = design.analysis;
  return sequenceTest(comparison, design, {
    linear: marginContrast(comparison),
    variance: underMargin(comparison),
    ...{ side: 'better', alpha, isTwoSided: false, tunedTo: plannedUnits },
  });
}

/** The contrast shadow - factor x primary + shift; no effect is factor 1, shift 0. */
export interface PairLinear {
  readonly factor: number;
  readonly shift: number;
}

export const DIFFERENCE: PairLinear = { factor: 1, shift: 0 };

/** Which hypothesis the variance is computed under. */
type Variance =
  | { readonly kind: 'as_observed' }
  | { readonly kind: 'no_effect' }
  | { readonly kind: 'margin'; readonly difference: number };

interface SequenceSpec {
  readonly linear: PairLinear;
  readonly variance: Variance;
  readonly side: 'better' | 'worse';
  readonly alpha: number;
  /** Two-sided spends half of alpha on the other side. */
  readonly isTwoSided: boolean;
  /** Units at which the boundary is tightest. */
  readonly tunedTo: number;
}

function sequenceTest(
  comparison: PairComparison,
  design: FrozenDesign,
  spec: SequenceSpec,
): TestResult {
  const { cell } = comparison;
  const tooFew = tooFewPairs(comparison, design.analysis.minUnits, spec.variance);
  if (tooFew !== null || cell === null) return tooFew ?? insufficient('too_few_units', 0, 1);
  const standardError = errorOf(cell, spec);
  const found = pairedContrast(cell, spec.linear);
  if (found.kind === 'undefined') return insufficient('zero_denominator', 0, 1);
  if (standardError === null || !(standardError > 0)) return insufficient('zero_variance', 0, 1);
  const sign = goodSign(comparison) === (spec.side === 'better' ? 1 : -1) ? 1 : -1;
  const look = asymptoticSequenceInformationTime({
    estimate: found.value.estimate,
    standardError,
    plannedStandardError: standardError * Math.sqrt(cell.n / spec.tunedTo),
    alpha: spec.alpha,
    alternative: spec.isTwoSided ? 'two-sided' : sign === 1 ? 'greater' : 'less',
  });
  if (look.kind === 'undefined') return insufficient('zero_variance', 0, 1);
  const { lower, upper, pValue } = look.value;
  const bound = sign === 1 ? lower : upper;
  return {
    kind: 'tested',
    passed: sign * bound > 0,
    pValue,
    alpha: spec.alpha,
    bound: bound - spec.linear.shift,
    threshold: 0 - spec.linear.shift,
    engine: 'confidence_sequence',
  };
}

function errorOf(cell: PairCell, { linear, variance }: SequenceSpec): number | null {
  const found = pairedContrast(cell, linear);
  if (found.kind === 'undefined') return null;
  switch (variance.kind) {
    case 'as_observed':
      return Math.sqrt(found.value.variance);
    case 'no_effect':
      return Math.sqrt(found.value.nullVariance);
    case 'margin': {
      const perPair = restrictedPairVariance(discordanceOf(cell), variance.difference);
      return Math.sqrt((perPair * clusterFactor(cell)) / cell.n);
    }
  }
}

/** Shares of discordant pairs as if each unit had one, so that the cluster factor counts them once. */
function discordanceOf({ n, meanA, meanD, meanM }: PairCell): {
  readonly pairs: number;
  readonly controlOnly: number;
  readonly treatmentOnly: number;
} {
  const [apart, more] = [meanA / meanM, meanD / meanM];
  return {
    pairs: n,
    controlOnly: (n * Math.max(0, apart - more)) / 2,
    treatmentOnly: (n * Math.max(0, apart + more)) / 2,
  };
}

function tooFewPairs(
  { cell, isEventLike, designMetric }: PairComparison,
  needUnits: number,
  variance: Variance,
): Insufficient | null {
  const have = cell?.n ?? 0;
  const margin = designMetric.nonInferiorityMargin;
  const byMargin =
    variance.kind === 'margin' && margin !== null && 'absolute' in margin
      ? Math.ceil(MIN_EVENTS / margin.absolute)
      : 0;
  const need = Math.max(needUnits, byMargin);
  if (have < need) return insufficient('too_few_units', have, need);
  if (!isEventLike || variance.kind === 'margin') return null;
  const differing = cell?.differing ?? 0;
  return differing < MIN_EVENTS ? insufficient('too_few_events', differing, MIN_EVENTS) : null;
}

/** Of events the variance that they have without an effect: the observed one keeps no level while they are rare. */
function noEffect({ isEventLike }: PairComparison): Variance {
  return isEventLike ? { kind: 'no_effect' } : { kind: 'as_observed' };
}

/** Events against an absolute margin while few units differ, or with one pair each: the variance at the margin. */
function underMargin(comparison: PairComparison): Variance {
  const { cell, isEventLike, designMetric } = comparison;
  const margin = designMetric.nonInferiorityMargin;
  if (cell === null || !isEventLike || margin === null || !('absolute' in margin)) {
    return { kind: 'as_observed' };
  }
  const isExact = cell.differing < MIN_EVENTS || (cell.meanM === 1 && cell.m2M === 0);
  if (!isExact) return { kind: 'as_observed' };
  return { kind: 'margin', difference: -goodSign(comparison) * margin.absolute };
}

/** The contrast whose zero is the margin, as for unpaired metrics. */
export function marginContrast(comparison: PairComparison): PairLinear {
  const margin = comparison.designMetric.nonInferiorityMargin;
  const sign = goodSign(comparison);
  if (margin === null) return DIFFERENCE;
  if ('absolute' in margin) return { factor: 1, shift: sign * margin.absolute };
  const sizeSign = (valueOf(comparison.cell, 'primary') ?? 0) < 0 ? -1 : 1;
  return { factor: 1 - sign * sizeSign * margin.relative, shift: 0 };
}

/** For events: of the sequence and the exact test of the first pairs the one that passed speaks. */
function withEvents(
  comparison: PairComparison,
  sequence: TestResult,
  { side, alpha }: { readonly side: 'better' | 'worse'; readonly alpha: number },
): TestResult {
  const { cell, isEventLike } = comparison;
  if (!isEventLike || cell === null) return sequence;
  const isMore = goodSign(comparison) === (side === 'better' ? 1 : -1);
  const { primaryOnly, shadowOnly } = cell.first;
  const logE = eventShareLogE(
    {
      share: FAIR_SHARE,
      concentration: E_PROCESS_CONCENTRATION,
      alternative: isMore ? 'greater' : 'less',
    },
    { controlEvents: primaryOnly, treatmentEvents: shadowOnly },
  );
  const pValue = Math.min(1, Math.exp(-logE));
  const passed = pValue <= alpha;
  if (!passed || (sequence.kind === 'tested' && sequence.passed)) return sequence;
  return {
    ...{ kind: 'tested', passed, pValue, alpha },
    ...{ bound: null, threshold: 0, engine: 'e_process' },
  };
}
