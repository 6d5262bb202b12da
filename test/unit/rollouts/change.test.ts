import { describe, expect, it } from 'vitest';
import type { Experiment } from '../../../src/experiments/experiment.js';
import { changeOf, nextStep, startOf } from '../../../src/rollouts/change.js';
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
