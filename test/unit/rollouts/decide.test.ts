import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { PolicyDesign } from '../../../src/rollouts/policy/policy.js';
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

const harmed = goodAssessment({
  metrics: [metric(), guardrail({ deterioration: tested(true, { pValue: 1e-6 }) })],
});

function withDecision(change: Partial<PolicyDesign['decision']>): PolicyDesign {
  return { ...canaryDesign, decision: { ...canaryDesign.decision, ...change } };
}

function withQuality(change: Partial<ReturnType<typeof goodAssessment>['quality']>) {
  return goodAssessment({ quality: { ...goodAssessment().quality, ...change } });
}

const mismatch = {
  sampleRatio: {
    runningPValue: 1e-4,
    chiSquarePValue: 1e-5,
    alpha: 0.01,
    mismatch: true,
    arms: [],
  },
};

describe('a champion that another experiment promoted', () => {
  const changed = { atStart: 'v1', present: 'v2' } as const;

  it('is not replaced on evidence against the one before, however good', () => {
    const state = { ...readyState, champion: changed };
    const decision = decide(readyInput({ state }));
    expect(decision).toMatchObject({ kind: 'hold', code: 'champion_changed', variant: null });
    expect(decision.summary).toContain('was v1 when this began, v2 is the champion now');
    expect(decision).not.toHaveProperty('bakingSinceMs');
    const abs = decide(readyInput({ state, design: abDesign }));
    expect(abs).toMatchObject({ kind: 'hold', code: 'champion_changed' });
  });

  it('stands in the way of no rollback', () => {
    const state = { ...readyState, champion: changed };
    expect(decide(readyInput({ state, assessment: harmed }))).toMatchObject({ kind: 'rollback' });
  });

  it('is one that differs: the same one is replaced', () => {
    const state = { ...readyState, champion: { atStart: 'v1', present: 'v1' } };
    expect(decide(readyInput({ state }))).toMatchObject({ kind: 'promote', variant: 'v2' });
  });
});

describe('promotion', () => {
  it('happens when a success metric is superior, every guardrail holds and the data is sound', () => {
    const decision = decide(readyInput());
    expect(decision).toMatchObject({ kind: 'promote', variant: 'v2', code: 'success_superior' });
    expect(decision.summary).toContain('0.97 against 0.88');
    expect(decision.trace.map((entry) => entry.rule)).toEqual([
      'deterioration',
      'sample_ratio',
      'crossover',
      'completeness',
      'no_data',
      'paused',
      'minimum_evidence',
      'step',
      'minimum_runtime',
      'non_inferiority',
      'superiority',
    ]);
  });

  it.each([
    [
      'the success metric is not superior',
      [metric({ superiority: tested(false) }), guardrail()],
      'not_yet_superior',
    ],
    [
      'a guardrail is not shown non-inferior',
      [metric(), guardrail({ nonInferiority: tested(false) })],
      'guardrail_not_shown',
    ],
    [
      'a guardrail cannot be tested',
      [
        metric(),
        guardrail({
          nonInferiority: { kind: 'insufficient', reason: 'zero_variance', have: 0, need: 1 },
        }),
      ],
      'guardrail_not_shown',
    ],
    [
      'one of two guardrails is not shown',
      [metric(), guardrail(), guardrail({ metric: 'error_rate', nonInferiority: tested(false) })],
      'guardrail_not_shown',
    ],
    [
      'there is only a diagnostic metric',
      [metric({ role: 'diagnostic', superiority: null })],
      'not_yet_superior',
    ],
    [
      'an arm has too few matured units',
      [metric({ treatment: { n: 99, pending: 5, value: 1, events: 99, capped: 0 } }), guardrail()],
      'too_few_units',
    ],
  ])('waits while %s', (_what, metrics, code) => {
    const decision = decide(readyInput({ assessment: goodAssessment({ metrics }) }));
    expect(decision).toMatchObject({ kind: 'hold', code });
  });

  it.each([
    ['the sample ratio is off', mismatch, 'sample_ratio_mismatch'],
    [
      'units met two variants',
      { crossoverAlarm: true, crossoverShare: 0.02, crossoverUnits: 40 },
      'multiple_exposure',
    ],
    ['events were dropped', { droppedEvents: 1 }, 'events_dropped'],
    ['events are still being rolled up', { caughtUp: false }, 'backlog'],
  ])('waits while %s', (_what, change, code) => {
    const decision = decide(readyInput({ assessment: withQuality(change) }));
    expect(decision).toMatchObject({ kind: 'hold', code });
  });

  it('waits for the minimum runtime', () => {
    const decision = decide(readyInput({ nowMs: START_MS + 23 * HOUR_MS }));
    expect(decision).toMatchObject({ kind: 'hold', code: 'minimum_runtime' });
  });

  it('waits while paused', () => {
    const decision = decide(readyInput({ state: { ...readyState, status: 'paused' } }));
    expect(decision).toMatchObject({ kind: 'hold', code: 'paused' });
  });

  it('never happens before the last step that has a control', () => {
    const state = { ...readyState, step: 0 };
    expect(decide(readyInput({ state }))).toMatchObject({ kind: 'advance', toStep: 1 });
  });

  it('is only recommended, or only noted in a dry run, where the design says so', () => {
    const recommend = withDecision({ onSuccess: 'recommend' });
    expect(decide(readyInput({ design: recommend }))).toMatchObject({
      kind: 'hold',
      code: 'promotion_recommended',
    });
    const dryRun = withDecision({ dryRun: true });
    expect(decide(readyInput({ design: dryRun }))).toMatchObject({
      kind: 'hold',
      code: 'would_promote',
    });
  });

  it('picks the variant with the largest assured gain among those whose guardrails hold', () => {
    const metrics = [
      metric({ interval: { lower: 0.02, upper: 0.1 } }),
      guardrail(),
      metric({ variant: 'v3', interval: { lower: 0.05, upper: 0.1 } }),
      guardrail({ variant: 'v3' }),
    ];
    const assessment = goodAssessment({ metrics });
    expect(decide(readyInput({ design: abDesign, assessment }))).toMatchObject({
      kind: 'promote',
      variant: 'v3',
    });
    const blocked = goodAssessment({
      metrics: [
        ...metrics.slice(0, 3),
        guardrail({ variant: 'v3', nonInferiority: tested(false) }),
      ],
    });
    expect(decide(readyInput({ design: abDesign, assessment: blocked }))).toMatchObject({
      variant: 'v2',
    });
  });

  it('compares gains in the good direction of a metric that should fall', () => {
    const down = { direction: 'decrease', effect: -0.05 } as const;
    const assessment = goodAssessment({
      metrics: [
        metric({ ...down, interval: { lower: -0.2, upper: -0.01 } }),
        metric({ ...down, variant: 'v3', interval: { lower: -0.1, upper: -0.04 } }),
      ],
    });
    expect(decide(readyInput({ design: abDesign, assessment }))).toMatchObject({ variant: 'v3' });
  });
});

