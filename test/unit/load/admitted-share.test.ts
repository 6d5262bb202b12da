import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import { AdmittedShare } from '../../../src/load/admitted-share.js';

/** Observes every 25 ms for a time; returns the time after it. */
function observe(share: AdmittedShare, isStanding: boolean, fromMs: number, forMs: number): number {
  let nowMs = fromMs;
  for (; nowMs < fromMs + forMs; nowMs += 25) share.observe(isStanding, nowMs);
  return nowMs;
}

describe('the share of predictions that are let in', () => {
  it('is all of them while nothing waits', () => {
    const share = new AdmittedShare();
    observe(share, false, 0, 1_000);
    expect(share.value).toBe(1);
    expect(Array.from({ length: 100 }, () => share.admits())).not.toContain(false);
  });

  it('falls to a tenth within about a second of a standing queue', () => {
    const share = new AdmittedShare();
    observe(share, true, 0, 1_000);
    expect(share.value).toBeGreaterThan(0.09);
    expect(share.value).toBeLessThan(0.12);
  });

  it('never falls below what is needed to see that there is room again', () => {
    const share = new AdmittedShare();
    observe(share, true, 0, 60_000);
    expect(share.value).toBe(0.05);
    const admitted = Array.from({ length: 1_000 }, () => share.admits()).filter(Boolean);
    expect(admitted.length).toBeGreaterThanOrEqual(49);
    expect(admitted.length).toBeLessThanOrEqual(51);
  });

  it('is all of them again two seconds after the load is over, wherever it was', () => {
    const share = new AdmittedShare();
    const nowMs = observe(share, true, 0, 60_000);
    observe(share, false, nowMs, 2_100);
    expect(share.value).toBe(1);
  });

  it('lets in that share of any number, evenly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 2_000 }),
        (n, calls) => {
          const share = new AdmittedShare();
          observe(share, true, 0, n * 100);
          const admitted = Array.from({ length: calls }, () => share.admits()).filter(
            Boolean,
          ).length;
          expect(Math.abs(admitted - calls * share.value)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
