import { RULES } from './decide.js';
import type { PolicyInput, RuleOutcome } from './policy.js';
import type { RuleContext } from './rules.js';

/**
 * What every rule says of an input, in the order of `decide`, also after the first one that stops it: what promotion
 * still needs, all at once. Nothing is decided on it. Empty when the analysis failed.
 */
export function checklist(input: PolicyInput): readonly RuleOutcome[] {
  const { assessment } = input;
  if (assessment === null) return [];
  const context: RuleContext = { ...input, assessment };
  return RULES.map((rule) => rule(context).outcome);
}
