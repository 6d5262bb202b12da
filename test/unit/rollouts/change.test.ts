import { describe, expect, it } from 'vitest';
import type { Experiment } from '../../../src/experiments/experiment.js';
import { changeOf, nextStep, startOf } from '../../../src/rollouts/change.js';
import { policyState } from '../../../src/rollouts/replay.js';
import { designOf } from '../../support/evidence.js';

const design = designOf();
const started = startOf(design, 1000);

const experiment: Experiment = {
  id: '018f0000-0000-7000-8000-000000000001',
  name: 'spam-v2',
  model: 'spam',
  kind: 'canary',
  status: 'running',
  definition: {},
  design,
  designHash: 'hash',
  epoch: 1,
  salt: 'salt',
  revision: 3,
  rollout: started.rollout,
  createdAtMs: 0,
  startedAtMs: 1000,
  endedAtMs: null,
  failedAnalyses: 0,
  lastFailure: null,
  parentId: null,
};

describe('a start', () => {
  it('enrols the coverage of the first step as phase 1, with equal arms', () => {
    expect(started.traffic).toEqual({ kind: 'enrol', coverage: 0.1, phase: 1 });
    expect(started.rollout.phases).toEqual([
      { phase: 1, coverage: 0.1, startedAtMs: 1000, shares: { control: 0.5, v2: 0.5 } },
    ]);
  });

  it('enrols the whole coverage of an ab at once', () => {
    const ab = startOf(designOf({ kind: 'ab', coverage: 0.3, steps: [] }), 0);
    expect(ab.traffic).toEqual({ kind: 'enrol', coverage: 0.3, phase: 1 });
  });
});

describe('a change', () => {
  it('of step begins a new phase and forgets the approval of the old step', () => {
    const approved = { ...experiment, rollout: { ...started.rollout, approvedStep: 0 } };
    const change = changeOf(approved, { kind: 'advance', toStep: 1 }, 2000);
    expect(change.traffic).toEqual({ kind: 'enrol', coverage: 0.5, phase: 2 });
    expect(change.rollout).toMatchObject({ step: 1, stepStartedAtMs: 2000, approvedStep: null });
    expect(change.rollout.phases).toHaveLength(2);
  });

  it.each([
    ['promote', { kind: 'promote', variant: 'v2' }, 'completed', 'v2'],
    ['rollback', { kind: 'rollback' }, 'rolled_back', null],
    ['inconclusive', { kind: 'inconclusive' }, 'completed', null],
    ['abort', { kind: 'abort' }, 'aborted', null],
  ] as const)('by %s ends the experiment and withdraws it', (_name, action, status, champion) => {
    const change = changeOf(experiment, action, 2000);
    expect(change).toMatchObject({
      status,
      hasEnded: true,
      traffic: { kind: 'withdraw', champion },
    });
  });

  it.each([
    ['hold', 'running'],
    ['error', 'running'],
    ['pause', 'paused'],
    ['resume', 'running'],
    ['approve', 'running'],
  ] as const)('by %s leaves traffic as it is', (kind, status) => {
    const change = changeOf(experiment, { kind }, 2000);
    expect(change).toMatchObject({ status, hasEnded: false, traffic: { kind: 'none' } });
  });

  it('by a hold keeps the time since when a promotion could have happened, and forgets it with the next', () => {
    const baking = changeOf(experiment, { kind: 'hold', bakingSinceMs: 1_500 }, 2_000).rollout;
    expect(baking.bakingSinceMs).toBe(1_500);
    const since = { ...experiment, rollout: baking };
    expect(policyState(since, 0)).toMatchObject({ bakingSinceMs: 1_500 });
    expect(changeOf(since, { kind: 'error' }, 3_000).rollout).toEqual(baking);
    expect(changeOf(since, { kind: 'approve' }, 3_000).rollout.bakingSinceMs).toBe(1_500);
    for (const kind of ['hold', 'pause'] as const) {
      expect(changeOf(since, { kind }, 3_000).rollout).not.toHaveProperty('bakingSinceMs');
    }
    const { rollout } = changeOf(since, { kind: 'advance', toStep: 1 }, 3_000);
    expect(rollout).not.toHaveProperty('bakingSinceMs');
  });

  it('of one arm is what the policy sees from then on', () => {
    const { rollout } = changeOf(experiment, { kind: 'close', variant: 'v2' }, 2_000);
    expect(policyState({ ...experiment, rollout }, 0)).toMatchObject({ closed: ['v2'] });
    expect(policyState(experiment, 0)).not.toHaveProperty('closed');
  });

  it('promotes with a holdout of the old version where the design asks for one', () => {
    const kept = { ...experiment, design: { ...design, reverseHoldout: { share: 0.02 } } };
    expect(changeOf(kept, { kind: 'promote', variant: 'v2' }, 2_000).traffic).toEqual({
      ...{ kind: 'withdraw', champion: 'v2' },
      holdout: { share: 0.02, version: 'v1', salt: experiment.salt },
    });
    expect(changeOf(kept, { kind: 'rollback' }, 2_000).traffic).toEqual({
      ...{ kind: 'withdraw', champion: null },
    });
  });

  it('refuses to promote the control over itself', () => {
    expect(() => changeOf(experiment, { kind: 'promote', variant: 'control' }, 0)).toThrow(
      'the control is not promoted over itself',
    );
  });
});

it('has no next step after the last one with a control', () => {
  expect(nextStep(design, started.rollout)).toBe(1);
  expect(nextStep(design, { ...started.rollout, step: 1 })).toBeNull();
});
