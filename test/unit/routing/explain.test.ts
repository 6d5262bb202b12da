import { describe, expect, it } from 'vitest';
import { explainAssignment } from '../../../src/routing/explain.js';
import { bucket } from '../../../src/routing/murmur3.js';
import { ab, canary, model, unitIds } from './plans.js';

const units = unitIds(200, 'sequential');

function unitWith(salt: string, below: number, atLeast = 0): string {
  const found = units.find((id) => bucket(salt, id) < below && bucket(salt, id) >= atLeast);
  if (found === undefined) throw new Error('no such unit among the test ids');
  return found;
}

describe('an explanation', () => {
  it('says that a model has no champion', () => {
    expect(explainAssignment(model({ champion: null }), 'u')).toEqual({
      model: 'spam',
      unit: 'u',
      assignment: null,
      steps: [{ step: 'champion', version: null, result: 'the model has no champion yet' }],
    });
  });

  it('says that a request without a unit enters no experiment', () => {
    const explained = explainAssignment(model({ experiments: [canary(1)] }), null);
    expect(explained.assignment?.reason).toBe('no_unit');
    expect(explained.steps.map(({ step }) => step)).toEqual(['unit']);
  });

  it('shows the bucket and both ranges of a canary', () => {
    const unit = unitWith('5f0c2b', 0.1);
    const explained = explainAssignment(model({ experiments: [canary(0.1)] }), unit);
    expect(explained.steps[1]).toMatchObject({
      step: 'ranges',
      experiment: 'spam-v2',
      salt: '5f0c2b',
      bucket: bucket('5f0c2b', unit),
      coverage: 0.1,
      ranges: [
        { variant: 'v2', version: 'v2', from: 0, to: 0.1 },
        { variant: 'control', version: 'v1', from: 0.9, to: 1 },
      ],
      variant: 'v2',
    });
  });

  it('says why a unit is not enrolled, and that the champion answers', () => {
    const unit = unitWith('5f0c2b', 0.9, 0.1);
    const explained = explainAssignment(model({ experiments: [canary(0.1)] }), unit);
    expect(explained.steps.map(({ step }) => step)).toEqual(['unit', 'ranges', 'champion']);
    expect(explained.steps[1]).toMatchObject({ variant: null });
    expect(explained.steps[1]?.result).toContain('in no range at coverage 0.1');
    expect(explained.assignment).toEqual({ version: 'v1', reason: 'champion', enrolment: null });
  });

  it('shows the coverage bucket, then the weights of the segment it lies in', () => {
    const experiment = ab(0.5, [
      { upTo: 0.2, weights: [1, 1, 0] },
      { upTo: 0.5, weights: [1, 1, 2] },
    ]);
    const unit = unitWith('9d41aa.coverage', 0.5, 0.2);
    const explained = explainAssignment(model({ experiments: [experiment] }), unit);
    expect(explained.steps[1]).toMatchObject({ step: 'coverage', enrolled: true, coverage: 0.5 });
    expect(explained.steps[2]).toMatchObject({
      step: 'variant',
      salt: '9d41aa.variant',
      segment: { from: 0.2, upTo: 0.5, weights: [1, 1, 2] },
      ranges: [
        { variant: 'control', from: 0, to: 0.25 },
        { variant: 'b', from: 0.25, to: 0.5 },
        { variant: 'c', from: 0.5, to: 1 },
      ],
      variant: explained.assignment?.enrolment?.variant,
    });
  });
});
