import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { PolicyDesign, PolicyState } from '../../../src/rollouts/policy/policy.js';
import type {
  Assessment,
  HoldoutAssessment,
  LiftWarning,
} from '../../../src/statistics/assessment.js';
import {
  goodAssessment,
  canaryDesign,
  HOUR_MS,
  metric,
  START_MS,
  tested,
} from '../../support/assessments.js';

const DAY_MS = 24 * HOUR_MS;

const design: PolicyDesign = {
  ...canaryDesign,
  kind: 'holdout',
  variants: [
    { name: 'holdout', control: true },
    { name: 'shipped', control: false },
  ],
  steps: [],
  periodMs: 30 * DAY_MS,
};
const state: PolicyState = {
  status: 'running',
  startedAtMs: START_MS,
  step: 4,
  stepStartedAtMs: START_MS + 120 * DAY_MS,
  approvedStep: null,
  failedAnalyses: 0,
};
const promotion = { previous: 'v2', version: 'v3', atMs: START_MS };
const warning: LiftWarning = {
  code: 'lift_fell_after_promotion',
  metric: 'minutes',
  promotion,
  before: { period: 2, estimate: 0.3, lower: 0.25, upper: 0.35 },
  after: { period: 4, estimate: 0.1, lower: 0.05, upper: 0.15 },
  alpha: 0.0125,
};
const quiet: HoldoutAssessment = {
  ...{ share: 0.05, version: 'v1', promotions: [promotion], periods: [], warnings: [] },
};

function decided(
  change: Partial<Assessment> = {},
  { afterDays = 1, ...more }: Partial<PolicyState> & { afterDays?: number } = {},
) {
  const nowMs = state.stepStartedAtMs + afterDays * DAY_MS;
  const seen = goodAssessment({ metrics: [], holdout: quiet, ...change });
  return decide({ design, state: { ...state, ...more }, assessment: seen, nowMs });
}

describe('the decision on a holdout', () => {
  it('begins at most 520 periods: each is in every report', () => {
    expect(decided({}, { afterDays: 30, step: 518 })).toMatchObject({
      kind: 'advance',
      toStep: 519,
    });
    const last = decided({}, { afterDays: 300, step: 519 });
    expect(last).toMatchObject({ kind: 'hold', toStep: null });
    expect(last.summary).toContain('period 520 is the last and goes on');
  });

  it('begins the next entry period when one is over, and only then', () => {
    expect(decided({}, { afterDays: 29.9 })).toMatchObject({ kind: 'hold', code: 'observing' });
    expect(decided({}, { afterDays: 30 })).toMatchObject({ kind: 'advance', toStep: 5 });
  });

  it('skips no period after a worker was down for several', () => {
    expect(decided({}, { afterDays: 200 })).toMatchObject({
      ...{ kind: 'advance', code: 'period_over', toStep: 5, variant: null },
    });
  });

  it('begins no period while it is paused', () => {
    expect(decided({}, { afterDays: 200, status: 'paused' }).kind).toBe('hold');
  });

  it('warns visibly when the lift fell after a promotion, with both numbers', () => {
    const found = decided({ holdout: { ...quiet, warnings: [warning] } });
    expect(found).toMatchObject({ kind: 'hold', code: 'cumulative_lift_fell' });
    expect(found.summary).toContain('the lift of minutes fell after v3 was promoted');
    expect(found.summary).toContain('at most 0.15 in period 4, at least 0.25 in period 2');
    const over = decided({ holdout: { ...quiet, warnings: [warning] } }, { afterDays: 30 });
    expect(over.kind).toBe('advance');
    expect(over.summary).toContain('fell after v3');
  });

  it('says that what was shipped is worse, and that the cohorts differ in size, in this order', () => {
    const worse = metric({ variant: 'shipped', deterioration: tested(true) });
    const { quality } = goodAssessment({});
    const sampleRatio = { ...quality.sampleRatio, mismatch: true };
    const mismatch = { quality: { ...quality, sampleRatio } };
    expect(decided({ metrics: [worse], ...mismatch }).code).toBe('shipped_is_worse');
    expect(decided(mismatch).code).toBe('sample_ratio_mismatch');
    const all = decided({
      metrics: [worse],
      ...mismatch,
      holdout: { ...quiet, warnings: [warning] },
    });
    expect(all.code).toBe('cumulative_lift_fell');
  });

  it('promotes and rolls back nothing and has no last day, whatever it sees', () => {
    const metrics = [true, false].flatMap((better) => [
      metric({
        superiority: tested(better),
        deterioration: tested(!better),
        nonInferiority: tested(better),
      }),
    ]);
    for (const afterDays of [0, 1, 30, 400, 40_000]) {
      for (const one of metrics) {
        for (const status of ['running', 'paused'] as const) {
          const { kind, variant } = decided({ metrics: [one] }, { afterDays, status });
          expect(['hold', 'advance']).toContain(kind);
          expect(variant).toBeNull();
        }
      }
    }
  });

  it('waits for an analysis that works, and tells after four that did not', () => {
    const failed = (failedAnalyses: number) =>
      decide({
        design,
        state: { ...state, failedAnalyses },
        assessment: null,
        nowMs: START_MS * 2,
      });
    expect(failed(3).kind).toBe('hold');
    expect(failed(4).kind).toBe('error');
  });
});
