import { describe, expect, it } from 'vitest';
import { gated, type GateAnswer, gateOf } from '../../../src/rollouts/policy/gates.js';
import type { Decision, DecisionKind } from '../../../src/rollouts/policy/policy.js';

const decision = (kind: DecisionKind): Decision => ({
  kind,
  code: 'some_code',
  variant: kind === 'promote' ? 'v2' : null,
  toStep: kind === 'advance' ? 1 : null,
  summary: 'because of the numbers',
  trace: [{ rule: 'superiority', outcome: 'act', text: 'because', numbers: {} }],
});

const said = (
  gate: string,
  answer: GateAnswer['answer'],
  kind: GateAnswer['kind'] = 'confirm-promotion',
): GateAnswer => ({ gate, kind, answer, reason: `${gate} says so` });

describe('gates', () => {
  it('are asked before more units are exposed, and before nothing else', () => {
    expect(gateOf(decision('advance'))).toBe('confirm-advance');
    expect(gateOf(decision('promote'))).toBe('confirm-promotion');
    for (const kind of ['rollback', 'hold', 'inconclusive', 'error'] as const) {
      expect(gateOf(decision(kind))).toBeNull();
    }
  });

  it('let a decision through when all of them allow it, and say so', () => {
    const after = gated(decision('promote'), [said('ops', 'allowed'), said('risk', 'allowed')]);
    expect(after).toMatchObject({ kind: 'promote', variant: 'v2', code: 'some_code' });
    expect(after.trace.at(-1)).toEqual({
      rule: 'gate',
      outcome: 'pass',
      text: 'gate ops allows it: ops says so; gate risk allows it: risk says so',
      numbers: { asked: 2, allowed: 2 },
    });
  });

  it('turn a decision into a hold when one vetoes, with its name and reason', () => {
    const after = gated(decision('promote'), [said('ops', 'allowed'), said('risk', 'vetoed')]);
    expect(after).toMatchObject({ kind: 'hold', code: 'gate_vetoed', variant: null, toStep: null });
    expect(after.summary).toBe(
      'promote is held back: gate risk vetoes: risk says so (because of the numbers)',
    );
    expect(after.trace.at(-1)).toMatchObject({ rule: 'gate', outcome: 'hold' });
  });

  it('that cannot be asked hold back like a veto, under a code of their own', () => {
    const after = gated(decision('advance'), [said('ops', 'unreachable', 'confirm-advance')]);
    expect(after).toMatchObject({ kind: 'hold', code: 'gate_unreachable', toStep: null });
    expect(after.summary).toContain('gate ops cannot be asked: ops says so');
  });

  it('hold back without ending a bake: the decision is asked about again, not earned again', () => {
    const baked = { ...decision('promote'), bakingSinceMs: 1_000 };
    const after = gated(baked, [said('risk', 'vetoed')]);
    expect(after).toMatchObject({ kind: 'hold', bakingSinceMs: 1_000 });
    expect(gated(decision('promote'), [said('risk', 'vetoed')])).not.toHaveProperty(
      'bakingSinceMs',
    );
  });

  it('that veto are named before gates that cannot be asked', () => {
    const answers = [said('ops', 'unreachable'), said('risk', 'vetoed')];
    expect(gated(decision('promote'), answers).code).toBe('gate_vetoed');
  });

  it('never change a rollback, a hold or an error', () => {
    for (const kind of ['rollback', 'hold', 'inconclusive', 'error'] as const) {
      const answers = [said('ops', 'vetoed'), said('ops', 'vetoed', 'confirm-advance')];
      expect(gated(decision(kind), answers)).toEqual(decision(kind));
    }
  });

  it('of the other kind have no say', () => {
    const answers = [said('ops', 'vetoed', 'confirm-advance')];
    expect(gated(decision('promote'), answers)).toEqual(decision('promote'));
  });

  it('change nothing while there are none', () => {
    expect(gated(decision('promote'), [])).toEqual(decision('promote'));
  });
});
