import type { Assessment, MetricAssessment } from '../../statistics/assessment.js';
import { ofTarget } from './limit-rules.js';
import {
  act,
  hold,
  isHarmed,
  lastRampStep,
  pass,
  passed,
  type RuleContext,
  type RuleResult,
  testNumbers,
  variantsOf,
  withdraw,
} from './rule.js';
import { durationInWords, inWords, pInWords } from './words.js';

/** The metric whose evidence of harm is strongest against its own level: the one that people are told. */
function mostHarmed(
  assessment: Assessment,
  variants: readonly string[],
): MetricAssessment | undefined {
  const strength = ({ deterioration: test }: MetricAssessment): number =>
    test?.kind === 'tested' ? test.pValue / test.alpha : Number.POSITIVE_INFINITY;
  return assessment.metrics
    .filter((metric) => variants.includes(metric.variant) && passed(metric.deterioration))
    .sort((left, right) => strength(left) - strength(right))[0];
}

/** Rollback dominates every hold: harm shown at its error level ends an arm, the last one the rollout; also while paused. */
export function deterioration(context: RuleContext): RuleResult {
  const { design, state, assessment } = context;
  const variants = variantsOf(design, state);
  const harmed = variants.filter((variant) => isHarmed(assessment, variant));
  const worst = mostHarmed(assessment, variants);
  if (worst?.deterioration?.kind !== 'tested') return pass('deterioration', 'no metric shows harm');
  const numbers = testNumbers(worst, worst.deterioration);
  const text =
    `${worst.role} ${worst.metric} of ${worst.variant} is worse: ` +
    `${inWords(worst.treatment.value)} against ${inWords(worst.control.value)} in the control, ` +
    `${pInWords(worst.deterioration.pValue)} at level ${inWords(worst.deterioration.alpha)}` +
    ofTarget(context);
  const code = `${worst.role}_deteriorated`;
  const { variant } = worst;
  const isLast = harmed.length === variants.length;
  return withdraw(context, { rule: 'deterioration', code, variant, text, numbers }, isLast);
}

/** A split that chance does not explain means the arms are not comparable. */
export function sampleRatio({ design, state, assessment }: RuleContext): RuleResult {
  const { mismatch, runningPValue, alpha } = assessment.quality.sampleRatio;
  const numbers = { pValue: runningPValue, alpha };
  if (!mismatch)
    return pass('sample_ratio', `the sample ratio fits (${pInWords(runningPValue)})`, numbers);
  const text = `the sample ratio is off: ${pInWords(runningPValue)} at level ${inWords(alpha)}`;
  if (design.decision.onSampleRatioMismatch === 'hold') {
    return hold('sample_ratio', 'sample_ratio_mismatch', text, numbers);
  }
  const variant = variantsOf(design, state)[0] ?? null;
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
    const variant = variantsOf(design, state)[0] ?? null;
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

/**
 * A promotion replaces the champion, so it needs evidence against that one: when another experiment promoted meanwhile,
 * no more units are exposed and nothing is promoted until a person decides.
 */
export function champion({ state }: RuleContext): RuleResult | null {
  if (state.champion === undefined) return null;
  const { atStart, present } = state.champion;
  const numbers = { atStart, present };
  if (present === atStart) return pass('champion', `${atStart} is still the champion`, numbers);
  const now = present === null ? 'there is none now' : `${present} is the champion now`;
  const text = `the champion was ${atStart} when this began, ${now}, and nothing here was compared with it`;
  return hold('champion', 'champion_changed', text, numbers);
}

/** Below the minimum nothing but harm is acted on. */
export function minimumEvidence({ design, state, assessment }: RuleContext): RuleResult {
  const need = Math.max(design.analysis.minUnits, 1);
  const open = variantsOf(design, state);
  const relevant = assessment.metrics.filter(
    (metric) => metric.role !== 'diagnostic' && open.includes(metric.variant),
  );
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
