import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import { Breaker } from '../../../src/gateway/mirror-breaker.js';

function opened(atMs = 0): Breaker {
  const breaker = new Breaker();
  for (let failure = 0; failure < 5; failure += 1) breaker.report('ordinary', false, atMs);
  return breaker;
}

describe('the breaker of a shadow', () => {
  it('opens after five failures in a row, and not after five with a good answer between', () => {
    const breaker = new Breaker();
    const report = (isGood: boolean): unknown => breaker.report('ordinary', isGood, 0);
    expect([false, false, false, false, true].map(report)).toEqual([null, null, null, null, null]);
    expect([false, false, false, false].map(report)).toEqual([null, null, null, null]);
    expect(breaker.isOpen).toBe(false);
    expect(report(false)).toBe('opened');
    expect(breaker.isOpen).toBe(true);
    expect(breaker.ask(0)).toBeNull();
  });

  it('lets one copy through after its rest, and the others once that one was answered', () => {
    const breaker = opened();
    expect(breaker.ask(999)).toBeNull();
    expect(breaker.ask(1_000)).toBe('probe');
    expect(breaker.ask(1_000)).toBeNull();
    expect(breaker.report('probe', true, 1_010)).toBe('closed');
    expect(breaker.ask(1_010)).toBe('ordinary');
  });

  it('rests twice as long after each probe that fails, at most 16 s, and 1 s again after an answer', () => {
    const breaker = opened();
    const rests: number[] = [];
    let nowMs = 1_000;
    for (let probe = 0; probe < 6; probe += 1) {
      expect(breaker.ask(nowMs)).toBe('probe');
      breaker.report('probe', false, nowMs);
      const from = nowMs;
      while (breaker.ask(nowMs) === null) nowMs += 500;
      rests.push(nowMs - from);
      breaker.abandon('probe', nowMs);
      nowMs += nowMs - from;
    }
    expect(rests).toEqual([2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
    expect(breaker.ask(nowMs)).toBe('probe');
    breaker.report('probe', true, nowMs);
    for (let failure = 0; failure < 5; failure += 1) breaker.report('ordinary', false, nowMs);
    expect(breaker.ask(nowMs + 999)).toBeNull();
    expect(breaker.ask(nowMs + 1_000)).toBe('probe');
  });

  it('hears nothing from copies that were sent before it opened', () => {
    const breaker = opened();
    expect(breaker.report('ordinary', true, 10)).toBeNull();
    expect(breaker.isOpen).toBe(true);
    expect(breaker.ask(1_000)).toBe('probe');
    expect(breaker.report('ordinary', true, 1_001)).toBeNull();
    expect(breaker.isOpen).toBe(true);
  });

  it('tries again when its probe was never sent', () => {
    const breaker = opened();
    expect(breaker.ask(1_000)).toBe('probe');
    breaker.abandon('probe', 1_000);
    expect(breaker.ask(1_500)).toBeNull();
    expect(breaker.ask(2_000)).toBe('probe');
  });

  it('never lets more than two copies a second through to a shadow that never answers', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 400 }), (gapsMs) => {
        const breaker = opened();
        const sentMs: number[] = [];
        let nowMs = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const pass = breaker.ask(nowMs);
          if (pass === null) continue;
          sentMs.push(nowMs);
          breaker.report(pass, false, nowMs);
        }
        for (const [index, atMs] of sentMs.entries()) {
          expect(atMs - (sentMs[index - 2] ?? -Infinity)).toBeGreaterThanOrEqual(1_000);
        }
      }),
    );
  });
});