describe('rollback', () => {
  it.each([
    ['before the minimum evidence', { state: { ...readyState, step: 0 } }],
    ['while paused', { state: { ...readyState, status: 'paused' as const } }],
    ['in mid-step', { nowMs: START_MS + 2 * HOUR_MS + 1 }],
    ['while awaiting approval', { state: { ...readyState, approvedStep: null } }],
    ['after the maximum runtime', { nowMs: START_MS + 400 * 24 * HOUR_MS }],
  ])('follows harm %s', (_when, change) => {
    const decision = decide(readyInput({ assessment: harmed, ...change }));
    expect(decision).toMatchObject({
      kind: 'rollback',
      code: 'guardrail_deteriorated',
      variant: 'v2',
    });
    expect(decision.summary).toContain('latency_ms of v2 is worse: 41 against 40');
  });

  it('names the metric whose evidence of harm is strongest', () => {
    const metrics = [
      metric({ deterioration: tested(true, { pValue: 0.01 }) }),
      guardrail({ deterioration: tested(true, { pValue: 1e-9 }) }),
    ];
    const decision = decide(readyInput({ assessment: goodAssessment({ metrics }) }));
    expect(decision.code).toBe('guardrail_deteriorated');
  });

  it('dominates every alarm about the data', () => {
    const quality = { ...withQuality(mismatch).quality, caughtUp: false, droppedEvents: 9 };
    const decision = decide(readyInput({ assessment: { ...harmed, quality } }));
    expect(decision.kind).toBe('rollback');
  });

  it('is only recommended, or only noted in a dry run, where the design says so', () => {
    const recommend = withDecision({ onDeterioration: 'recommend' });
    expect(decide(readyInput({ design: recommend, assessment: harmed }))).toMatchObject({
      kind: 'hold',
      code: 'rollback_recommended',
    });
    const dryRun = withDecision({ dryRun: true });
    expect(decide(readyInput({ design: dryRun, assessment: harmed })).code).toBe('would_rollback');
  });

  it('follows a sample-ratio mismatch only where the design asks for it', () => {
    const assessment = withQuality(mismatch);
    expect(decide(readyInput({ assessment })).kind).toBe('hold');
    const design = withDecision({ onSampleRatioMismatch: 'rollback' });
    expect(decide(readyInput({ assessment, design })).kind).toBe('rollback');
  });

  const oneHarmed = goodAssessment({
    metrics: [
      metric({ deterioration: tested(true) }),
      metric({ variant: 'v3' }),
      guardrail({ variant: 'v3' }),
    ],
  });

  it('closes the one arm that is worse; the others go on and may win', () => {
    const input = readyInput({ design: abDesign, assessment: oneHarmed });
    const closing = decide(input);
    expect(closing).toMatchObject({ kind: 'rollback', scope: 'arm', variant: 'v2' });
    expect(closing.summary).toContain('v3 go on');
    const after = decide({ ...input, state: { ...readyState, closed: ['v2'] } });
    expect(after).toMatchObject({ kind: 'promote', variant: 'v3' });
  });

  it('of the last arm ends the experiment', () => {
    const metrics = [metric({ variant: 'v3', deterioration: tested(true) })];
    const state = { ...readyState, closed: ['v2'] };
    const decision = decide(
      readyInput({ design: abDesign, state, assessment: goodAssessment({ metrics }) }),
    );
    expect(decision).toMatchObject({ kind: 'rollback', variant: 'v3' });
    expect(decision.scope).toBeUndefined();
  });

  it.each([{ dryRun: true }, { onDeterioration: 'recommend' as const }])(
    'of an arm is only said where people decide: %j',
    (change) => {
      const design = { ...abDesign, decision: { ...abDesign.decision, ...change } };
      const decision = decide(readyInput({ design, assessment: oneHarmed }));
      expect(decision.scope).toBeUndefined();
      expect(decision.trace[0]?.text).toContain('it can no longer win');
      expect(decision.code).toBe('dryRun' in change ? 'would_promote' : 'success_superior');
    },
  );

  it('is replayed as policy 1 had it: arms were not closed', () => {
    const input = readyInput({ design: abDesign, assessment: oneHarmed });
    expect(decide(input, '1')).toMatchObject({ kind: 'promote', variant: 'v3' });
  });
});

