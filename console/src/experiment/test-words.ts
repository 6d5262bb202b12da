import type { MetricAssessment, TestResult } from '../api/types.js';
import type { Tone } from '../parts/chip.js';

type Tested = Extract<TestResult, { kind: 'tested' }>;

const REASONS: Readonly<Record<Extract<TestResult, { kind: 'insufficient' }>['reason'], string>> = {
  too_few_units: 'too few units',
  too_few_events: 'too few events',
  too_few_non_events: 'too few units without the event',
  too_skewed: 'too skewed for so few units',
  zero_variance: 'no variation yet',
  zero_denominator: 'nothing to divide by yet',
  too_little_information: 'before the first look',
  fixed_horizon_not_reached: 'planned units not reached',
  fixed_runtime_not_reached: 'planned time not reached',
};

export interface Finding {
  readonly tone: Tone;
  readonly word: string;
  /** What stands behind it, with numbers. */
  readonly detail: string;
  /** The test that speaks; null where none could be made. */
  readonly test: TestResult | null;
}

/** The one thing to say of a metric of a variant: harm first, then what its role asks for. */
export function findingOf(metric: MetricAssessment): Finding {
  const { deterioration, role } = metric;
  if (isPassed(deterioration)) {
    return { tone: 'bad', word: 'Worse', detail: 'harm is shown', test: deterioration };
  }
  if (role === 'success') {
    return isPassed(metric.superiority)
      ? { tone: 'good', word: 'Better', detail: 'superiority is shown', test: metric.superiority }
      : open(metric.superiority, 'Not shown better');
  }
  if (role === 'guardrail') {
    return isPassed(metric.nonInferiority)
      ? {
          tone: 'good',
          word: 'Within margin',
          detail: 'non-inferiority is shown',
          test: metric.nonInferiority,
        }
      : open(metric.nonInferiority, 'Margin not shown');
  }
  return { tone: 'calm', word: 'For information', detail: 'decides nothing', test: null };
}

export function isPassed(test: TestResult | null): test is Tested {
  return test?.kind === 'tested' && test.passed;
}

/** Why a test could not be made, with how much is there and how much it needs. */
export function insufficientWords(test: Extract<TestResult, { kind: 'insufficient' }>): string {
  const needs = test.need > 1 ? `: ${test.have} of ${test.need}` : '';
  return `${REASONS[test.reason]}${needs}`;
}

const ENGINES: Readonly<Record<Tested['engine'], string>> = {
  confidence_sequence: 'confidence sequence, valid at every look',
  e_process: 'exact e-process on events, valid at every look',
  group_sequential: 'group-sequential boundary',
  fixed: 'one test at the planned size',
};

export function engineWords(engine: Tested['engine']): string {
  return ENGINES[engine];
}

function open(test: TestResult | null, word: string): Finding {
  if (test?.kind === 'insufficient') {
    return { tone: 'caution', word: 'Not testable yet', detail: insufficientWords(test), test };
  }
  return { tone: 'caution', word, detail: 'evidence is still coming in', test };
}
