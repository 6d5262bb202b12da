import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { PolicyDesign, PolicyInput } from '../../../src/rollouts/policy/policy.js';
import type { LimitAssessment } from '../../../src/statistics/assessment.js';
import {
  abDesign,
  canaryDesign,
  goodAssessment,
  guardrail,
  HOUR_MS,
  metric,
  readyInput,
  readyState,
  START_MS,
  tested,
} from '../../support/assessments.js';

function limitOf(variant: string, exceeded: boolean): LimitAssessment {
  return {
    ...{ variant, kind: 'errorRate', metric: 'error_rate', limit: 0.25 },
    ...{ units: 20, failedUnits: exceeded ? 18 : 1, share: exceeded ? 0.9 : 0.05 },
    ...{ pValue: exceeded ? 1e-5 : 1, alpha: 0.001, exceeded },
  };
}

/** Which arms are above the limit. */
function withLimits(
  above: readonly string[],
  change: Partial<Parameters<typeof goodAssessment>[0]> = {},
  arms = ['control', 'v2'],
) {
  const limits = arms.map((arm) => limitOf(arm, above.includes(arm)));
  return goodAssessment({ limits, ...change });
}

const few = { metrics: [metric({ treatment: { ...metric().treatment, n: 3 } }), guardrail()] };

function withDecision(change: Partial<PolicyDesign['decision']>): PolicyDesign {
  return { ...canaryDesign, decision: { ...canaryDesign.decision, ...change } };
}

describe('a variant above a hard limit', () => {
  const above = withLimits(['v2']);

  it.each<[string, Partial<PolicyInput>]>([
    ['with a superior success metric', {}],
    ['before the minimum of evidence', { assessment: withLimits(['v2'], few) }],
    ['while paused', { state: { ...readyState, status: 'paused' } }],
    ['while awaiting approval', { state: { ...readyState, approvedStep: null } }],
    ['while baking', { state: { ...readyState, bakingSinceMs: START_MS } }],
    ['in the first second', { nowMs: START_MS, state: { ...readyState, step: 0 } }],
    [
      'while the sample ratio is off',
      {
        assessment: withLimits(['v2'], {
          quality: {
            ...goodAssessment().quality,
            sampleRatio: { ...goodAssessment().quality.sampleRatio, mismatch: true },
          },
        }),
      },
    ],
    [
      'while units meet two variants',
      {
        assessment: withLimits(['v2'], {
          quality: { ...goodAssessment().quality, crossoverAlarm: true },
        }),
      },
    ],
  ])('is rolled back %s', (_when, change) => {
    const decision = decide(readyInput({ assessment: above, ...change }));
    expect(decision).toMatchObject({
      ...{ kind: 'rollback', variant: 'v2', code: 'error_limit_exceeded' },
    });
    expect(decision.summary).toContain('18 of 20 units');
  });

  it('is not excused by a control above it; both are said', () => {
    const decision = decide(readyInput({ assessment: withLimits(['control', 'v2']) }));
    expect(decision).toMatchObject({ kind: 'rollback', variant: 'v2' });
    expect(decision.summary).toContain('the control is unhealthy too');
  });

  it('is only said where people decide, and in a dry run', () => {
    const recommended = withDecision({ onDeterioration: 'recommend' });
    expect(decide(readyInput({ assessment: above, design: recommended }))).toMatchObject({
      ...{ kind: 'hold', code: 'rollback_recommended' },
    });
    const dry = withDecision({ dryRun: true });
    expect(decide(readyInput({ assessment: above, design: dry }))).toMatchObject({
      ...{ kind: 'hold', code: 'would_rollback' },
    });
  });

  it('loses its arm while others go on', () => {
    const arms = ['control', 'v2', 'v3'];
    const one = readyInput({ design: abDesign, assessment: withLimits(['v2'], {}, arms) });
    expect(decide(one)).toMatchObject({ kind: 'rollback', scope: 'arm', variant: 'v2' });
    const all = readyInput({ design: abDesign, assessment: withLimits(['v2', 'v3'], {}, arms) });
    expect(decide(all).scope).toBeUndefined();
    expect(decide(all).kind).toBe('rollback');
    const closed = { ...readyState, closed: ['v2'] };
    const metrics = [metric({ variant: 'v3' }), guardrail({ variant: 'v3' })];
    const rest = { ...one, state: closed, assessment: withLimits(['v2'], { metrics }, arms) };
    expect(decide(rest)).toMatchObject({ kind: 'promote', variant: 'v3' });
  });
});

describe('a control above a hard limit', () => {
  it('is an alarm of its own: nothing is promoted and no step taken', () => {
    const assessment = withLimits(['control']);
    const alarm = decide(readyInput({ assessment }));
    expect(alarm).toMatchObject({ kind: 'hold', code: 'control_unhealthy' });
    expect(alarm.summary).toContain('control is above the limit of errors');
    const state = { ...readyState, step: 0, stepStartedAtMs: START_MS };
    expect(decide(readyInput({ assessment, state })).code).toBe('control_unhealthy');
  });

  it('does not stand in the way of a rollback', () => {
    const metrics = [metric({ deterioration: tested(true) }), guardrail()];
    const decision = decide(readyInput({ assessment: withLimits(['control'], { metrics }) }));
    expect(decision).toMatchObject({ kind: 'rollback', code: 'success_deteriorated' });
    expect(decision.summary).toContain('the control is unhealthy too: control is above the limit');
  });

  it('does not keep the experiment running beyond its time', () => {
    const nowMs = START_MS + 14 * 24 * HOUR_MS;
    const decision = decide(readyInput({ assessment: withLimits(['control']), nowMs }));
    expect(decision).toMatchObject({ kind: 'inconclusive', code: 'max_runtime' });
  });
});

