import type { FrozenDesign, Phase } from '../experiments/experiment.js';
import { invariant } from '../kernel/assert.js';
import {
  contrastOf,
  type Contrast,
  DIFFERENCE,
  type Linear,
  type VarianceUnder,
} from './contrast.js';
import {
  type Insufficient,
  insufficient,
  isRare,
  tooFewToTest,
  tooFewUnderMargin,
} from './minimum-evidence.js';
import type { Comparison } from './strata.js';

/** What every test of a comparison needs to know about the design. */
export interface TestSetting {
  readonly design: FrozenDesign;
  readonly phases: readonly Phase[];
  readonly control: string;
}

/** A one-sided claim about a comparison, and the variance it is tested with. Which engine tests it is left open. */
export interface Hypothesis {
  readonly linear: Linear;
  readonly under: VarianceUnder;
  /** `better`: the contrast is above zero in the metric's good direction; `worse`: below. */
  readonly side: 'better' | 'worse';
  readonly needsEvents: boolean;
}

/** A contrast ready to be tested: its standard error is above 0 and there is enough of everything. */
export interface Testable {
  readonly kind: 'testable';
  readonly contrast: Contrast;
  /** +1 when the claim is "contrast > 0", -1 when it is "contrast < 0". */
  readonly sign: 1 | -1;
}

const AS_OBSERVED: VarianceUnder = { kind: 'as_observed' };

/** +1 where more is better, -1 where less is. */
export function signOf(comparison: Comparison): 1 | -1 {
  return comparison.designMetric.definition.direction === 'increase' ? 1 : -1;
}

/** Superiority tests of the experiment: success metrics times variants. */
export function successTests({ design }: TestSetting): number {
  const successes = design.metrics.filter((metric) => metric.role === 'success').length;
  return Math.max(1, successes) * (design.variants.length - 1);
}

/** Level of each superiority test: alpha over success metrics and arms (Bonferroni). */
export function successAlpha(setting: TestSetting): number {
  return setting.design.analysis.alpha / successTests(setting);
}

/** Level of each deterioration test: alpha over all metrics that can roll back, and arms (Bonferroni). */
export function harmAlpha({ design }: TestSetting): number {
  const watched = design.metrics.filter((metric) => metric.role !== 'diagnostic').length;
  return design.analysis.alpha / (Math.max(1, watched) * (design.variants.length - 1));
}

/** The variant differs from the control, in the good or the bad direction. */
export function difference(comparison: Comparison, side: 'better' | 'worse'): Hypothesis {
  return { linear: DIFFERENCE, under: noEffect(comparison), side, needsEvents: true };
}

/** The guardrail is worse than its margin allows. */
export function beyondMargin(comparison: Comparison): Hypothesis {
  const linear = marginContrast(comparison);
  return { linear, under: AS_OBSERVED, side: 'worse', needsEvents: true };
}

/**
 * The guardrail is better than "worse by its margin". Proportions against an absolute margin have a variance of
 * their own under that margin and need no event to have happened, but units in which ten could have.
 */
export function withinMargin(comparison: Comparison): Hypothesis | Insufficient {
  const linear = marginContrast(comparison);
  const margin = comparison.designMetric.nonInferiorityMargin;
  const isExact = comparison.isEventLike && margin !== null && 'absolute' in margin;
  if (isExact && (comparison.shape === 'binary' || isRare(comparison))) {
    const tooFew = tooFewUnderMargin(comparison, margin.absolute);
    if (tooFew !== null) return tooFew;
    const under = {
      kind: 'difference',
      difference: -signOf(comparison) * margin.absolute,
    } as const;
    return { linear, under, side: 'better', needsEvents: false };
  }
  return { linear, under: AS_OBSERVED, side: 'better', needsEvents: true };
}

/**
 * The contrast whose zero is the margin: treatment - control + sign x margin for an absolute one,
 * treatment - (1 - sign x r) control for a relative one (r of the control's size).
 */
export function marginContrast(comparison: Comparison): Linear {
  const margin = comparison.designMetric.nonInferiorityMargin;
  const sign = signOf(comparison);
  if (margin === null) return DIFFERENCE;
  if ('absolute' in margin) return { factor: 1, shift: sign * margin.absolute };
  const sizeSign = (comparison.control.value ?? 0) < 0 ? -1 : 1;
  return { factor: 1 - sign * sizeSign * margin.relative, shift: 0 };
}

/** The contrast of a hypothesis, or what is missing for a test of it. */
export function testable(
  comparison: Comparison,
  setting: TestSetting,
  hypothesis: Hypothesis,
): Testable | Insufficient {
  const { linear, under, side, needsEvents } = hypothesis;
  const tooFew = tooFewToTest(comparison, setting.design.analysis.minUnits, needsEvents);
  if (tooFew !== null) return tooFew;
  const contrast = contrastOf(comparison, linear, under);
  if (contrast === null) return insufficient('zero_denominator', 0, 1);
  if (!(contrast.standardError > 0)) return insufficient('zero_variance', 0, 1);
  const sign = signOf(comparison) === (side === 'better' ? 1 : -1) ? 1 : -1;
  return { kind: 'testable', contrast, sign };
}

/** The share of the variant among its own and the control's units that a phase intended. */
export function treatmentShare(setting: TestSetting, phase: number, variant: string): number {
  const shares = setting.phases.find((known) => known.phase === phase)?.shares ?? {};
  const ofVariant = shares[variant] ?? 0;
  const ofControl = shares[setting.control] ?? 0;
  invariant(ofVariant + ofControl > 0, `phase ${String(phase)} has shares of ${variant}`);
  return ofVariant / (ofVariant + ofControl);
}

/** Pooled under no effect where that is defined; the delta method and Welch have no pooled form that is better. */
function noEffect(comparison: Comparison): VarianceUnder {
  return comparison.shape === 'binary' ? { kind: 'no_effect' } : AS_OBSERVED;
}
