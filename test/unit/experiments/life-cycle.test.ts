import { describe, expect, it } from 'vitest';
import type { ExperimentStatus } from '../../../src/experiments/experiment.js';
import {
  type AutomaticVerb,
  type ManualVerb,
  nextStatus,
  nextStatusByPolicy,
} from '../../../src/experiments/life-cycle.js';

const STATUSES: readonly ExperimentStatus[] = [
  ...(['draft', 'running', 'paused'] as const),
  ...(['completed', 'rolled_back', 'aborted'] as const),
];

const VERBS: readonly ManualVerb[] = [
  ...(['start', 'pause', 'resume', 'advance'] as const),
  ...(['approve', 'close', 'reweigh', 'redesign', 'promote', 'rollback', 'abort'] as const),
];

const DECISIONS: readonly AutomaticVerb[] = [
  ...(['promote', 'rollback', 'advance'] as const),
  ...(['hold', 'inconclusive', 'error'] as const),
];

// the whole table, written out a second time: a dash is refused
const PERSON = `
             start    pause   resume   advance  approve  close    reweigh  redesign  promote    rollback     abort
draft        running  -       -        -        -        -        -        -         -          -            -
running      -        paused  -        running  running  running  running  running   completed  rolled_back  aborted
paused       -        -       running  -        paused   paused   -        paused    completed  rolled_back  aborted
completed    -        -       -        -        -        -        -        -         -          -            -
rolled_back  -        -       -        -        -        -        -        -         -          -            -
aborted      -        -       -        -        -        -        -        -         -          -            -`;

const POLICY = `
             promote    rollback     advance  hold     inconclusive  error
draft        -          -            -        -        -             -
running      completed  rolled_back  running  running  completed     running
paused       -          rolled_back  -        paused   completed     paused
completed    -          -            -        -        -             -
rolled_back  -          -            -        -        -             -
aborted      -          -            -        -        -             -`;

function cellsOf(table: string): string[][] {
  const [head = '', ...rows] = table.trim().split('\n');
  const verbs = head.trim().split(/\s+/);
  return rows.flatMap((row) => {
    const [status = '', ...cells] = row.trim().split(/\s+/);
    return cells.map((cell, index) => [status, verbs[index] ?? '', cell]);
  });
}

describe('the life cycle', () => {
  it('has an answer for every status and verb', () => {
    expect(cellsOf(PERSON)).toHaveLength(STATUSES.length * VERBS.length);
    expect(cellsOf(POLICY)).toHaveLength(STATUSES.length * DECISIONS.length);
  });

  it.each(cellsOf(PERSON))('by a person: %s, %s → %s', (status, verb, cell) => {
    const next = nextStatus(status as ExperimentStatus, verb as ManualVerb);
    expect(next.kind === 'allowed' ? next.status : '-').toBe(cell);
  });

  it.each(cellsOf(POLICY))('by the policy: %s, %s → %s', (status, verb, cell) => {
    const next = nextStatusByPolicy(status as ExperimentStatus, verb as AutomaticVerb);
    expect(next.kind === 'allowed' ? next.status : '-').toBe(cell);
  });

  it('says what is possible instead of what was refused', () => {
    expect(nextStatus('draft', 'pause')).toEqual({ kind: 'refused', allowed: ['start'] });
  });

  it('leaves an end by no verb', () => {
    for (const status of ['completed', 'rolled_back', 'aborted'] as const) {
      for (const verb of VERBS) expect(nextStatus(status, verb).kind).toBe('refused');
      for (const verb of DECISIONS) expect(nextStatusByPolicy(status, verb).kind).toBe('refused');
    }
  });

  it('always leaves the way back open to the policy once units are exposed', () => {
    for (const status of ['running', 'paused'] as const) {
      expect(nextStatusByPolicy(status, 'rollback')).toEqual({
        kind: 'allowed',
        status: 'rolled_back',
      });
    }
  });
});