describe('a step', () => {
  const firstStep = { ...readyState, step: 0, stepStartedAtMs: START_MS, approvedStep: null };

  it('holds for its time', () => {
    const decision = decide(readyInput({ state: firstStep, nowMs: START_MS + HOUR_MS - 1 }));
    expect(decision).toMatchObject({ kind: 'hold', code: 'step_time' });
  });

  it('holds for its units in the smaller arm', () => {
    const assessment = goodAssessment({
      units: [
        { variant: 'control', units: 400 },
        { variant: 'v2', units: 199 },
      ],
    });
    expect(decide(readyInput({ state: firstStep, assessment }))).toMatchObject({
      code: 'step_units',
    });
  });

  it('holds for an approval of that very step', () => {
    const awaiting = { ...readyState, approvedStep: 0 };
    expect(decide(readyInput({ state: awaiting }))).toMatchObject({
      kind: 'hold',
      code: 'awaiting_approval',
    });
  });

  it('does not advance past the last ramp step without the evidence for promotion', () => {
    const assessment = goodAssessment({
      metrics: [metric({ superiority: tested(false) }), guardrail()],
    });
    expect(decide(readyInput({ assessment })).kind).toBe('hold');
  });
});

describe('absence of evidence', () => {
  const empty = goodAssessment({
    units: [
      { variant: 'control', units: 0 },
      { variant: 'v2', units: 0 },
    ],
  });

  it('holds when nobody was exposed, and rolls back after the grace time where the design says so', () => {
    expect(decide(readyInput({ assessment: empty }))).toMatchObject({
      kind: 'hold',
      code: 'no_data',
    });
    const design = withDecision({ onNoData: 'rollback' });
    expect(decide(readyInput({ assessment: empty, design })).kind).toBe('rollback');
    const early = readyInput({ assessment: empty, design, nowMs: START_MS + HOUR_MS });
    expect(decide(early).kind).toBe('hold');
  });

  it('ends as inconclusive at the time limit, the incumbent stays', () => {
    const assessment = goodAssessment({
      metrics: [metric({ superiority: tested(false) }), guardrail()],
    });
    const late = readyInput({ assessment, nowMs: START_MS + 14 * 24 * HOUR_MS });
    expect(decide(late)).toMatchObject({
      kind: 'inconclusive',
      code: 'max_runtime',
      variant: null,
    });
  });

  it('still promotes at the time limit when the evidence is there', () => {
    expect(decide(readyInput({ nowMs: START_MS + 14 * 24 * HOUR_MS })).kind).toBe('promote');
  });

  it('is never read into a failed analysis: it holds, and after four in a row it is an error', () => {
    const failed = (failedAnalyses: number) =>
      decide(readyInput({ assessment: null, state: { ...readyState, failedAnalyses } }));
    expect(failed(3)).toMatchObject({ kind: 'hold', code: 'analysis_failed' });
    expect(failed(4)).toMatchObject({ kind: 'error', code: 'analysis_failed' });
  });
});

it('decides the same from the same input, to the last character', () => {
  expect(JSON.stringify(decide(readyInput()))).toBe(JSON.stringify(decide(readyInput())));
});
