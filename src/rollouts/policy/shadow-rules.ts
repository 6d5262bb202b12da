import type { PairedAssessment } from '../../statistics/assessment.js';
import type { Decision, PolicyInput, RuleOutcome } from './policy.js';
import { nonInferiority, superiority } from './promotion-rules.js';
import { hold, pass, type RuleContext, type RuleResult, type Stop, withdraw } from './rule.js';
import {
  completeness,
  deterioration,
  minimumEvidence,
  minimumRuntime,
  noData,
  paused,
} from './rules.js';
import { durationInWords, inWords, pInWords } from './words.js';

/** More requests without a copy, or copies that only one side answered, and the rest may be the easy ones. */
const MAX_MISSING_SHARE = 0.05;

/** Fewer than this are chance, whatever their share. */
const MIN_MISSING = 10;

/** Requests of these methods are never copied: what they are like is no part of the question. */
const NOT_MIRRORED = 'method';

/** What no verdict of a shadow speaks of. */
const BLIND_SPOT = 'a shadow cannot show how people react to its answers';

const RULES: readonly ((context: RuleContext) => RuleResult)[] = [
  availability,
  deterioration,
  completeness,
  copies,
  staleness,
  noData,
  paused,
  minimumEvidence,
  minimumRuntime,
  nonInferiority,
  superiority,
];

const HOLD = { kind: 'hold', variant: null, toStep: null } as const;

/**
 * Whether the shadow version is ready for a canary. Pure, and in the order of `decide`: harm shown on the same
 * requests ends the shadow (`rollback`, code `not_ready`), doubtful data holds, and only evidence makes it ready
 * (`advance` to no step, code `ready_for_canary`): a success metric superior and every guardrail non-inferior, in
 * pairs. At the time limit it is not shown to be ready. The summary of either verdict names what a shadow cannot see.
 */
export function decideShadow(input: PolicyInput): Decision {
  const { assessment, design } = input;
  const trace: RuleOutcome[] = [];
  if (assessment === null) {
    const text = 'there is no analysis to decide on';
    const outcome: RuleOutcome = { rule: 'analysis', outcome: 'hold', text, numbers: {} };
    return { ...HOLD, code: 'analysis_failed', summary: text, trace: [outcome] };
  }
  // what "promote" means to the rule of superiority means "ready" here; whether it is recommended only is said below
  const asked = { ...design, decision: { ...design.decision, onSuccess: 'promote' as const } };
  for (const rule of RULES) {
    const result = rule({ ...input, design: asked, assessment });
    trace.push(result.outcome);
    if (result.kind === 'stop') return conclude(input, result, trace);
  }
  return { ...HOLD, code: 'undecided', summary: 'no rule applied', trace };
}

function conclude(input: PolicyInput, result: Stop, trace: readonly RuleOutcome[]): Decision {
  const { design, state, nowMs } = input;
  const { verdict, code, variant, outcome } = result;
  const runMs = nowMs - state.startedAtMs;
  if (verdict === 'rollback') {
    const isHarm = outcome.rule === 'deterioration' || outcome.rule === 'limits';
    const found = isHarm ? notReady(outcome) : outcome.text;
    return acted(input, trace, {
      ...{ kind: 'rollback', code: isHarm ? 'not_ready' : code, variant, summary: found },
    });
  }
  if (verdict !== 'promote') {
    if (runMs >= design.analysis.maxRuntimeMs) return inconclusive(runMs, outcome, trace);
    return { ...HOLD, code, summary: outcome.text, trace };
  }
  const summary = `ready for a canary: ${outcome.text} (${BLIND_SPOT})`;
  if (design.decision.onSuccess === 'recommend') {
    return { ...HOLD, code: 'canary_recommended', summary: `recommended, ${summary}`, trace };
  }
  return acted(input, trace, { kind: 'advance', code: 'ready_for_canary', variant: null, summary });
}

function notReady({ text }: RuleOutcome): string {
  return `not ready for a canary: ${text}`;
}

function acted(
  { design }: PolicyInput,
  trace: readonly RuleOutcome[],
  decision: Pick<Decision, 'kind' | 'code' | 'variant' | 'summary'>,
): Decision {
  const { kind, summary } = decision;
  if (!design.decision.dryRun) return { ...decision, toStep: null, trace };
  return { ...HOLD, code: `would_${kind}`, summary: `dry run, would ${kind}: ${summary}`, trace };
}

