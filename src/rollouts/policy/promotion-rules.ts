import type { Assessment, MetricAssessment } from '../../statistics/assessment.js';
import type { Numbers, PolicyDesign } from './policy.js';
import {
  act,
  hold,
  isHarmed,
  metricsOf,
  pass,
  passed,
  type RuleContext,
  type RuleResult,
  type Stop,
  testNumbers,
  variantsOf,
} from './rule.js';
import { durationInWords, inWords, pInWords } from './words.js';

function guardrailGap(assessment: Assessment, variant: string): MetricAssessment | undefined {
  return metricsOf(assessment, variant).find(
    (metric) => metric.role === 'guardrail' && !passed(metric.nonInferiority),
  );
}

/** Every guardrail of at least one unharmed variant must be shown to be no worse than its margin. */
export function nonInferiority({ design, state, assessment }: RuleContext): RuleResult {
  const variants = variantsOf(design, state).filter((variant) => !isHarmed(assessment, variant));
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

/**
 * The variant that is promoted, by its first superior metric. Of several the one with the largest assured gain, all
 * compared on one metric, because bounds of different metrics have different units: the first success metric of the
 * design for which more than one of them has an interval. Where there is none, the first of the design.
 *
 * @param successes of variants that may win, in the design's order
 */
function bestOf(
  successes: readonly MetricAssessment[],
  policyVersion: string | undefined,
): MetricAssessment | undefined {
  const superior = successes.filter((metric) => passed(metric.superiority));
  // as it was decided then, on bounds of whatever metrics
  if (policyVersion === '1') {
    return superior.sort((left, right) => assuredGain(right) - assuredGain(left))[0];
  }
  const winners = new Set(superior.map(({ variant }) => variant));
  const ofWinners = successes.filter(
    ({ variant, interval }) => winners.has(variant) && interval !== null,
  );
  const compared = [...Map.groupBy(ofWinners, ({ metric }) => metric).values()].find(
    ({ length }) => length > 1,
  );
  const [best] = (compared ?? []).toSorted((left, right) => assuredGain(right) - assuredGain(left));
  return superior.find(({ variant }) => best === undefined || variant === best.variant);
}

/** Promote iff a success metric is superior for a variant whose guardrails all hold. */
export function superiority(context: RuleContext): RuleResult {
  const { design, state, assessment, nowMs, policyVersion } = context;
  const eligible = variantsOf(design, state).filter(
    (variant) => !isHarmed(assessment, variant) && guardrailGap(assessment, variant) === undefined,
  );
  const successes = assessment.metrics.filter(
    (metric) => metric.role === 'success' && eligible.includes(metric.variant),
  );
  const winner = bestOf(successes, policyVersion);
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
  const { bakeMs } = design;
  if (bakeMs === undefined) return promotion(design, winner.variant, { text, numbers });
  const bakingSinceMs = state.bakingSinceMs ?? nowMs;
  const bakedMs = nowMs - bakingSinceMs;
  const baked = { ...numbers, bakedMs, bakeMs };
  const told = `${text}; for ${durationInWords(bakedMs)} of ${durationInWords(bakeMs)}`;
  const stop =
    bakedMs < bakeMs
      ? hold('superiority', 'baking', `baking: ${told}`, baked)
      : promotion(design, winner.variant, { text: told, numbers: baked });
  return { ...stop, bakingSinceMs };
}

function promotion(
  design: PolicyDesign,
  variant: string,
  { text, numbers }: { readonly text: string; readonly numbers: Numbers },
): Stop {
  const rule = 'superiority';
  if (design.decision.onSuccess === 'recommend') {
    return hold(rule, 'promotion_recommended', `promotion recommended: ${text}`, numbers);
  }
  const code = 'success_superior';
  return act({ rule, verdict: 'promote', code, variant, toStep: null, text, numbers });
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

/**
 * The one test of `fixed`, or the last look of `group_sequential`, has spent the error of every variant without a
 * verdict for it: no later look can promote, so nothing is waited for.
 */
export function finalVerdict({
  design,
  state,
  assessment,
  policyVersion,
}: RuleContext): RuleResult | null {
  if (policyVersion === '1') return null;
  const open = variantsOf(design, state);
  const isFixed = assessment.horizon?.reached === true;
  const successes = assessment.metrics.filter(
    (metric) => metric.role === 'success' && open.includes(metric.variant),
  );
  const isFinal = (metric: MetricAssessment): boolean =>
    isFixed || (metric.looks.at(-1)?.information ?? 0) >= 1;
  if (successes.length === 0 || !successes.every(isFinal)) return null;
  const canWin = (variant: string): boolean =>
    successes.some((metric) => metric.variant === variant && passed(metric.superiority)) &&
    // the guardrails of a fixed test are as final as its success
    !(isFixed && guardrailGap(assessment, variant) !== undefined);
  if (open.some(canWin))
    return pass('final_verdict', 'the planned evidence is there, with a verdict');
  const best = successes[0];
  const numbers = best === undefined ? {} : testNumbers(best, best.superiority);
  const text = `the planned evidence is there, and the incumbent stays: ${notShown(assessment, best)}`;
  const verdict = 'inconclusive';
  return act({
    ...{ rule: 'final_verdict', verdict, code: 'final_verdict' },
    variant: null,
    toStep: null,
    text,
    numbers,
  });
}

function notShown(assessment: Assessment, best: MetricAssessment | undefined): string {
  if (best === undefined) return 'no success metric could be assessed';
  const { metric, variant, control, treatment, superiority: test } = best;
  const values = `${inWords(treatment.value)} against ${inWords(control.value)}`;
  const gap = guardrailGap(assessment, variant);
  if (passed(test) && gap !== undefined) {
    return `guardrail ${gap.metric} of ${variant} was not shown to be within its margin ${inWords(gap.margin)}: ${inWords(gap.treatment.value)} against ${inWords(gap.control.value)}`;
  }
  const p =
    test?.kind === 'tested' ? `, ${pInWords(test.pValue)} at level ${inWords(test.alpha)}` : '';
  return `success ${metric} of ${variant} was not shown to be better: ${values}${p}`;
}
