import type { FrozenDesign, Phase } from '../experiments/experiment.js';
import type { InsufficientReason, TestResult } from '../statistics/assessment.js';
import { asymptoticSequenceInformationTime } from '../statistics/confidence-sequence.js';
import { eventShareLogE } from '../statistics/rare-event.js';
import {
  contrastOf,
  DIFFERENCE,
  type Contrast,
  type Linear,
  type VarianceUnder,
} from './contrast.js';
import type { Comparison } from './strata.js';

/** Events and non-events that each arm needs before a normal approximation of a proportion is trusted. */
export const MIN_EVENTS = 10;

/** Harm is looked for early: its sequence is tuned to a tenth of the planned units. */
const HARM_TUNING = 10;

/** Concentration k of the e-process' prior Beta(k s, k (1 - s)): a doubling of errors is found fastest near 10. */
const E_PROCESS_CONCENTRATION = 10;

/** What every test of a comparison needs to know about the design. */
export interface TestSetting {
  readonly design: FrozenDesign;
  readonly phases: readonly Phase[];
  readonly control: string;
}

const AS_OBSERVED: VarianceUnder = { kind: 'as_observed' };

/** +1 where more is better, -1 where less is. */
export function signOf(comparison: Comparison): 1 | -1 {
  return comparison.designMetric.definition.direction === 'increase' ? 1 : -1;
}

/** Level of each superiority test: alpha over success metrics and arms (Bonferroni). */
export function successAlpha({ design }: TestSetting): number {
  const successes = design.metrics.filter((metric) => metric.role === 'success').length;
  return design.analysis.alpha / (Math.max(1, successes) * (design.variants.length - 1));
}

/** Level of each deterioration test: alpha over all metrics that can roll back, and arms (Bonferroni). */
export function harmAlpha({ design }: TestSetting): number {
  const watched = design.metrics.filter((metric) => metric.role !== 'diagnostic').length;
  return design.analysis.alpha / (Math.max(1, watched) * (design.variants.length - 1));
}

/**
 * Is the variant better? Two-sided confidence sequence at alpha, of which one side counts; for events also the
 * exact e-process at the other half, so that a variant without any bad event can win too. False promotion <= alpha.
 */
export function superiority(comparison: Comparison, setting: TestSetting): TestResult {
  const alpha = successAlpha(setting);
  const sequence = sequenceTest(comparison, setting, {
    linear: DIFFERENCE,
    under: noEffect(comparison),
    alpha,
    side: 'better',
    isTwoSided: true,
    tunedTo: setting.design.analysis.plannedUnits,
  });
  if (!comparison.isEventLike) return sequence;
  const direction = signOf(comparison) === 1 ? 'greater' : 'less';
  return strongest(sequence, eventTest(comparison, setting, direction, alpha / 2));
}

/**
 * Is the variant worse? Success metrics and failure events: worse at all. Other guardrails: worse than their margin
 * allows, because the margin is what the team has declared acceptable.
 */
export function deterioration(comparison: Comparison, setting: TestSetting): TestResult {
  const { role } = comparison.designMetric;
  const alpha = harmAlpha(setting);
  const tunedTo = setting.design.analysis.plannedUnits / HARM_TUNING;
  const beyondMargin = role === 'guardrail' && !comparison.isEventLike;
  const sequence = sequenceTest(comparison, setting, {
    linear: beyondMargin ? marginContrast(comparison) : DIFFERENCE,
    under: beyondMargin ? AS_OBSERVED : noEffect(comparison),
    alpha: comparison.isEventLike ? alpha / 2 : alpha,
    side: 'worse',
    tunedTo,
  });
  if (!comparison.isEventLike) return sequence;
  const direction = signOf(comparison) === 1 ? 'less' : 'greater';
  return strongest(sequence, eventTest(comparison, setting, direction, alpha / 2));
}

