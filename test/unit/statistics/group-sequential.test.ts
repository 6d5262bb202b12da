import { describe, expect, it } from 'vitest';
import { alphaSpent, type SpendingFunction } from '../../../src/statistics/alpha-spending.js';
import {
  classicalBoundaries,
  groupSequentialPower,
  type SpendingDesign,
  spendingBoundaries,
} from '../../../src/statistics/group-sequential.js';
import { normalUpperQuantile, normalUpperTail } from '../../../src/statistics/numerics.js';
import { seeded } from './seeded.js';

const FUNCTIONS: readonly SpendingFunction[] = [
  { kind: 'pocock' },
  { kind: 'obrien_fleming' },
  { kind: 'power', exponent: 2 },
  { kind: 'hwang_shih_decani', gamma: -4 },
  { kind: 'hwang_shih_decani', gamma: 2 },
];
const design = {
  spending: { kind: 'obrien_fleming' },
  informationFractions: [0.25, 0.5, 0.75, 1],
  alpha: 0.05,
  sides: 2,
} as const satisfies SpendingDesign;

function evenly(looks: number): readonly number[] {
  return Array.from({ length: looks }, (_, index) => (index + 1) / looks);
}

describe('alpha spending', () => {
  it.each(FUNCTIONS)(
    'of %j starts near 0, never falls and spends all of alpha at 1',
    (spending) => {
      const spent = evenly(50).map((time) => alphaSpent(spending, { alpha: 0.05, sides: 2, time }));
      expect(spent).toEqual(spent.toSorted((a, b) => a - b));
      expect(spent.at(-1)).toBeCloseTo(0.05, 15);
      expect(alphaSpent(spending, { alpha: 0.05, sides: 2, time: 1e-9 })).toBeLessThan(1e-8);
    },
  );

  it('does not overflow for extreme parameters (kills a ratio of two infinities)', () => {
    const early = { alpha: 0.05, sides: 1, time: 0.5 } as const;
    expect(alphaSpent({ kind: 'hwang_shih_decani', gamma: -2000 }, early)).toBe(0);
    expect(alphaSpent({ kind: 'hwang_shih_decani', gamma: 2000 }, early)).toBe(0.05);
    expect(alphaSpent({ kind: 'hwang_shih_decani', gamma: -2 }, early)).toBeCloseTo(
      (0.05 * (1 - Math.exp(1))) / (1 - Math.exp(2)),
      15,
    );
  });
});

describe('the boundaries of a spending design', () => {
  it('of two looks solve the bivariate normal integral (Simpson, written apart)', () => {
    const [first, second] = spendingBoundaries({ ...design, informationFractions: [0.4, 1] });
    const correlation = Math.sqrt(0.4);
    const steps = 4000;
    let stayedThenCrossed = 0;
    const c1 = first?.criticalValue ?? 0;
    for (let k = 0; k <= steps; k += 1) {
      const z = -c1 + (2 * c1 * k) / steps;
      const weight = k === 0 || k === steps ? 1 : k % 2 === 1 ? 4 : 2;
      const sd = Math.sqrt(1 - correlation ** 2);
      const crossing =
        normalUpperTail(((second?.criticalValue ?? 0) - correlation * z) / sd) +
        normalUpperTail(((second?.criticalValue ?? 0) + correlation * z) / sd);
      stayedThenCrossed += (weight * Math.exp(-(z * z) / 2) * crossing) / Math.sqrt(2 * Math.PI);
    }
    const probability = (stayedThenCrossed * 2 * c1) / steps / 3;
    expect(probability / (0.05 - (first?.alphaSpent ?? 0))).toBeCloseTo(1, 10);
  });

  it('do not depend on looks that are still to come', () => {
    const whole = spendingBoundaries(design);
    const partly = spendingBoundaries({ ...design, informationFractions: [0.25, 0.5] });
    for (const [index, look] of partly.entries()) {
      expect(look.criticalValue).toBeCloseTo(whole[index]?.criticalValue ?? 0, 11);
    }
  });

  it('carry nothing wrong through a look that spends nothing: it has no boundary', () => {
    const early = spendingBoundaries({ ...design, informationFractions: [0.001, 0.5, 1] });
    expect(early[0]).toEqual({ alphaSpent: 0, criticalValue: Infinity, nominalP: 0 });
    const without = spendingBoundaries({ ...design, informationFractions: [0.5, 1] });
    expect(early[2]?.criticalValue).toBeCloseTo(without[1]?.criticalValue ?? 0, 11);
  });

  it('hold when looks follow each other closely (kills panels wider than the step)', () => {
    const times = [0.5, 0.500_001, 1];
    const near = spendingBoundaries({
      ...design,
      spending: { kind: 'pocock' },
      informationFractions: times,
    });
    const apart = spendingBoundaries({
      ...design,
      spending: { kind: 'pocock' },
      informationFractions: [0.5, 1],
    });
    expect(near[2]?.criticalValue).toBeCloseTo(apart[1]?.criticalValue ?? 0, 5);
    const pocock = {
      ...design,
      spending: { kind: 'pocock' },
      informationFractions: times,
    } as const;
    expect(groupSequentialPower({ ...pocock, drift: 0 })).toBeCloseTo(0.05, 10);
  });

  it('refuse designs that are none', () => {
    const refused: readonly [string, Partial<SpendingDesign>][] = [
      ['informationFractions[1]', { informationFractions: [0.5, 0.5, 1] }],
      ['informationFractions[1]', { informationFractions: [0.5, 1.2] }],
      ['informationFractions[0]', { informationFractions: [Number.NaN, 1] }],
      ['informationFractions', { informationFractions: [] }],
      ['informationFractions', { informationFractions: [0.5, 0.5 + 1e-12, 1] }],
      ['alpha', { alpha: 1.5 }],
      ['sides', { sides: 3 as 2 }],
      ['exponent', { spending: { kind: 'power', exponent: 0 } }],
      ['gamma', { spending: { kind: 'hwang_shih_decani', gamma: Number.NaN } }],
      ['spending', { spending: { kind: 'linear' as 'pocock' } }],
    ];
    for (const [field, change] of refused) {
      expect(() => spendingBoundaries({ ...design, ...change })).toThrow(`${field} must be`);
    }
  });
});