function inconclusive(runMs: number, last: RuleOutcome, trace: readonly RuleOutcome[]): Decision {
  const summary = `not shown to be ready within ${durationInWords(runMs)}; nothing changes (${last.text})`;
  const numbers = { runMs };
  const outcome: RuleOutcome = { rule: 'time_limit', outcome: 'act', text: summary, numbers };
  const code = 'max_runtime';
  return { ...HOLD, kind: 'inconclusive', code, summary, trace: [...trace, outcome] };
}

/**
 * A shadow that is mostly not there is not ready. It ends for good, so a restart must not be taken for that: it takes
 * units, not requests, and no fewer than any other verdict. Until then the requests without an answer hold.
 */
function availability(context: RuleContext): RuleResult {
  const { design, assessment } = context;
  const [found] = assessment.limits ?? [];
  if (found === undefined) return pass('limits', 'no limit of errors');
  const { variant, units, failedUnits, share, limit, pValue, alpha } = found;
  const need = Math.max(design.analysis.minUnits, 1);
  const numbers = { units, need, failedUnits, share, limit, pValue, alpha };
  const said = `${inWords(failedUnits)} of ${inWords(units)} units a copy, ${inWords(share)} of the copies`;
  if (!found.exceeded) {
    return pass('limits', `no sign that ${variant} is above its limit of errors`, numbers);
  }
  const above = `above the limit ${inWords(limit)}, ${pInWords(pValue)}`;
  if (units < need) {
    // not a hold of its own: harm shown by a metric comes next, and before it is ready `copies` and the minimum hold
    const text = `${variant} did not answer ${said}, ${above}, but these are fewer than ${inWords(need)} units`;
    return pass('limits', text, numbers);
  }
  const text = `${variant} did not answer ${said}, ${above}`;
  return withdraw(
    context,
    { rule: 'limits', code: 'error_limit_exceeded', variant, text, numbers },
    true,
  );
}

/** Pairs are worth what is missing among them is: a shadow that fails on the hard requests looks good on the rest. */
function copies({ assessment }: RuleContext): RuleResult {
  const { paired } = assessment;
  if (paired === undefined)
    return hold('completeness', 'no_pairs', 'there are no pairs to look at');
  const dropped = droppedOf(paired);
  const wanted = paired.sent + dropped;
  if (isTooMuch(dropped, wanted)) {
    const text = `${inWords(dropped)} of ${inWords(wanted)} requests got no copy (${reasonsIn(paired)})`;
    return hold('completeness', 'copies_dropped', text, { dropped, wanted });
  }
  const failed = paired.shadowFailed + paired.bothFailed;
  if (isTooMuch(failed, paired.sent)) {
    const text = `the shadow did not answer ${inWords(failed)} of ${inWords(paired.sent)} copies; the rest may be the easy ones`;
    return hold('completeness', 'copies_failed', text, { failed, sent: paired.sent });
  }
  for (const { metric, pairs } of assessment.metrics) {
    const lopsided = pairs?.lopsided ?? 0;
    const all = lopsided + (pairs?.pairs ?? 0);
    if (isTooMuch(lopsided, all)) {
      const text = `${metric} has a value of only one version in ${inWords(lopsided)} of ${inWords(all)} requests`;
      return hold('completeness', 'values_missing', text, { metric, lopsided, all });
    }
  }
  const numbers = { sent: paired.sent, dropped, failed };
  return pass('completeness', `${inWords(paired.answered)} requests were answered twice`, numbers);
}

function isTooMuch(missing: number, all: number): boolean {
  return missing >= MIN_MISSING && missing > MAX_MISSING_SHARE * all;
}

function droppedOf({ dropped }: PairedAssessment): number {
  return Object.entries(dropped)
    .filter(([reason]) => reason !== NOT_MIRRORED)
    .reduce((sum, [, count]) => sum + count, 0);
}

function reasonsIn({ dropped }: PairedAssessment): string {
  return Object.entries(dropped)
    .filter(([reason]) => reason !== NOT_MIRRORED)
    .map(([reason, count]) => `${reason} ${inWords(count)}`)
    .join(', ');
}

/** Evidence that ended long ago speaks of another world. */
function staleness({ design, assessment, nowMs }: RuleContext): RuleResult {
  const newestMs = assessment.paired?.watermarkMs ?? null;
  if (newestMs === null) return pass('completeness', 'no request was mirrored yet');
  const silentMs = nowMs - newestMs;
  const { noDataGraceMs } = design.decision;
  if (silentMs <= noDataGraceMs || noDataGraceMs === 0) {
    return pass('completeness', `the newest copy is ${durationInWords(silentMs)} old`, {
      silentMs,
    });
  }
  const text = `no request was mirrored for ${durationInWords(silentMs)}`;
  return hold('completeness', 'stale', text, { silentMs, noDataGraceMs });
}
