import { decideHoldout } from './holdout-rules.js';
import type { Decision, PolicyInput, RuleOutcome } from './policy.js';
import { controlHealth, limits } from './limit-rules.js';
import { POLICY_VERSION } from './policy.js';
import { finalVerdict, nonInferiority, superiority } from './promotion-rules.js';
import type { RuleContext, RuleResult, Stop } from './rule.js';
import {
  champion,
  completeness,
  crossover,
  deterioration,
  minimumEvidence,
  minimumRuntime,
  noData,
  paused,
  sampleRatio,
  step,
} from './rules.js';
import { decideShadow } from './shadow-rules.js';
import { durationInWords, inWords } from './words.js';

/** After this many failed analyses in a row people are told; fewer are retried silently. */
export const MAX_FAILED_ANALYSES = 4;

/** In this order: rollback dominates every hold, bad data dominates good news, evidence comes last. */
export const RULES: readonly ((context: RuleContext) => RuleResult | null)[] = [
  limits,
  deterioration,
  controlHealth,
  sampleRatio,
  crossover,
  completeness,
  noData,
  paused,
  champion,
  minimumEvidence,
  finalVerdict,
  step,
  minimumRuntime,
  nonInferiority,
  superiority,
];

/**
 * The decision rule (docs/statistics.md). Pure: the same input gives the same decision, to the last character.
 *
 * Promotes iff at least one success metric is superior, every guardrail is non-inferior, nothing
 * deteriorates and the data is sound; absence of evidence never promotes (Schultzberg, Ankargren and
 * Frånberg 2024, "Risk-aware product decisions in A/B tests with multiple metrics").
 *
 * @param policyVersion an earlier one decides as it did then, for replays; its designs had no limits and no bake
 */
export function decide(input: PolicyInput, policyVersion: string = POLICY_VERSION): Decision {
  const { assessment, state } = input;
  if (assessment === null) return analysisFailed(state.failedAnalyses);
  switch (input.design.kind) {
    case 'shadow':
      return decideShadow(input);
    case 'holdout':
      return decideHoldout(input);
    case 'ab':
    case 'canary':
      return decideRollout({ ...input, assessment, policyVersion });
  }
}

function decideRollout(context: RuleContext): Decision {
  const trace: RuleOutcome[] = [];
  for (const rule of RULES) {
    const result = rule(context);
    if (result === null) continue;
    trace.push(result.outcome);
    if (result.kind === 'stop') return conclude(context, result, trace);
  }
  return { ...HOLD, code: 'undecided', summary: 'no rule applied', trace };
}

const HOLD = { kind: 'hold', variant: null, toStep: null } as const;

function analysisFailed(failures: number): Decision {
  const outcome: RuleOutcome = {
    rule: 'analysis',
    outcome: 'hold',
    text: `the analysis failed ${inWords(failures)} times in a row`,
    numbers: { failures, limit: MAX_FAILED_ANALYSES },
  };
  const kind = failures >= MAX_FAILED_ANALYSES ? 'error' : 'hold';
  return { ...HOLD, kind, code: 'analysis_failed', summary: outcome.text, trace: [outcome] };
}

function conclude(
  { design, state, nowMs }: RuleContext,
  result: Stop,
  trace: readonly RuleOutcome[],
): Decision {
  const { verdict, code, variant, toStep, scope, bakingSinceMs, outcome } = result;
  const runMs = nowMs - state.startedAtMs;
  const isOver = runMs >= design.analysis.maxRuntimeMs;
  if (isOver && (verdict === 'hold' || verdict === 'advance'))
    return inconclusive(runMs, outcome, trace);
  const baking = bakingSinceMs === undefined ? {} : { bakingSinceMs };
  if (design.decision.dryRun && verdict !== 'hold') {
    return {
      ...HOLD,
      ...baking,
      code: `would_${verdict}`,
      summary: `dry run, would ${verdict}: ${outcome.text}`,
      trace,
    };
  }
  const ofArm = scope === undefined ? {} : { scope };
  return {
    kind: verdict,
    code,
    variant,
    toStep,
    ...ofArm,
    ...baking,
    summary: outcome.text,
    trace,
  };
}

/** The time limit turns "not yet" into "inconclusive": the incumbent stays, nothing ships by default. */
function inconclusive(runMs: number, last: RuleOutcome, trace: readonly RuleOutcome[]): Decision {
  const text = `the maximum runtime is over after ${durationInWords(runMs)}; the incumbent stays (${last.text})`;
  const outcome: RuleOutcome = { rule: 'time_limit', outcome: 'act', text, numbers: { runMs } };
  return {
    ...HOLD,
    kind: 'inconclusive',
    code: 'max_runtime',
    summary: text,
    trace: [...trace, outcome],
  };
}
