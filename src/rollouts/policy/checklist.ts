import { decide, RULES } from './decide.js';
import type { PolicyInput, RuleOutcome } from './policy.js';
import { superiority } from './promotion-rules.js';
import type { RuleContext } from './rule.js';

/**
 * What every rule says of an input, in the order of `decide`, also after the first one that stops it: what promotion
 * still needs, all at once. Superiority is asked by itself, where `decide` asks it of variants whose guardrails hold.
 * Nothing is decided on it.
 *
 * @returns one outcome per rule; of shadows and holdouts, which promote nothing, those that `decide` came to; empty
 *   when the analysis failed
 */
export function checklist(input: PolicyInput): readonly RuleOutcome[] {
  const { assessment, design } = input;
  if (assessment === null) return [];
  if (design.kind === 'shadow' || design.kind === 'holdout') return decide(input).trace;
  const context: RuleContext = { ...input, assessment };
  return RULES.flatMap((rule) => {
    const outcome =
      rule === superiority ? superiorityAlone(context) : (rule(context)?.outcome ?? null);
    return outcome === null ? [] : [outcome];
  });
}

function superiorityAlone(context: RuleContext): RuleOutcome | null {
  const { assessment } = context;
  const metrics = assessment.metrics.filter(({ role }) => role !== 'guardrail');
  const result = superiority({ ...context, assessment: { ...assessment, metrics } });
  const { outcome } = result;
  const { metric, variant } = outcome.numbers;
  const isShown = outcome.outcome === 'act' || outcome.text.startsWith('promotion recommended');
  if (!isShown) return outcome;
  return { ...outcome, outcome: 'pass', text: `${String(variant)} is better on ${String(metric)}` };
}
