import { describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS, nextStep, retryAfterMs } from '../../../src/webhooks/retry.js';

const failed = { status: 500, retryAfterMs: null };
const waits = (random: number): number[] =>
  Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => {
    const next = nextStep(failed, index + 1, random);
    return next.kind === 'again' ? next.inMs : Number.NaN;
  });

describe('what follows an attempt', () => {
  it.each([200, 202, 204, 299])('is nothing after %i', (status) => {
    expect(nextStep({ status, retryAfterMs: null }, 1, 0.5)).toEqual({ kind: 'delivered' });
  });

  it.each([null, 100, 301, 302, 400, 404, 429, 500, 503])(
    'is another attempt after %s',
    (status) => {
      expect(nextStep({ status, retryAfterMs: null }, 1, 0.5).kind).toBe('again');
    },
  );

  it('waits longer each time, up to six hours, for about three days in all', () => {
    const all = waits(0.5);
    expect(all[0]).toBe(5_000);
    expect(all).toEqual(all.toSorted((left, right) => left - right));
    expect(all.at(-1)).toBe(6 * 3_600_000);
    const days = all.reduce((sum, ms) => sum + ms, 0) / 86_400_000;
    expect(days).toBeGreaterThan(2.5);
    expect(days).toBeLessThan(3.5);
  });

  it('spreads receivers that failed together, by a fifth to either side', () => {
    expect([waits(0)[1], waits(0.999_999)[1]]).toEqual([12_000, expect.closeTo(18_000, -1)]);
  });

  it('is given up after the last attempt, and at once when the receiver is gone', () => {
    expect(nextStep(failed, MAX_ATTEMPTS - 1, 0).kind).toBe('again');
    expect(nextStep(failed, MAX_ATTEMPTS, 0).kind).toBe('dead');
    expect(nextStep({ status: 410, retryAfterMs: null }, 1, 0).kind).toBe('dead');
  });

  it('waits as long as the receiver asks, within the limit', () => {
    const inMs = (ms: number) => {
      const next = nextStep({ status: 429, retryAfterMs: ms }, 1, 0.5);
      return next.kind === 'again' ? next.inMs : null;
    };
    expect([inMs(1_000), inMs(60_000), inMs(1e12)]).toEqual([5_000, 60_000, 21_600_000]);
    expect([retryAfterMs('120'), retryAfterMs(' 7 '), retryAfterMs(undefined)]).toEqual([
      120_000,
      7_000,
      null,
    ]);
    expect([retryAfterMs('Wed, 21 Oct 2026 07:28:00 GMT'), retryAfterMs(['1'])]).toEqual([
      null,
      null,
    ]);
  });
});
