import type { Decision, RuleOutcome } from './policy.js';

/** What somebody outside said about a decision before it was carried out. */
export interface GateAnswer {
  /** Name of the webhook that was asked. */
  readonly gate: string;
  readonly kind: 'confirm-advance' | 'confirm-promotion';
  /** Anything but a clear yes or no within the time is `unreachable`. */
  readonly answer: 'allowed' | 'vetoed' | 'unreachable';
  /** In the gate's words; what went wrong when it was not reached. */
  readonly reason: string;
}

/**
 * The kind of gate that a decision has to pass. Null for everything that does not expose more units: rollbacks and
 * holds never ask anybody.
 */
export function gateOf(decision: Pick<Decision, 'kind'>): GateAnswer['kind'] | null {
  switch (decision.kind) {
    case 'advance':
      return 'confirm-advance';
    case 'promote':
      return 'confirm-promotion';
    default:
      return null;
  }
}

/**
 * The decision after its gates have answered: carried out only if every one of them allows it, otherwise a hold
 * that says who stood in the way. Pure, and without effect on decisions that pass no gate.
 *
 * @param answers of all gates of this decision's kind, in a stable order; answers of the other kind are left out
 */
export function gated(decision: Decision, answers: readonly GateAnswer[]): Decision {
  const kind = gateOf(decision);
  const asked = answers.filter((answer) => answer.kind === kind);
  if (kind === null || asked.length === 0) return decision;
  const stopping =
    asked.find(({ answer }) => answer === 'vetoed') ??
    asked.find(({ answer }) => answer !== 'allowed');
  const numbers = { asked: asked.length, allowed: asked.filter(isAllowed).length };
  if (stopping === undefined) {
    const outcome: RuleOutcome = { rule: 'gate', outcome: 'pass', text: allowedBy(asked), numbers };
    return { ...decision, trace: [...decision.trace, outcome] };
  }
  const isVeto = stopping.answer === 'vetoed';
  const text = `${decision.kind} is held back: ${saying(stopping)} (${decision.summary})`;
  return {
    kind: 'hold',
    code: isVeto ? 'gate_vetoed' : 'gate_unreachable',
    variant: null,
    toStep: null,
    // what was held back goes on baking
    ...(decision.bakingSinceMs === undefined ? {} : { bakingSinceMs: decision.bakingSinceMs }),
    summary: text,
    trace: [...decision.trace, { rule: 'gate', outcome: 'hold', text, numbers }],
  };
}

function isAllowed({ answer }: GateAnswer): boolean {
  return answer === 'allowed';
}

function allowedBy(asked: readonly GateAnswer[]): string {
  return asked.map(({ gate, reason }) => `gate ${gate} allows it${because(reason)}`).join('; ');
}

function saying({ gate, answer, reason }: GateAnswer): string {
  return answer === 'vetoed'
    ? `gate ${gate} vetoes${because(reason)}`
    : `gate ${gate} cannot be asked${because(reason)}`;
}

function because(reason: string): string {
  return reason === '' ? '' : `: ${reason}`;
}
