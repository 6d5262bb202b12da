import type { Assessment, MetricAssessment, TestResult } from '../../statistics/assessment.js';
import type { Numbers, PolicyDesign, PolicyState, RuleName, RuleOutcome } from './policy.js';
import { durationInWords, inWords, pInWords } from './words.js';

/** What a rule sees. */
export interface RuleContext {
  readonly design: PolicyDesign;
  readonly state: PolicyState;
  readonly assessment: Assessment;
  readonly nowMs: number;
}

/** A rule either lets the next one speak or stops here with a verdict. */
export type RuleResult =
  | { readonly kind: 'pass'; readonly outcome: RuleOutcome }
  | {
      readonly kind: 'stop';
      readonly outcome: RuleOutcome;
      readonly verdict: 'promote' | 'rollback' | 'advance' | 'hold';
      readonly code: string;
      readonly variant: string | null;
      readonly toStep: number | null;
    };

function pass(rule: RuleName, text: string, numbers: Numbers = {}): RuleResult {
  return { kind: 'pass', outcome: { rule, outcome: 'pass', text, numbers } };
}

function hold(rule: RuleName, code: string, text: string, numbers: Numbers = {}): RuleResult {
  const outcome: RuleOutcome = { rule, outcome: 'hold', text, numbers };
  return { kind: 'stop', outcome, verdict: 'hold', code, variant: null, toStep: null };
}

interface Act {
  readonly rule: RuleName;
  readonly verdict: 'promote' | 'rollback' | 'advance';
  readonly code: string;
  readonly variant: string | null;
  readonly toStep: number | null;
  readonly text: string;
  readonly numbers: Numbers;
}

function act({ rule, verdict, code, variant, toStep, text, numbers }: Act): RuleResult {
  const outcome: RuleOutcome = { rule, outcome: 'act', text, numbers };
  return { kind: 'stop', outcome, verdict, code, variant, toStep };
}

function variantsOf(design: PolicyDesign): readonly string[] {
  return design.variants.filter((variant) => !variant.control).map((variant) => variant.name);
}

function metricsOf(assessment: Assessment, variant: string): readonly MetricAssessment[] {
  return assessment.metrics.filter((metric) => metric.variant === variant);
}

function passed(test: TestResult | null): boolean {
  return test?.kind === 'tested' && test.passed;
}

function isHarmed(assessment: Assessment, variant: string): boolean {
  return metricsOf(assessment, variant).some((metric) => passed(metric.deterioration));
}

/** The metric whose evidence of harm is strongest against its own level: the one that people are told. */
function mostHarmed(assessment: Assessment): MetricAssessment | undefined {
  const strength = ({ deterioration: test }: MetricAssessment): number =>
    test?.kind === 'tested' ? test.pValue / test.alpha : Number.POSITIVE_INFINITY;
  return assessment.metrics
    .filter((metric) => passed(metric.deterioration))
    .sort((left, right) => strength(left) - strength(right))[0];
}

