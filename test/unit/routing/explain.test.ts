import { describe, expect, it } from 'vitest';
import { explainAssignment } from '../../../src/routing/explain.js';
import { bucket } from '../../../src/routing/murmur3.js';
import type { Predicate } from '../../../src/routing/plan.js';
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

  const shown = (explained: ReturnType<typeof explainAssignment>): readonly string[] =>
    explained.steps.map(({ result }) => result);

  it('says which cohort of the holdout a unit is in, with its bucket, and asks nothing else', () => {
    const holdout = { share: 0.2, version: 'v1', salt: '77aa01' };
    const plan = model({ champion: 'v2', holdout, experiments: [canary(1)] });
    const [pinned, shipped, free] = [
      unitWith('77aa01', 1, 0.8),
      unitWith('77aa01', 0.2),
      unitWith('77aa01', 0.8, 0.2),
    ];
    const place = (unit: string): string => bucket('77aa01', unit).toFixed(6);
    expect(shown(explainAssignment(plan, pinned)).slice(1)).toEqual([
      `bucket ${place(pinned)} is at least 0.800000: pinned to v1, in no experiment`,
    ]);
    expect(shown(explainAssignment(plan, shipped)).slice(1)).toEqual([
      `bucket ${place(shipped)} is below 0.2: compared with the holdout, champions only, in no experiment`,
    ]);
    expect(shown(explainAssignment(plan, free))[1]).toBe(
      `bucket ${place(free)} lies in [0.2, 0.800000): not in the holdout`,
    );
  });

  it('says which segment of a layer a unit has, and whose it is', () => {
    const layer = { name: 'x', salt: 'layer.x', ranges: [{ from: 0, to: 5_000 }] };
    const plan = model({ experiments: [canary(1, { layer })] });
    const [inside, outside] = [unitWith('layer.x', 0.5), unitWith('layer.x', 1, 0.5)];
    const segment = (unit: string): string => String(Math.floor(bucket('layer.x', unit) * 10_000));
    expect(shown(explainAssignment(plan, inside))[1]).toBe(
      `segment ${segment(inside)} of layer x is one of the 5000 of 10000 that spam-v2 has`,
    );
    expect(shown(explainAssignment(plan, outside)).slice(1)).toEqual([
      `segment ${segment(outside)} of layer x is not one of the 5000 of 10000 that spam-v2 has`,
      'in no experiment',
    ]);
  });

  it.each([
    [{ kind: 'equals', value: 'IN' }, 'DE', 'a "DE" is not "IN"'],
    [{ kind: 'equals', value: 'IN', negated: true }, 'IN', 'a "IN" is "IN"'],
    [{ kind: 'in', values: ['IN', 5] }, 'DE', 'a "DE" is not one of ["IN",5]'],
    [{ kind: 'range', from: 18, to: null }, 17, 'a 17 is not in [18, ∞)'],
    [{ kind: 'range', from: 18, to: 65 }, 'x', 'a "x" cannot be asked whether it is in [18, 65)'],
    [{ kind: 'prefix', prefix: '10' }, '20', 'a "20" is not beginning with "10"'],
    [
      { kind: 'semver', from: '2.0.0', below: null },
      '2.0.0-rc.1',
      'a "2.0.0-rc.1" is not in versions [2.0.0, any)',
    ],
    [{ kind: 'equals', value: 'IN' }, undefined, 'a is not known'],
  ] as const)('says why a request is not in the audience %j: %s', (condition, value, words) => {
    const audience = [{ attribute: 'a', ...condition } as Predicate];
    const plan = model({ experiments: [canary(1, { audience })] });
    const explained = explainAssignment(plan, 'u', () => value);
    expect(shown(explained)[1]).toBe(`not in the audience: ${words}`);
    expect(explained.assignment?.reason).toBe('champion');
  });

  it('says that the audience is met, that an arm is closed, and what a shadow copies', () => {
    const audience: readonly Predicate[] = [{ attribute: 'a', kind: 'equals', value: 1 }];
    const closed = canary(1, {
      audience,
      variants: canary(1).variants.map((one) => ({ ...one, closed: true as const })),
    });
    const mirror = { timeoutMs: 1, unsafeMethods: false, maxInFlight: 1, maxBodyBytes: 1 };
    const shadow = ab(1, [], { name: 's', kind: 'shadow', mirror: { ...mirror, share: 0.5 } });
    const unit = unitWith('9d41aa.coverage', 0.5);
    const explained = explainAssignment(model({ experiments: [closed, shadow] }), unit, () => 1);
    expect(explained.steps.map(({ step }) => step)).toEqual([
      ...['unit', 'audience', 'ranges', 'closed', 'champion', 'mirror'],
    ]);
    expect(shown(explained)[1]).toBe('in the audience: 1 of 1 conditions hold');
    expect(shown(explained)[3]).toBe('v2 is closed: its units get the champion, unrecorded');
    expect(shown(explained)[5]).toContain('is below the mirrored share 0.5: requests are copied');
    expect(explained.mirrors).toEqual(['s']);
  });
});
