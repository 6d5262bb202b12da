import { describe, expect, it } from 'vitest';
import { changedFields, dealsOutAnew, redesignDefects } from '../../../src/experiments/redesign.js';
import { parsed, postedAb, postedCanary } from './experiments.js';

const ab = parsed(postedAb());
const canary = parsed(postedCanary());

describe('the fields that differ', () => {
  it('are named as deep as they differ', () => {
    const analysis = { ...ab.analysis, alpha: 0.01 };
    expect(changedFields(ab, { analysis })).toEqual(['/analysis/alpha']);
    const [first, second] = canary.metrics;
    const metrics = [first, { ...second, nonInferiorityMargin: { absolute: 0.5 } }];
    expect(changedFields(canary, { metrics })).toEqual([
      '/metrics/1/nonInferiorityMargin/absolute',
    ]);
  });

  it('are lists as a whole when one is longer, and nothing when all is the same', () => {
    expect(changedFields(ab, { metrics: [] })).toEqual(['/metrics']);
    expect(changedFields(ab, { metrics: ab.metrics, coverage: ab.coverage })).toEqual([]);
  });
});

describe('a redesign', () => {
  it('changes something, but not what the experiment is', () => {
    expect(redesignDefects(ab, { ...ab, hypothesis: 'another' })).toEqual([]);
    expect(redesignDefects(ab, { ...ab })).toMatchObject([{ field: '/changes' }]);
    const other = redesignDefects(ab, { ...ab, name: 'x', model: 'y' });
    expect(other.map(({ field }) => field)).toEqual(['/changes/name', '/changes/model']);
  });

  it('deals units out anew exactly when variants or coverage change', () => {
    const variants = ab.variants.map((variant) => ({ ...variant, weight: 7 * variant.weight }));
    expect(dealsOutAnew(ab, { ...ab, variants })).toBe(true);
    expect(dealsOutAnew(ab, { ...ab, coverage: ab.coverage / 2 })).toBe(true);
    expect(dealsOutAnew(ab, { ...ab, analysis: { ...ab.analysis, alpha: 0.01 } })).toBe(false);
    const steps = canary.rollout?.steps ?? [];
    const slower = steps.map((step) => ({ ...step, hold: { ...step.hold, duration: '9h' } }));
    expect(dealsOutAnew(canary, { ...canary, rollout: { steps: slower } })).toBe(false);
    const wider = steps.map((step, at) => (at === 0 ? { ...step, coverage: 0.07 } : step));
    expect(dealsOutAnew(canary, { ...canary, rollout: { steps: wider } })).toBe(true);
  });
});
