import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import type { Evidence } from '../../../src/analysis/evidence.js';
import type { FrozenDesign } from '../../../src/experiments/experiment.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { Decision, PolicyState } from '../../../src/rollouts/policy/policy.js';
import { reasonsOf, replay } from '../../../src/rollouts/replay.js';
import {
  decisionHash,
  FIRST_PREVIOUS_HASH,
  type StoredDecision,
} from '../../../src/rollouts/stored-decision.js';
import {
  designOf,
  evidenceOf,
  phaseOf,
  rateCell,
  success,
  mistakes,
} from '../../support/evidence.js';

const NOW_MS = 10_000;

const state: PolicyState = {
  ...{ status: 'running', startedAtMs: 0, step: 0, stepStartedAtMs: 0 },
  ...{ approvedStep: null, failedAnalyses: 0 },
};

const arms: FrozenDesign = designOf({
  kind: 'ab',
  steps: [],
  metrics: [success(mistakes)],
  variants: ['control', 'v2', 'v3'].map((name) => ({
    ...{ name, version: name, control: name === 'control', weight: 1 },
  })),
});

/** One arm is clearly worse, the other much the same as the control. */
const harmed: Evidence = evidenceOf(
  [
    rateCell({ metric: 'mistakes', variant: 'control' }, 100, 1_000),
    rateCell({ metric: 'mistakes', variant: 'v2' }, 300, 1_000),
    rateCell({ metric: 'mistakes', variant: 'v3' }, 98, 1_000),
  ],
  {
    design: arms,
    phases: [
      {
        ...{ phase: 1, coverage: 1, startedAtMs: 0 },
        shares: { control: 1 / 3, v2: 1 / 3, v3: 1 / 3 },
      },
    ],
  },
);

/** The decision as a release with that policy stored it. */
function storedBy(policyVersion: string, decidedBy = policyVersion): StoredDecision {
  const input = { design: arms, state, assessment: assess(harmed), nowMs: NOW_MS };
  return chained(decide(input, decidedBy), harmed, policyVersion);
}

function chained(decision: Decision, evidence: Evidence, policyVersion: string): StoredDecision {
  const content = {
    experimentId: evidence.experimentId,
    ...{ number: 1, kind: decision.kind, automatic: true, actor: 'sluice' },
    summary: decision.summary,
    reasons: reasonsOf(decision),
    inputs: { state, nowMs: NOW_MS, evidence },
    ...{ policyVersion, reportNumber: 1, fromRevision: 1, configVersion: null },
    ...{ previousHash: FIRST_PREVIOUS_HASH, atMs: NOW_MS },
  };
  return { ...content, hash: decisionHash(content) };
}

describe('a decision of an earlier policy', () => {
  it('is replayed under the rules of that policy, and says which one decides today', () => {
    const stored = storedBy('1');
    expect(stored.kind).toBe('hold');
    expect(replay(stored)).toMatchObject({
      ...{ identical: true, replayed: { kind: 'hold' } },
      policy: { stored: '1', present: '2' },
    });
  });

  it('is another one today', () => {
    const stored = storedBy('2');
    expect(stored).toMatchObject({ kind: 'rollback', reasons: { scope: 'arm', variant: 'v2' } });
    expect(replay(stored).identical).toBe(true);
  });

  it('does not pass for one of another policy', () => {
    expect(replay(storedBy('2', '1'))).toMatchObject({ identical: false, hashFits: true });
  });

  it('counts crossovers as its release did: a canary of two wide steps that was held', () => {
    // taken from .6 to .8: the control of the first step gave its units to the variant
    const cells = [
      rateCell({ metric: 'mistakes', variant: 'control' }, 100, 1_000),
      rateCell({ metric: 'mistakes', variant: 'v2' }, 100, 1_000),
    ];
    const evidence = evidenceOf(cells, {
      phases: [phaseOf(1, 0.6), phaseOf(2, 0.8)],
      unitCells: [
        { phase: 1, variant: 'control', units: 800, crossovers: 400 },
        { phase: 1, variant: 'v2', units: 1_800, crossovers: 0 },
        { phase: 2, variant: 'control', units: 200, crossovers: 0 },
        { phase: 2, variant: 'v2', units: 800, crossovers: 0 },
      ],
    });
    const assessment = assess(evidence, 'wide_phases');
    const then = decide({ design: evidence.design, state, assessment, nowMs: NOW_MS }, '1');
    const stored = chained(then, evidence, '1');
    expect(stored.summary).toBe('400 units met two variants (10 %)');
    expect(replay(stored).identical).toBe(true);
    expect(replay(chained(then, evidence, '2')).identical).toBe(false);
  });
});
