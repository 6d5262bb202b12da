import { RULES } from './decide.js';
import type { PolicyInput, RuleOutcome } from './policy.js';
import { type RuleContext, superiority } from './rules.js';

/**
 * What every rule says of an input, in the order of `decide`, also after the first one that stops it: what promotion
 * still needs, all at once. Superiority is asked by itself, where `decide` asks it of variants whose guardrails hold.
 * Nothing is decided on it.
 *
 * @returns one outcome per rule; empty when the analysis failed
 */
export function checklist(input: PolicyInput): readonly RuleOutcome[] {
  const { assessment } = input;
  if (assessment === null) return [];
  const context: RuleContext = { ...input, assessment };
  return RULES.map((rule) =>
    rule === superiority ? superiorityAlone(context) : rule(context).outcome,
  );
}

function superiorityAlone(context: RuleContext): RuleOutcome {
  const { assessment } = context;
  const metrics = assessment.metrics.filter(({ role }) => role !== 'guardrail');
  const { outcome } = superiority({ ...context, assessment: { ...assessment, metrics } });
  const { metric, variant } = outcome.numbers;
  if (outcome.outcome !== 'act' && !outcome.text.startsWith('promotion recommended')) {
    return outcome;
  }
  const text = `${String(variant)} is better on ${String(metric)}`;
  return { ...outcome, outcome: 'pass', text };
}