function testNumbers(metric: MetricAssessment, test: TestResult | null): Numbers {
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

/** Rollback dominates every hold: harm shown at its error level ends the rollout, also while paused. */
export function deterioration({ design, assessment }: RuleContext): RuleResult {
  const variants = variantsOf(design);
  const harmed = variants.filter((variant) => isHarmed(assessment, variant));
  if (harmed.length === 0) return pass('deterioration', 'no metric shows harm');
  const worst = mostHarmed(assessment);
  if (worst?.deterioration?.kind !== 'tested') return pass('deterioration', 'no metric shows harm');
  const numbers = testNumbers(worst, worst.deterioration);
  const text =
    `${worst.role} ${worst.metric} of ${worst.variant} is worse: ` +
    `${inWords(worst.treatment.value)} against ${inWords(worst.control.value)} in the control, ` +
    `${pInWords(worst.deterioration.pValue)} at level ${inWords(worst.deterioration.alpha)}`;
  if (harmed.length < variants.length) {
    return pass('deterioration', `${text}; it can no longer win`, numbers);
  }
  if (design.decision.onDeterioration === 'recommend') {
    return hold('deterioration', 'rollback_recommended', `rollback recommended: ${text}`, numbers);
  }
  const code = `${worst.role}_deteriorated`;
  const variant = worst.variant;
  return act({
    rule: 'deterioration',
    verdict: 'rollback',
    code,
    variant,
    toStep: null,
    text,
    numbers,
  });
}

/** A split that chance does not explain means the arms are not comparable. */
export function sampleRatio({ design, assessment }: RuleContext): RuleResult {
  const { mismatch, runningPValue, alpha } = assessment.quality.sampleRatio;
  const numbers = { pValue: runningPValue, alpha };
  if (!mismatch)
    return pass('sample_ratio', `the sample ratio fits (${pInWords(runningPValue)})`, numbers);
  const text = `the sample ratio is off: ${pInWords(runningPValue)} at level ${inWords(alpha)}`;
  if (design.decision.onSampleRatioMismatch === 'hold') {
    return hold('sample_ratio', 'sample_ratio_mismatch', text, numbers);
  }
  const variant = variantsOf(design)[0] ?? null;
  const code = 'sample_ratio_mismatch';
  return act({
    rule: 'sample_ratio',
    verdict: 'rollback',
    code,
    variant,
    toStep: null,
    text,
    numbers,
  });
}

/** Units that met two variants are in neither arm; too many of them and the arms are not what they claim. */
export function crossover({ assessment }: RuleContext): RuleResult {
  const { crossoverAlarm, crossoverShare, crossoverUnits } = assessment.quality;
  const numbers = { crossoverUnits, crossoverShare };
  const text = `${inWords(crossoverUnits)} units met two variants (${inWords(crossoverShare * 100)} %)`;
  return crossoverAlarm
    ? hold('crossover', 'multiple_exposure', text, numbers)
    : pass('crossover', text, numbers);
}

/** Degraded data may hold or roll back, never promote. */
export function completeness({ assessment }: RuleContext): RuleResult {
  const { droppedEvents, caughtUp } = assessment.quality;
  if (droppedEvents > 0) {
    const text = `${inWords(droppedEvents)} events could not be written down since the start`;
    return hold('completeness', 'events_dropped', text, { droppedEvents });
  }
  if (!caughtUp) return hold('completeness', 'backlog', 'events are still being rolled up');
  return pass('completeness', 'every event is in the evidence');
}

/** An experiment that nobody reaches says so instead of waiting silently. */
export function noData({ design, state, assessment, nowMs }: RuleContext): RuleResult {
  const units = assessment.units.reduce((sum, arm) => sum + arm.units, 0);
  if (units > 0) return pass('no_data', `${inWords(units)} units are enrolled`, { units });
  const waitedMs = nowMs - state.startedAtMs;
  const text = `no unit was exposed in ${durationInWords(waitedMs)}`;
  const { onNoData, noDataGraceMs } = design.decision;
  if (onNoData === 'rollback' && waitedMs >= noDataGraceMs) {
    const variant = variantsOf(design)[0] ?? null;
    const numbers = { waitedMs, noDataGraceMs };
    return act({
      rule: 'no_data',
      verdict: 'rollback',
      code: 'no_data',
      variant,
      toStep: null,
      text,
      numbers,
    });
  }
  return hold('no_data', 'no_data', text, { waitedMs });
}

export function paused({ state }: RuleContext): RuleResult {
  return state.status === 'paused'
    ? hold('paused', 'paused', 'paused by a person: only harm is acted on')
    : pass('paused', 'not paused');
}

/** Below the minimum nothing but harm is acted on. */
export function minimumEvidence({ design, assessment }: RuleContext): RuleResult {
  const need = Math.max(design.analysis.minUnits, 1);
  const relevant = assessment.metrics.filter((metric) => metric.role !== 'diagnostic');
  for (const metric of relevant) {
    const have = Math.min(metric.control.n, metric.treatment.n);
    if (have < need) {
      const numbers = { metric: metric.metric, variant: metric.variant, have, need };
      const text = `${metric.metric} has ${inWords(have)} matured units in the smaller arm, needs ${inWords(need)}`;
      return hold('minimum_evidence', 'too_few_units', text, numbers);
    }
  }
  return pass('minimum_evidence', `every arm has at least ${inWords(need)} matured units`, {
    need,
  });
}

/** Canary steps before the last: time, minimum evidence and approval, then the next step begins. */
export function step({ design, state, assessment, nowMs }: RuleContext): RuleResult {
  if (design.kind !== 'canary') return pass('step', 'no steps');
  const current = design.steps[state.step];
  if (current === undefined)
    return hold('step', 'no_such_step', `step ${inWords(state.step)} does not exist`);
  const elapsedMs = nowMs - state.stepStartedAtMs;
  const { durationMs, minUnits, approval } = current.hold;
  if (elapsedMs < durationMs) {
    const text = `step ${inWords(state.step + 1)} (${inWords(current.coverage * 100)} %) holds for another ${durationInWords(durationMs - elapsedMs)}`;
    return hold('step', 'step_time', text, { step: state.step, elapsedMs, durationMs });
  }
  const arms = assessment.units.map((arm) => arm.units);
  const have = arms.length === 0 ? 0 : Math.min(...arms);
  if (have < minUnits) {
    const text = `step ${inWords(state.step + 1)} has ${inWords(have)} units in the smaller arm, needs ${inWords(minUnits)}`;
    return hold('step', 'step_units', text, { step: state.step, have, need: minUnits });
  }
  if (approval && state.approvedStep !== state.step) {
    return hold('step', 'awaiting_approval', `step ${inWords(state.step + 1)} awaits approval`, {
      step: state.step,
    });
  }
  if (state.step >= lastRampStep(design))
    return pass('step', 'the last step with a control is complete');
  const next = design.steps[state.step + 1];
  const text = `step ${inWords(state.step + 1)} is complete: coverage ${inWords(current.coverage * 100)} % → ${inWords((next?.coverage ?? 1) * 100)} %`;
  const numbers = { step: state.step, elapsedMs, units: have };
  return act({
    rule: 'step',
    verdict: 'advance',
    code: 'step_complete',
    variant: null,
    toStep: state.step + 1,
    text,
    numbers,
  });
}

/** Daily cycles must be covered before anything is promoted. */
export function minimumRuntime({ design, state, nowMs }: RuleContext): RuleResult {
  const elapsedMs = nowMs - state.startedAtMs;
  const { minRuntimeMs } = design.analysis;
  if (elapsedMs >= minRuntimeMs)
    return pass('minimum_runtime', `ran for ${durationInWords(elapsedMs)}`, { elapsedMs });
  const text = `promotion waits another ${durationInWords(minRuntimeMs - elapsedMs)} for the minimum runtime`;
  return hold('minimum_runtime', 'minimum_runtime', text, { elapsedMs, minRuntimeMs });
}

function guardrailGap(assessment: Assessment, variant: string): MetricAssessment | undefined {
  return metricsOf(assessment, variant).find(
    (metric) => metric.role === 'guardrail' && !passed(metric.nonInferiority),
  );
}

/** Every guardrail of at least one unharmed variant must be shown to be no worse than its margin. */
export function nonInferiority({ design, assessment }: RuleContext): RuleResult {
  const variants = variantsOf(design).filter((variant) => !isHarmed(assessment, variant));
  const blocked = variants.map((variant) => guardrailGap(assessment, variant));
  if (blocked.includes(undefined))
    return pass('non_inferiority', 'every guardrail is within its margin');
  const gap = blocked[0];
  if (gap === undefined) return pass('non_inferiority', 'no guardrails');
  const test = gap.nonInferiority;
  const text =
    test?.kind === 'tested'
      ? `guardrail ${gap.metric} of ${gap.variant} is not yet shown to be within its margin ${inWords(gap.margin)}: ` +
        `${inWords(gap.treatment.value)} against ${inWords(gap.control.value)}, bound ${inWords(test.bound)}, ${pInWords(test.pValue)}`
      : `guardrail ${gap.metric} of ${gap.variant} cannot be tested yet (${test?.reason ?? 'no test'}: ${inWords(test?.have ?? 0)} of ${inWords(test?.need ?? 0)})`;
  return hold('non_inferiority', 'guardrail_not_shown', text, testNumbers(gap, test));
}

/** The lower end of the improvement, positive when it is real: what winners are compared by. */
function assuredGain(metric: MetricAssessment): number {
  if (metric.interval === null) return Number.NEGATIVE_INFINITY;
  return metric.direction === 'increase' ? metric.interval.lower : -metric.interval.upper;
}

/** Promote iff a success metric is superior for a variant whose guardrails all hold. */
export function superiority({ design, assessment }: RuleContext): RuleResult {
  const eligible = variantsOf(design).filter(
    (variant) => !isHarmed(assessment, variant) && guardrailGap(assessment, variant) === undefined,
  );
  const successes = assessment.metrics.filter(
    (metric) => metric.role === 'success' && eligible.includes(metric.variant),
  );
  const winners = successes
    .filter((metric) => passed(metric.superiority))
    .sort((left, right) => assuredGain(right) - assuredGain(left));
  const winner = winners[0];
  if (winner?.superiority?.kind !== 'tested') {
    const best = successes[0];
    const numbers = best === undefined ? {} : testNumbers(best, best.superiority);
    return hold('superiority', 'not_yet_superior', notYetSuperior(best), numbers);
  }
  const numbers = testNumbers(winner, winner.superiority);
  const text =
    `${winner.variant} is better on ${winner.metric}: ${inWords(winner.treatment.value)} against ` +
    `${inWords(winner.control.value)}, ${pInWords(winner.superiority.pValue)} at level ` +
    `${inWords(winner.superiority.alpha)}, and every guardrail is within its margin`;
  if (design.decision.onSuccess === 'recommend') {
    return hold('superiority', 'promotion_recommended', `promotion recommended: ${text}`, numbers);
  }
  const variant = winner.variant;
  return act({
    rule: 'superiority',
    verdict: 'promote',
    code: 'success_superior',
    variant,
    toStep: null,
    text,
    numbers,
  });
}

function notYetSuperior(metric: MetricAssessment | undefined): string {
  if (metric === undefined) return 'no success metric could be assessed';
  const test = metric.superiority;
  if (test?.kind === 'insufficient') {
    return `success ${metric.metric} cannot be tested yet (${test.reason}: ${inWords(test.have)} of ${inWords(test.need)})`;
  }
  const { interval } = metric;
  const range =
    interval === null
      ? ''
      : `, difference between ${inWords(interval.lower)} and ${inWords(interval.upper)}`;
  return `success ${metric.metric} is not yet shown to be better: ${inWords(metric.treatment.value)} against ${inWords(metric.control.value)}${range}`;
}
