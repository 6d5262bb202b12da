import type { LiftWarning } from '../../statistics/assessment.js';
import type { Decision, Numbers, PolicyInput, RuleName, RuleOutcome } from './policy.js';
import { durationInWords, inWords } from './words.js';

/** Each period is in every report, so their number is bounded: ten years of weeks. The last one goes on. */
const MAX_PERIODS = 520;

/**
 * What a permanent holdout says at a look. Pure; it changes no version, whatever it sees: promoting and rolling back
 * is the business of experiments, and a holdout that reacted to its lift would not be permanent. `advance` begins the
 * next entry period, one per turn and never past one; everything else is a `hold` that says what was seen, the gravest
 * first. There is no maximum runtime. A paused one begins no period.
 */
export function decideHoldout(input: PolicyInput): Decision {
  const seen = [lift(input), harm(input), sampleRatio(input), units(input)];
  const findings = seen.filter(({ found }) => found !== null);
  const trace = seen.map(({ outcome }) => outcome);
  const period = periodOf(input);
  if (period.isOver) {
    const first = findings[0]?.outcome.text;
    const { text } = period.outcome;
    return {
      kind: 'advance',
      code: 'period_over',
      variant: null,
      toStep: input.state.step + 1,
      summary: first === undefined ? text : `${text}; ${first}`,
      trace: [...trace, period.outcome],
    };
  }
  const worst = findings[0];
  const all = findings.map(({ outcome }) => outcome.text).join('; ');
  return {
    kind: 'hold',
    code: worst?.found ?? 'observing',
    variant: null,
    toStep: null,
    summary: worst === undefined ? `${period.outcome.text}; ${units(input).outcome.text}` : all,
    trace: [...trace, period.outcome],
  };
}

/** What one rule saw; `found` is the code of something that people should look at. */
interface Seen {
  readonly found: string | null;
  readonly outcome: RuleOutcome;
}

/** Lifts of whole periods, before and after each promotion. */
function lift({ assessment }: PolicyInput): Seen {
  const warnings = assessment?.holdout?.warnings ?? [];
  const latest = warnings.at(-1);
  if (latest === undefined) {
    const promotions = assessment?.holdout?.promotions.length ?? 0;
    const text = `no lift fell after any of ${inWords(promotions)} promotions`;
    return fine('lift', text, { promotions });
  }
  return finding('lift', 'cumulative_lift_fell', warnings.map(fellInWords).join('; '), {
    warnings: warnings.length,
    metric: latest.metric,
    version: latest.promotion.version,
    beforeLower: latest.before.lower,
    afterUpper: latest.after.upper,
    alpha: latest.alpha,
  });
}

function fellInWords({ metric, promotion, before, after, alpha }: LiftWarning): string {
  return (
    `the lift of ${metric} fell after ${promotion.version} was promoted: at most ${inWords(after.upper)} in period ` +
    `${after.period}, at least ${inWords(before.lower)} in period ${before.period} (alpha ${inWords(alpha)})`
  );
}

/** What was shipped is worse than what was held back. */
function harm({ assessment }: PolicyInput): Seen {
  for (const { metric, variant, deterioration } of assessment?.metrics ?? []) {
    if (deterioration?.kind !== 'tested' || !deterioration.passed) continue;
    const { bound, pValue, alpha } = deterioration;
    const text = `${metric} of the ${variant} champions is worse than that of the holdout`;
    return finding('deterioration', 'shipped_is_worse', text, { metric, bound, pValue, alpha });
  }
  return fine('deterioration', 'nothing is shown to be worse than in the holdout');
}

function sampleRatio({ assessment }: PolicyInput): Seen {
  const found = assessment?.quality.sampleRatio;
  if (found === undefined) return fine('sample_ratio', 'the cohorts were not counted yet');
  const { mismatch, runningPValue, alpha } = found;
  const numbers = { pValue: runningPValue, alpha };
  if (!mismatch) return fine('sample_ratio', 'the cohorts are as large as each other', numbers);
  const text = 'the cohorts differ in size by more than chance: no lift can be trusted';
  return finding('sample_ratio', 'sample_ratio_mismatch', text, numbers);
}

function units({ assessment }: PolicyInput): Seen {
  const count = (assessment?.units ?? []).reduce((sum, arm) => sum + arm.units, 0);
  return fine('minimum_evidence', `${inWords(count)} units are compared`, { units: count });
}

/** Periods are as long as the design says, or longer when nobody was there to begin the next. */
function periodOf({ design, state, nowMs }: PolicyInput): {
  readonly isOver: boolean;
  readonly outcome: RuleOutcome;
} {
  const { periodMs } = design;
  const lastedMs = nowMs - state.stepStartedAtMs;
  const number = state.step + 1;
  const numbers = { period: number, lastedMs, periodMs: periodMs ?? null };
  if (periodMs === undefined || lastedMs < periodMs || state.status === 'paused') {
    const why = state.status === 'paused' ? ', paused' : '';
    const text = `period ${number} has lasted ${durationInWords(lastedMs)}${why}`;
    return { isOver: false, outcome: { rule: 'period', outcome: 'hold', text, numbers } };
  }
  if (number >= MAX_PERIODS) {
    const text = `period ${number} is the last and goes on: there are no more than ${inWords(MAX_PERIODS)}`;
    return { isOver: false, outcome: { rule: 'period', outcome: 'hold', text, numbers } };
  }
  const text = `period ${number} is over after ${durationInWords(lastedMs)}`;
  return { isOver: true, outcome: { rule: 'period', outcome: 'act', text, numbers } };
}

function fine(rule: RuleName, text: string, numbers: Numbers = {}): Seen {
  return { found: null, outcome: { rule, outcome: 'pass', text, numbers } };
}

function finding(rule: RuleName, code: string, text: string, numbers: Numbers): Seen {
  return { found: code, outcome: { rule, outcome: 'hold', text, numbers } };
}
