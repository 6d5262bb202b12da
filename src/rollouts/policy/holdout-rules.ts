import type { Decision, PolicyInput, RuleOutcome } from './policy.js';
import { inWords } from './words.js';

/** Holds: what has been seen is said, nothing is done. */
export function decideHoldout({ assessment }: PolicyInput): Decision {
  const units = (assessment?.units ?? []).reduce((sum, arm) => sum + arm.units, 0);
  const text = `${inWords(units)} units are compared`;
  const outcome: RuleOutcome = { rule: 'no_data', outcome: 'hold', text, numbers: { units } };
  return {
    kind: 'hold',
    code: 'observing',
    variant: null,
    toStep: null,
    summary: text,
    trace: [outcome],
  };
}