describe('a bake', () => {
  const design = { ...canaryDesign, bakeMs: HOUR_MS };
  const nowMs = START_MS + 48 * HOUR_MS;
  const baking = (sinceMs: number) => ({ ...readyState, bakingSinceMs: sinceMs });

  it('begins with the first look at which everything holds, and promotes nothing until it is over', () => {
    const begun = decide(readyInput({ design }));
    expect(begun).toMatchObject({ kind: 'hold', code: 'baking', bakingSinceMs: nowMs });
    const early = readyInput({ design, state: baking(nowMs - HOUR_MS + 1) });
    expect(decide(early)).toMatchObject({ code: 'baking', bakingSinceMs: nowMs - HOUR_MS + 1 });
    const over = readyInput({ design, state: baking(nowMs - HOUR_MS) });
    expect(decide(over)).toMatchObject({ kind: 'promote', code: 'success_superior' });
  });

  it.each([
    ['the success metric is no longer superior', [metric({ superiority: tested(false) })]],
    ['a guardrail is no longer shown', [metric(), guardrail({ nonInferiority: tested(false) })]],
  ])('begins anew when %s', (_what, metrics) => {
    const state = baking(nowMs - 2 * HOUR_MS);
    const decision = decide(readyInput({ design, state, assessment: goodAssessment({ metrics }) }));
    expect(decision.kind).toBe('hold');
    expect(decision.bakingSinceMs).toBeUndefined();
  });

  it('is rolled back from when harm shows', () => {
    const metrics = [metric({ deterioration: tested(true) }), guardrail()];
    const state = baking(nowMs - 2 * HOUR_MS);
    const decision = decide(readyInput({ design, state, assessment: goodAssessment({ metrics }) }));
    expect(decision).toMatchObject({ kind: 'rollback', variant: 'v2' });
  });

  it.each([
    [{ onSuccess: 'recommend' as const }, 'promotion_recommended'],
    [{ dryRun: true }, 'would_promote'],
  ])('goes on being over where people decide: %j', (change, code) => {
    const people = { ...design, decision: { ...design.decision, ...change } };
    const sinceMs = nowMs - 3 * HOUR_MS;
    const decision = decide(readyInput({ design: people, state: baking(sinceMs) }));
    expect(decision).toMatchObject({ kind: 'hold', code, bakingSinceMs: sinceMs });
  });
});

describe('a final verdict', () => {
  const horizon = { reached: true, haveUnits: 1, needUnits: 1, haveMs: 1, needMs: 1 };
  const notBetter = metric({ superiority: tested(false, { engine: 'fixed' }) });
  const fixed = (metrics: Parameters<typeof goodAssessment>[0]) =>
    goodAssessment({ horizon, ...metrics });

  it('that failed ends the experiment at once, the incumbent stays', () => {
    const assessment = fixed({ metrics: [notBetter, guardrail()] });
    const decision = decide(readyInput({ assessment }));
    expect(decision).toMatchObject({ kind: 'inconclusive', code: 'final_verdict', variant: null });
    expect(decision.summary).toContain('0.97 against 0.88');
    const early = { ...readyState, step: 0, stepStartedAtMs: START_MS };
    expect(decide(readyInput({ assessment, state: early })).code).toBe('final_verdict');
  });

  it('of a fixed test is final for its guardrails too', () => {
    const metrics = [metric(), guardrail({ nonInferiority: tested(false) })];
    const decision = decide(readyInput({ assessment: fixed({ metrics }) }));
    expect(decision).toMatchObject({ kind: 'inconclusive', code: 'final_verdict' });
    expect(decision.summary).toContain('guardrail latency_ms of v2');
  });

  it('that passed promotes', () => {
    expect(decide(readyInput({ assessment: fixed({}) })).kind).toBe('promote');
  });

  it('of a group-sequential test comes with its last look, not before', () => {
    const at = (information: number) => {
      const look = {
        ...{ information, spent: 0.05, criticalValue: 2 },
        ...{ estimate: 0, standardError: 1, statistic: 0 },
      };
      const metrics = [metric({ superiority: tested(false), looks: [look] }), guardrail()];
      return decide(readyInput({ assessment: goodAssessment({ metrics }) }));
    };
    expect(at(0.99)).toMatchObject({ kind: 'hold', code: 'not_yet_superior' });
    expect(at(1)).toMatchObject({ kind: 'inconclusive', code: 'final_verdict' });
  });

  it('of one arm waits for the other', () => {
    const final = { information: 1, spent: 0.05, criticalValue: 2, estimate: 0 };
    const look = { ...final, standardError: 1, statistic: 0 };
    const metrics = [
      metric({ superiority: tested(false), looks: [look] }),
      metric({ variant: 'v3', superiority: tested(false), looks: [{ ...look, information: 0.5 }] }),
    ];
    const input = readyInput({ design: abDesign, assessment: goodAssessment({ metrics }) });
    expect(decide(input).kind).toBe('hold');
  });

  it('did not end anything under policy 1', () => {
    const assessment = fixed({ metrics: [notBetter, guardrail()] });
    expect(decide(readyInput({ assessment }), '1').kind).toBe('hold');
  });
});