describe('the power of a design', () => {
  it.each(FUNCTIONS)('of %j without drift is alpha, for both sides and one', (spending) => {
    for (const sides of [1, 2] as const) {
      const informationFractions = [0.1, 0.35, 0.4, 0.9, 1];
      const power = groupSequentialPower({
        ...design,
        spending,
        sides,
        informationFractions,
        drift: 0,
      });
      expect(power).toBeCloseTo(0.05, 11);
    }
  });

  it('is the same for a drift either way, grows with it and reaches 1 without passing it', () => {
    const powers = [0, 1, 2, 3, 5, 9, 40, 1e6].map((drift) =>
      groupSequentialPower({ ...design, drift }),
    );
    expect(powers).toEqual(powers.toSorted((a, b) => a - b));
    expect(powers.at(-1)).toBe(1);
    expect(groupSequentialPower({ ...design, drift: -3 })).toBeCloseTo(powers[3] ?? 0, 12);
  });

  it('is small but positive against a drift the wrong way', () => {
    const one = { ...design, sides: 1, informationFractions: [1] } as const;
    const power = groupSequentialPower({ ...one, drift: -20 });
    expect(power / normalUpperTail(normalUpperQuantile(0.05) + 20)).toBeCloseTo(1, 10);
    expect(groupSequentialPower({ ...design, sides: 1, drift: -20 })).toBeGreaterThan(0);
  });

  it('is what simulated experiments show: .78 with four looks where the fixed design has .80', () => {
    const drift = normalUpperQuantile(0.025) + normalUpperQuantile(0.2);
    const looks = spendingBoundaries(design);
    const random = seeded(99);
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const runs = 40_000;
    let stopped = 0;
    for (let run = 0; run < runs; run += 1) {
      let sum = 0;
      const crossed = looks.some(({ criticalValue }, index) => {
        sum += drift * 0.25 + 0.5 * normal();
        return Math.abs(sum / Math.sqrt(0.25 * (index + 1))) > criticalValue;
      });
      if (crossed) stopped += 1;
    }
    const power = groupSequentialPower({ ...design, drift });
    expect(Math.abs(stopped / runs - power)).toBeLessThan(4 * Math.sqrt((0.8 * 0.2) / runs));
    expect(power).toBeGreaterThan(0.77);
    expect(power).toBeLessThan(0.8);
  });
});

describe('classical boundaries', () => {
  // Jennison & Turnbull (2000): C_P(K, alpha) and C_B(K, alpha), two-sided .05.
  it.each([
    [1, 1.96, 1.96],
    [2, 2.178, 1.977],
    [3, 2.289, 2.004],
    [5, 2.413, 2.04],
    [10, 2.555, 2.087],
    [20, 2.672, 2.126],
  ])('for %d looks are the constants in print', (looks, pocock, obrienFleming) => {
    const level = { looks, alpha: 0.05, sides: 2 } as const;
    expect(classicalBoundaries({ ...level, design: 'pocock' }).constant).toBeCloseTo(pocock, 3);
    const found = classicalBoundaries({ ...level, design: 'obrien_fleming' });
    expect(found.constant).toBeCloseTo(obrienFleming, 3);
    expect(found.criticalValues[0]).toBeCloseTo(found.constant * Math.sqrt(looks), 12);
  });

  it('refuse designs that are none', () => {
    const level = { looks: 3, alpha: 0.05, sides: 2, design: 'pocock' } as const;
    expect(() => classicalBoundaries({ ...level, looks: 0 })).toThrow('looks');
    expect(() => classicalBoundaries({ ...level, alpha: Number.NaN })).toThrow('alpha');
    expect(() => classicalBoundaries({ ...level, design: 'haybittle' as 'pocock' })).toThrow(
      'design',
    );
  });
});
