import type { Decision, PolicyInput, RuleOutcome } from './policy.js';
import {
  completeness,
  crossover,
  deterioration,
  minimumEvidence,
  minimumRuntime,
  noData,
  nonInferiority,
  paused,
  type RuleContext,
  type RuleResult,
  sampleRatio,
  step,
  superiority,
} from './rules.js';
import { durationInWords, inWords } from './words.js';

/** After this many failed analyses in a row people are told; fewer are retried silently. */
export const MAX_FAILED_ANALYSES = 4;

/** In this order: rollback dominates every hold, bad data dominates good news, evidence comes last. */
export const RULES: readonly ((context: RuleContext) => RuleResult)[] = [
  deterioration,
  sampleRatio,
  crossover,
  completeness,
  noData,
  paused,
  minimumEvidence,
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
 */
export function decide(input: PolicyInput): Decision {
  const { assessment, state } = input;
  if (assessment === null) return analysisFailed(state.failedAnalyses);
  const context: RuleContext = { ...input, assessment };
  const trace: RuleOutcome[] = [];
  for (const rule of RULES) {
    const result = rule(context);
    trace.push(result.outcome);
    if (result.kind === 'stop') return conclude(input, result, trace);
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
  input: PolicyInput,
  result: Extract<RuleResult, { kind: 'stop' }>,
  trace: readonly RuleOutcome[],
): Decision {
  const { design, state, nowMs } = input;
  const { verdict, code, variant, toStep, outcome } = result;
  const runMs = nowMs - state.startedAtMs;
  const isOver = runMs >= design.analysis.maxRuntimeMs;
  if (isOver && (verdict === 'hold' || verdict === 'advance'))
    return inconclusive(runMs, outcome, trace);
  if (design.decision.dryRun && verdict !== 'hold') {
    return {
      ...HOLD,
      code: `would_${verdict}`,
      summary: `dry run, would ${verdict}: ${outcome.text}`,
      trace,
    };
  }
  return { kind: verdict, code, variant, toStep, summary: outcome.text, trace };
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
