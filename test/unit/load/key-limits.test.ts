import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import { KeyLimits } from '../../../src/load/key-limits.js';

describe('the limit of a key', () => {
  it('is none at 0', () => {
    const limits = new KeyLimits(0);
    expect(limits.isOn).toBe(false);
    for (let n = 0; n < 1_000; n += 1) expect(limits.take('a', 0)).toBe(0);
  });

  it("lets a second's worth pass at once, then tells when to come again", () => {
    const limits = new KeyLimits(3);
    expect([1, 2, 3, 4].map(() => limits.take('a', 0))).toEqual([0, 0, 0, 1]);
    expect(limits.take('a', 334)).toBe(0);
    expect(limits.take('a', 335)).toBe(1);
    expect(limits.take('a', 60_000)).toBe(0);
  });

  it('is its own: other keys are not in its way', () => {
    const limits = new KeyLimits(1);
    expect(limits.take('a', 0)).toBe(0);
    expect(limits.take('a', 0)).toBe(1);
    expect(limits.take('b', 0)).toBe(0);
  });

  it('is kept over any time: never more than the rate and one burst', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 }),
        (rate, gapsMs) => {
          const limits = new KeyLimits(rate);
          let nowMs = 0;
          let passed = 0;
          for (const gap of gapsMs) {
            nowMs += gap;
            if (limits.take('a', nowMs) === 0) passed += 1;
            expect(passed).toBeLessThanOrEqual(rate + (rate * nowMs) / 1_000 + 1e-6);
          }
        },
      ),
    );
  });

  it('lets pass whoever waits as long as it was told', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 300 }),
        (rate, calls) => {
          const limits = new KeyLimits(rate);
          let nowMs = 0;
          for (let call = 0; call < calls; call += 1) {
            const waitS = limits.take('a', nowMs);
            if (waitS === 0) continue;
            nowMs += waitS * 1_000;
            expect(limits.take('a', nowMs)).toBe(0);
          }
        },
      ),
    );
  });

  it('is kept for the keys seen last, however many there are', () => {
    const limits = new KeyLimits(1);
    for (let n = 0; n < 10_000; n += 1) limits.take(`k${n}`, 0);
    expect(limits.take('k9999', 0)).toBe(1);
    expect(limits.take('k0', 0)).toBe(0);
  });
});
