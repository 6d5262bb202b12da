import type { TestResult } from '../statistics/assessment.js';
import { asymptoticSequenceInformationTime } from '../statistics/confidence-sequence.js';
import { eventShareLogE } from '../statistics/rare-event.js';
import type { Contrast } from './contrast.js';
import {
  beyondMargin,
  difference,
  harmAlpha,
  type Hypothesis,
  signOf,
  successAlpha,
  testable,
  type TestSetting,
  treatmentShare,
  withinMargin,
} from './hypothesis.js';
import { insufficient } from './minimum-evidence.js';
import type { Comparison } from './strata.js';

/** Harm is looked for early: its sequence is tuned to a tenth of the planned units. */
const HARM_TUNING = 10;

/** Concentration k of the e-process' prior Beta(k s, k (1 - s)): a doubling of errors is found fastest near 10. */
const E_PROCESS_CONCENTRATION = 10;

/**
 * Is the variant better? Two-sided confidence sequence at alpha, of which one side counts; for events also the
 * exact e-process at the other half, so that a variant without any bad event can win too. False promotion <= alpha.
 */
export function superiority(comparison: Comparison, setting: TestSetting): TestResult {
  const sequence = sequenceTest(comparison, setting, {
    hypothesis: difference(comparison, 'better'),
    alpha: successAlpha(setting),
    isTwoSided: true,
    tunedTo: setting.design.analysis.plannedUnits,
  });
  return strongest(sequence, betterEvents(comparison, setting));
}

/**
 * Is the variant worse? Success metrics and failure events: worse at all. Other guardrails: worse than their margin
 * allows, because the margin is what the team has declared acceptable. Always-valid whatever the method.
 */
export function deterioration(comparison: Comparison, setting: TestSetting): TestResult {
  const { designMetric, isEventLike } = comparison;
  const alpha = harmAlpha(setting);
  const isByMargin = designMetric.role === 'guardrail' && !isEventLike;
  const sequence = sequenceTest(comparison, setting, {
    hypothesis: isByMargin ? beyondMargin(comparison) : difference(comparison, 'worse'),
    alpha: isEventLike ? alpha / 2 : alpha,
    isTwoSided: false,
    tunedTo: setting.design.analysis.plannedUnits / HARM_TUNING,
  });
  if (!isEventLike) return sequence;
  const direction = signOf(comparison) === 1 ? 'less' : 'greater';
  return strongest(sequence, eventTest(comparison, setting, direction, alpha / 2));
}

/** Is the guardrail shown to be no worse than its margin? Each at full alpha (intersection-union). */
export function nonInferiority(comparison: Comparison, setting: TestSetting): TestResult {
  const hypothesis = withinMargin(comparison);
  if ('kind' in hypothesis) return hypothesis;
  const { alpha, plannedUnits } = setting.design.analysis;
  return sequenceTest(comparison, setting, {
    hypothesis,
    alpha,
    isTwoSided: false,
    tunedTo: plannedUnits,
  });
}

interface SequenceSpec {
  readonly hypothesis: Hypothesis;
  readonly alpha: number;
  /** Two-sided spends half of alpha on the other side. */
  readonly isTwoSided: boolean;
  /** Units in both arms at which the boundary is tightest. */
  readonly tunedTo: number;
}

/** Asymptotic confidence sequence in information time (Waudby-Smith et al., arXiv 2103.06476). */
function sequenceTest(
  comparison: Comparison,
  setting: TestSetting,
  { hypothesis, alpha, isTwoSided, tunedTo }: SequenceSpec,
): TestResult {
  const ready = testable(comparison, setting, hypothesis);
  if (ready.kind === 'insufficient') return ready;
  const { contrast, sign } = ready;
  const oneSided = sign === 1 ? 'greater' : 'less';
  const look = asymptoticSequenceInformationTime({
    estimate: contrast.estimate,
    standardError: contrast.standardError,
    plannedStandardError: plannedStandardError(contrast, tunedTo),
    alpha,
    alternative: isTwoSided ? 'two-sided' : oneSided,
  });
  if (look.kind === 'undefined') return insufficient('zero_variance', 0, 1);
  const { lower, upper, pValue } = look.value;
  const bound = sign === 1 ? lower : upper;
  return {
    kind: 'tested',
    passed: sign * bound > 0,
    pValue,
    alpha,
    bound: bound - hypothesis.linear.shift,
    threshold: 0 - hypothesis.linear.shift,
    engine: 'confidence_sequence',
  };
}

/** se at the planned units: information grows with n_c n_t / (n_c + n_t), N / 4 for N units in equal arms. */
export function plannedStandardError(contrast: Contrast, tunedTo: number): number {
  return contrast.standardError * Math.sqrt(contrast.effectiveUnits / (tunedTo / 4));
}

/** The exact test of "better" at half of the level of superiority; null for what is not an event. */
export function betterEvents(comparison: Comparison, setting: TestSetting): TestResult | null {
  if (!comparison.isEventLike) return null;
  const direction = signOf(comparison) === 1 ? 'greater' : 'less';
  return eventTest(comparison, setting, direction, successAlpha(setting) / 2);
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
    // a phase that intended one of the arms only compares nothing
    if (share <= 0 || share >= 1) return sum;
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

/** Of two tests that share an alpha the one that passed speaks; the first where both or neither did. */
export function strongest(first: TestResult, events: TestResult | null): TestResult {
  const eventsPassed = events?.kind === 'tested' && events.passed;
  const firstPassed = first.kind === 'tested' && first.passed;
  return eventsPassed && !firstPassed ? events : first;
}
