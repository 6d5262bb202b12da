import type { Assessment, MetricAssessment, TestResult } from '../../statistics/assessment.js';
import type { Numbers, PolicyDesign, PolicyState, RuleName, RuleOutcome } from './policy.js';

/** What a rule sees. */
export interface RuleContext {
  readonly design: PolicyDesign;
  readonly state: PolicyState;
  readonly assessment: Assessment;
  readonly nowMs: number;
  /** An earlier policy, under which its decisions are replayed; absent: the present one. */
  readonly policyVersion?: string;
}

/** A rule lets the next one speak or stops here with a verdict. */
export type RuleResult = Pass | Stop;

export interface Pass {
  readonly kind: 'pass';
  readonly outcome: RuleOutcome;
}

export interface Stop {
  readonly kind: 'stop';
  readonly outcome: RuleOutcome;
  readonly verdict: 'promote' | 'rollback' | 'advance' | 'hold' | 'inconclusive';
  readonly code: string;
  readonly variant: string | null;
  readonly toStep: number | null;
  /** One arm is rolled back, others go on. */
  readonly scope?: 'arm';
  readonly bakingSinceMs?: number;
}

export function pass(rule: RuleName, text: string, numbers: Numbers = {}): Pass {
  return { kind: 'pass', outcome: { rule, outcome: 'pass', text, numbers } };
}

export function hold(rule: RuleName, code: string, text: string, numbers: Numbers = {}): Stop {
  const outcome: RuleOutcome = { rule, outcome: 'hold', text, numbers };
  return { kind: 'stop', outcome, verdict: 'hold', code, variant: null, toStep: null };
}

interface Act {
  readonly rule: RuleName;
  readonly verdict: 'promote' | 'rollback' | 'advance' | 'inconclusive';
  readonly code: string;
  readonly variant: string | null;
  readonly toStep: number | null;
  readonly text: string;
  readonly numbers: Numbers;
}

export function act({ rule, verdict, code, variant, toStep, text, numbers }: Act): Stop {
  const outcome: RuleOutcome = { rule, outcome: 'act', text, numbers };
  return { kind: 'stop', outcome, verdict, code, variant, toStep };
}

/** Variants besides the control that were not closed. */
export function variantsOf(design: PolicyDesign, { closed = [] }: PolicyState): readonly string[] {
  return design.variants
    .filter((variant) => !variant.control && !closed.includes(variant.name))
    .map((variant) => variant.name);
}

export function metricsOf(assessment: Assessment, variant: string): readonly MetricAssessment[] {
  return assessment.metrics.filter((metric) => metric.variant === variant);
}

export function passed(test: TestResult | null): boolean {
  return test?.kind === 'tested' && test.passed;
}

/** Worse than the control in some metric, or above a limit: it can no longer win. */
export function isHarmed(assessment: Assessment, variant: string): boolean {
  return (
    metricsOf(assessment, variant).some((metric) => passed(metric.deterioration)) ||
    (assessment.limits ?? []).some((limit) => limit.variant === variant && limit.exceeded)
  );
}

export function testNumbers(metric: MetricAssessment, test: TestResult | null): Numbers {
  const base = {
    metric: metric.metric,
    variant: metric.variant,
    control: metric.control.value,
    treatment: metric.treatment.value,
    effect: metric.effect,
  };
  if (test?.kind !== 'tested') return base;
  const { pValue, alpha, bound, threshold, engine } = test;
  return { ...base, pValue, alpha, bound, threshold, engine };
}

/** Index of the last step that still has a concurrent control: the one in which promotion is decided. */
export function lastRampStep(design: PolicyDesign): number {
  return design.steps.findLastIndex((step) => step.coverage < 1);
}

interface Withdrawal {
  readonly rule: RuleName;
  readonly code: string;
  readonly variant: string;
  readonly text: string;
  readonly numbers: Numbers;
}

/**
 * What follows when a variant must go. While others are left only its arm is closed; the last one ends the
 * experiment. Where people decide, an arm that must go can no longer win, and the others are looked at all the same.
 */
export function withdraw(
  { design, state, policyVersion }: RuleContext,
  { rule, code, variant, text, numbers }: Withdrawal,
  isLast: boolean,
): Pass | Stop {
  const { onDeterioration, dryRun } = design.decision;
  if (!isLast) {
    const acts = onDeterioration === 'rollback' && !dryRun && policyVersion !== '1';
    if (!acts) return pass(rule, `${text}; it can no longer win`, numbers);
    const left = variantsOf(design, state).filter((name) => name !== variant);
    const told = `${text}; its arm is closed, ${left.join(', ')} go on`;
    const stop = act({
      rule,
      verdict: 'rollback',
      code,
      variant,
      toStep: null,
      text: told,
      numbers,
    });
    return { ...stop, scope: 'arm' };
  }
  if (onDeterioration === 'recommend') {
    return hold(rule, 'rollback_recommended', `rollback recommended: ${text}`, numbers);
  }
  return act({ rule, verdict: 'rollback', code, variant, toStep: null, text, numbers });
}
