import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import { POLICY_VERSION } from '../../../src/rollouts/policy/policy.js';
import { isSameHold, reasonsOf, replay } from '../../../src/rollouts/replay.js';
import {
  decisionHash,
  FIRST_PREVIOUS_HASH,
  firstBrokenLink,
  type StoredDecision,
} from '../../../src/rollouts/stored-decision.js';
import { designOf, evidenceOf, rateCell } from '../../support/evidence.js';
import { readyInput, readyState } from '../../support/assessments.js';

const evidence = evidenceOf(
  ['mistakes', 'error_rate'].flatMap((metric) => [
    rateCell({ metric, variant: 'control' }, metric === 'mistakes' ? 130 : 0, 1000),
    rateCell({ metric, variant: 'v2' }, metric === 'mistakes' ? 21 : 0, 1003),
  ]),
);

function stored(overrides: Partial<StoredDecision> = {}): StoredDecision {
  const inputs = { state: readyState, nowMs: readyState.stepStartedAtMs + 1, evidence };
  const decision = decide({ ...inputs, design: designOf(), assessment: assess(evidence) });
  const unhashed = {
    experimentId: evidence.experimentId,
    number: 1,
    kind: decision.kind,
    automatic: true,
    actor: 'sluice',
    summary: decision.summary,
    reasons: reasonsOf(decision),
    inputs,
    policyVersion: POLICY_VERSION,
    reportNumber: 1,
    fromRevision: 0,
    configVersion: 4,
    previousHash: FIRST_PREVIOUS_HASH,
    atMs: 5,
    ...overrides,
  };
  return { ...unhashed, hash: decisionHash(unhashed) };
}

/** As it comes back from a json column. */
function throughJson(decision: StoredDecision): StoredDecision {
  return JSON.parse(JSON.stringify(decision)) as StoredDecision;
}

describe('a replay', () => {
  it('gives the identical verdict after a round trip through the database format', () => {
    const decision = throughJson(stored());
    expect(decision.kind).toBe('promote');
    expect(replay(decision)).toMatchObject({ identical: true, hashFits: true });
  });

  it('shows a verdict that does not follow from its inputs', () => {
    expect(replay(stored({ kind: 'rollback' }))).toMatchObject({
      identical: false,
      hashFits: true,
    });
  });

  it('shows a number that was changed afterwards', () => {
    const decision = throughJson(stored());
    const forged = { ...decision, inputs: { ...decision.inputs, nowMs: 7 } };
    expect(replay(forged)).toMatchObject({ identical: false, hashFits: false });
  });

  it('of a decision of a person checks its hash alone', () => {
    const manual = stored({ automatic: false, kind: 'abort', inputs: {} });
    expect(replay(manual)).toMatchObject({ identical: true, replayed: null });
  });
});

describe('the chain', () => {
  const first = stored();
  const second = stored({ number: 2, previousHash: first.hash, fromRevision: 1 });

  it('is intact as long as every decision points to the one before it', () => {
    expect(firstBrokenLink([first, second])).toBeNull();
    expect(firstBrokenLink([])).toBeNull();
  });

  it('breaks at a decision that was changed, left out or swapped', () => {
    expect(firstBrokenLink([{ ...first, summary: 'all is well' }, second])).toBe(1);
    expect(firstBrokenLink([second])).toBe(2);
    expect(firstBrokenLink([second, first])).toBe(2);
  });
});

describe('the log', () => {
  const hold = decide(readyInput({ state: { ...readyState, status: 'paused' } }));
  const last = stored({ kind: 'hold', reasons: reasonsOf(hold) });

  it('does not repeat a hold for the same reason', () => {
    expect(isSameHold(last, hold)).toBe(true);
    expect(isSameHold(last, { ...hold, code: 'backlog' })).toBe(false);
    expect(isSameHold(null, hold)).toBe(false);
    expect(isSameHold({ ...last, automatic: false }, hold)).toBe(false);
  });

  it('keeps every decision that acts', () => {
    expect(isSameHold(last, decide(readyInput()))).toBe(false);
  });
});
