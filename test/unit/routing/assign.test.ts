import { describe, expect, it } from 'vitest';
import { assign, weightRanges } from '../../../src/routing/assign.js';
import { GOLDEN } from './golden.js';
import { plainAssign } from './plain.js';
import { ab, canary, label, model } from './plans.js';

const halves = [{ upTo: 1, weights: [1, 1, 0] }];

describe('assignment', () => {
  it('is pinned by golden vectors: units never move when the code changes', () => {
    for (const { name, plan, units } of GOLDEN) {
      for (const [unit, expected] of Object.entries(units)) {
        expect(label(assign(plan, unit, null)), `${name} ${unit}`).toBe(expected);
      }
    }
  });

  it('agrees with a plain second implementation on the golden vectors', () => {
    for (const { name, plan, units } of GOLDEN) {
      for (const [unit, expected] of Object.entries(units)) {
        expect(plainAssign(plan, unit), `${name} ${unit}`).toBe(expected);
      }
    }
  });

  it('is null while the model has no champion', () => {
    expect(assign(model({ champion: null, experiments: [canary(1)] }), 'u', null)).toBeNull();
  });

  it('gives the champion when no experiment runs', () => {
    expect(assign(model(), 'u', null)).toEqual({
      version: 'v1',
      reason: 'champion',
      enrolment: null,
    });
  });

  it('gives the champion and enters no experiment without a unit', () => {
    expect(assign(model({ experiments: [canary(1)] }), null, null)).toEqual({
      version: 'v1',
      reason: 'no_unit',
      enrolment: null,
    });
  });

  it('obeys an override before any experiment, outside of it', () => {
    expect(assign(model({ experiments: [canary(1)] }), 'u', 'v3')).toEqual({
      version: 'v3',
      reason: 'override',
      enrolment: null,
    });
  });

  it.each(['v9', 'constructor', ''])('ignores an override to unknown version %j', (override) => {
    expect(assign(model(), 'u', override)?.reason).toBe('champion');
  });

  it('says which experiment, epoch, phase and variant a unit is enrolled in', () => {
    const plan = model({ experiments: [canary(1, { epoch: 3, phase: 5 })] });
    expect(assign(plan, 'u', null)).toEqual({
      version: 'v2',
      reason: 'experiment',
      enrolment: {
        experimentId: canary(1).id,
        experimentName: 'spam-v2',
        epoch: 3,
        phase: 5,
        variant: 'v2',
      },
    });
  });

  it('enrols nobody at coverage 0', () => {
    const plan = model({ experiments: [canary(0), ab(0, halves)] });
    for (let i = 0; i < 2_000; i++) expect(assign(plan, `u${i}`, null)?.reason).toBe('champion');
  });

  it('gives every unit the variant of a canary at coverage 1', () => {
    const plan = model({ experiments: [canary(1)] });
    for (let i = 0; i < 2_000; i++) expect(assign(plan, `u${i}`, null)?.version).toBe('v2');
  });

  it('asks the next experiment when one does not take the unit', () => {
    const plan = model({ experiments: [canary(0), ab(1, halves)] });
    expect(assign(plan, 'u', null)?.enrolment?.experimentName).toBe('spam-abc');
  });

  it('lets the first experiment that enrols a unit win', () => {
    const plan = model({ experiments: [canary(1), ab(1, halves)] });
    expect(assign(plan, 'u', null)?.enrolment?.experimentName).toBe('spam-v2');
  });

  it('never gives a variant of weight 0, and the champion when all weights are 0', () => {
    const none = model({ experiments: [ab(1, [{ upTo: 1, weights: [0, 0, 0] }])] });
    const some = model({ experiments: [ab(1, halves)] });
    for (let i = 0; i < 2_000; i++) {
      expect(assign(none, `u${i}`, null)?.reason).toBe('champion');
      expect(assign(some, `u${i}`, null)?.enrolment?.variant).not.toBe('c');
    }
  });

  it('ends the last weight range at exactly 1, whatever the weights', () => {
    const { variants } = ab(1, halves);
    for (const weights of [
      [0.1, 0.2, 0.3],
      [1e-9, 1, 1e9],
      [1 / 3, 1 / 3, 1 / 3],
      [0.7, 0.1, 0],
    ]) {
      expect(weightRanges(variants, weights).at(-1)?.to).toBe(1);
    }
  });
});
