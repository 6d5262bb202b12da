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
