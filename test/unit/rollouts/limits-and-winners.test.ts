import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { LimitAssessment, MetricAssessment } from '../../../src/statistics/assessment.js';
import {
  abDesign,
  goodAssessment,
  HOUR_MS,
  metric,
  readyState,
  START_MS,
  tested,
} from '../../support/assessments.js';

const NOW_MS = START_MS + 50 * HOUR_MS;

const aboveLimit: LimitAssessment = {
  ...{ variant: 'v2', kind: 'errorRate', metric: 'error_rate', limit: 0.25 },
  ...{ units: 1_000, failedUnits: 900, share: 0.9, pValue: 1e-9, alpha: 0.001, exceeded: true },
};

/** v2 is better on the success metric and fails for most units; people decide about rollbacks. */
function decided(ofOther: Partial<MetricAssessment>) {
  return decide({
    design: { ...abDesign, decision: { ...abDesign.decision, onDeterioration: 'recommend' } },
    state: readyState,
    nowMs: NOW_MS,
    assessment: goodAssessment({
      metrics: [metric({ variant: 'v2' }), metric({ variant: 'v3', ...ofOther })],
      units: ['control', 'v2', 'v3'].map((variant) => ({ variant, units: 1_000 })),
      limits: [aboveLimit],
    }),
  });
}

describe('of several variants that earn the promotion', () => {
  const interval = (lower: number) => ({ interval: { lower, upper: lower + 0.1 } });
  const revenue = (variant: string, lower: number, isSuperior: boolean) =>
    metric({ metric: 'revenue', variant, superiority: tested(isSuperior), ...interval(lower) });
  const correct = (variant: string, lower: number, isSuperior: boolean) =>
    metric({ variant, superiority: tested(isSuperior), ...interval(lower) });
  const winnerOf = (metrics: readonly MetricAssessment[], policyVersion?: string) =>
    decide(
      {
        ...{ design: abDesign, state: readyState, nowMs: NOW_MS },
        assessment: goodAssessment({ metrics }),
      },
      policyVersion,
    );

  it('the one with the largest gain on one metric wins, whatever the unit of another is', () => {
    // euros are larger numbers than shares, and say nothing about which of the two is better on shares
    const metrics = [
      ...[correct('v2', -0.01, false), correct('v3', 0.05, true)],
      ...[revenue('v2', 40, true), revenue('v3', 1, false)],
    ];
    const decision = winnerOf(metrics);
    expect(decision).toMatchObject({ kind: 'promote', variant: 'v3' });
    expect(decision.summary).toContain('v3 is better on correct');
    expect(winnerOf(metrics, '1')).toMatchObject({ kind: 'promote', variant: 'v2' });
  });

  it('the gain is what is assured in the direction of the metric', () => {
    const falls = (variant: string, upper: number) =>
      metric({ variant, direction: 'decrease', interval: { lower: upper - 1, upper } });
    expect(winnerOf([falls('v2', -0.1), falls('v3', -0.2)])).toMatchObject({ variant: 'v3' });
  });

  it('a metric that only one of them has an interval for compares nothing', () => {
    const metrics = [
      ...[correct('v2', 0.2, true), { ...correct('v3', 0, false), interval: null }],
      ...[revenue('v2', 1, true), revenue('v3', 2, true)],
    ];
    const decision = winnerOf(metrics);
    expect(decision).toMatchObject({ variant: 'v3' });
    expect(decision.summary).toContain('v3 is better on revenue');
  });
});

describe('a variant above a limit of failures, where rollbacks are only recommended', () => {
  it('does not win, however much better it is on its success metric', () => {
    expect(decided({ superiority: tested(false) })).toMatchObject({
      kind: 'hold',
      code: 'not_yet_superior',
    });
  });

  it('leaves the promotion to another variant that earns it', () => {
    expect(decided({})).toMatchObject({ kind: 'promote', variant: 'v3' });
  });

  it('makes a rollback recommended when every other variant is worse', () => {
    expect(decided({ deterioration: tested(true) })).toMatchObject({
      kind: 'hold',
      code: 'rollback_recommended',
    });
  });
});
