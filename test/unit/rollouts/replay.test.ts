import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import type { Evidence } from '../../../src/analysis/evidence.js';
import type { FrozenDesign } from '../../../src/experiments/experiment.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { PolicyState } from '../../../src/rollouts/policy/policy.js';
import { reasonsOf, replay } from '../../../src/rollouts/replay.js';
import {
  decisionHash,
  FIRST_PREVIOUS_HASH,
  type StoredDecision,
} from '../../../src/rollouts/stored-decision.js';
import { designOf, evidenceOf, rateCell, success, mistakes } from '../../support/evidence.js';

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
  const decision = decide(input, decidedBy);
  const chained = {
    experimentId: harmed.experimentId,
    ...{ number: 1, kind: decision.kind, automatic: true, actor: 'sluice' },
    summary: decision.summary,
    reasons: reasonsOf(decision),
    inputs: { state, nowMs: NOW_MS, evidence: harmed },
    ...{ policyVersion, reportNumber: 1, fromRevision: 1, configVersion: null },
    ...{ previousHash: FIRST_PREVIOUS_HASH, atMs: NOW_MS },
  };
  return { ...chained, hash: decisionHash(chained) };
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
});