/** Is the guardrail shown to be no worse than its margin? Each at full alpha (intersection-union). */
export function nonInferiority(comparison: Comparison, setting: TestSetting): TestResult {
  const linear = marginContrast(comparison);
  const { alpha, plannedUnits } = setting.design.analysis;
  const margin = comparison.designMetric.nonInferiorityMargin;
  const isExact = comparison.isEventLike && margin !== null && 'absolute' in margin;
  if (isExact && (comparison.shape === 'binary' || isRare(comparison))) {
    const tooFew = tooFewUnderMargin(comparison, margin.absolute);
    if (tooFew !== null) return tooFew;
    const difference = -signOf(comparison) * margin.absolute;
    const under: VarianceUnder = { kind: 'difference', difference };
    const spec = { linear, under, alpha, side: 'better', tunedTo: plannedUnits } as const;
    return sequenceTest(comparison, setting, { ...spec, needsEvents: false });
  }
  const spec = {
    linear,
    under: AS_OBSERVED,
    alpha,
    side: 'better',
    tunedTo: plannedUnits,
  } as const;
  return sequenceTest(comparison, setting, spec);
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

interface SequenceSpec {
  readonly linear: Linear;
  readonly under: VarianceUnder;
  readonly alpha: number;
  /** `better` passes above zero in the metric's good direction, `worse` below. */
  readonly side: 'better' | 'worse';
  /** Two-sided spends half of alpha on the other side. */
  readonly isTwoSided?: boolean;
  /** Units in both arms at which the boundary is tightest. */
  readonly tunedTo: number;
  readonly needsEvents?: boolean;
}

/** Asymptotic confidence sequence in information time (Waudby-Smith et al., arXiv 2103.06476). */
function sequenceTest(
  comparison: Comparison,
  setting: TestSetting,
  spec: SequenceSpec,
): TestResult {
  const tooFew = tooFewToTest(comparison, setting, spec.needsEvents ?? true);
  if (tooFew !== null) return tooFew;
  const contrast = contrastOf(comparison, spec.linear, spec.under);
  if (contrast === null) return insufficient('zero_denominator', 0, 1);
  if (!(contrast.standardError > 0)) return insufficient('zero_variance', 0, 1);
  const sign = signOf(comparison) * (spec.side === 'better' ? 1 : -1);
  const oneSided = sign === 1 ? 'greater' : 'less';
  const look = asymptoticSequenceInformationTime({
    estimate: contrast.estimate,
    standardError: contrast.standardError,
    plannedStandardError: plannedStandardError(contrast, spec.tunedTo),
    alpha: spec.alpha,
    alternative: spec.isTwoSided === true ? 'two-sided' : oneSided,
  });
  if (look.kind === 'undefined') return insufficient('zero_variance', 0, 1);
  const { lower, upper, pValue } = look.value;
  const bound = sign === 1 ? lower : upper;
  const passed = sign * bound > 0;
  return {
    kind: 'tested',
    passed,
    pValue,
    alpha: spec.alpha,
    bound: bound - spec.linear.shift,
    threshold: 0 - spec.linear.shift,
    engine: 'confidence_sequence',
  };
}

/** se at the planned units: information grows with n_c n_t / (n_c + n_t), N / 4 for N units in equal arms. */
export function plannedStandardError(contrast: Contrast, tunedTo: number): number {
  return contrast.standardError * Math.sqrt(contrast.effectiveUnits / (tunedTo / 4));
}

/**
 * Units with an event: under no effect each falls into the treatment with its share of the units, exactly, and the
 * e-values of the phases multiply.
 */
function eventTest(
  comparison: Comparison,
  setting: TestSetting,
  direction: 'greater' | 'less',
  alpha: number,
): TestResult {
  const logE = comparison.strata.reduce((sum, { phase, control, treatment }) => {
    const share = treatmentShare(setting, phase, comparison.variant);
    const test = { share, concentration: E_PROCESS_CONCENTRATION, alternative: direction };
    const counts = { controlEvents: control.events, treatmentEvents: treatment.events };
    return sum + eventShareLogE(test, counts);
  }, 0);
  const pValue = Math.min(1, Math.exp(-logE));
  return {
    kind: 'tested',
    passed: pValue <= alpha,
    pValue,
    alpha,
    bound: null,
    threshold: 0,
    engine: 'e_process',
  };
}

function treatmentShare(setting: TestSetting, phase: number, variant: string): number {
  const shares = setting.phases.find((known) => known.phase === phase)?.shares ?? {};
  const ofVariant = shares[variant] ?? 0;
  const ofControl = shares[setting.control] ?? 0;
  return ofVariant / (ofVariant + ofControl);
}

/** Pooled under no effect where that is defined; the delta method and Welch have no pooled form that is better. */
function noEffect(comparison: Comparison): VarianceUnder {
  return comparison.shape === 'binary' ? { kind: 'no_effect' } : AS_OBSERVED;
}

function tooFewToTest(
  comparison: Comparison,
  setting: TestSetting,
  needsEvents: boolean,
): TestResult | null {
  const need = setting.design.analysis.minUnits;
  const have = Math.min(comparison.control.n, comparison.treatment.n);
  if (have < need) return insufficient('too_few_units', have, need);
  if (!needsEvents || !comparison.isEventLike) return null;
  const events = Math.min(...eventCounts(comparison));
  if (events < MIN_EVENTS) return insufficient('too_few_events', events, MIN_EVENTS);
  const nonEvents = Math.min(...nonEventCounts(comparison));
  if (nonEvents < MIN_EVENTS) return insufficient('too_few_non_events', nonEvents, MIN_EVENTS);
  return null;
}

function tooFewUnderMargin(comparison: Comparison, margin: number): TestResult | null {
  const need = Math.ceil(MIN_EVENTS / margin);
  const have = Math.min(comparison.control.n, comparison.treatment.n);
  return have < need ? insufficient('too_few_units', have, need) : null;
}

function isRare(comparison: Comparison): boolean {
  return Math.min(...eventCounts(comparison)) < MIN_EVENTS;
}

/** Events per arm: requests for a rate per request, units otherwise. */
function eventCounts({ strata }: Comparison): readonly [number, number] {
  return [
    strata.reduce((sum, { control }) => sum + control.n * control.meanY, 0),
    strata.reduce((sum, { treatment }) => sum + treatment.n * treatment.meanY, 0),
  ];
}

function nonEventCounts({ strata }: Comparison): readonly [number, number] {
  return [
    strata.reduce((sum, { control }) => sum + control.n * (control.meanD - control.meanY), 0),
    strata.reduce(
      (sum, { treatment }) => sum + treatment.n * (treatment.meanD - treatment.meanY),
      0,
    ),
  ];
}

function insufficient(reason: InsufficientReason, have: number, need: number): TestResult {
  return { kind: 'insufficient', reason, have, need };
}

/** Of two tests that share an alpha the one that passed speaks; the sequence where both or neither did. */
function strongest(sequence: TestResult, events: TestResult): TestResult {
  const eventsPassed = events.kind === 'tested' && events.passed;
  const sequencePassed = sequence.kind === 'tested' && sequence.passed;
  return eventsPassed && !sequencePassed ? events : sequence;
}
