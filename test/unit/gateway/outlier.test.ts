import { describe, expect, it } from 'vitest';
import { ejectionLimit, isPanic, Outlier, OUTLIER_DEFAULTS } from '../../../src/gateway/outlier.js';

const { intervalMs, baseEjectionTimeMs, maxEjectionTimeMs } = OUTLIER_DEFAULTS;

function outlier(): Outlier {
  return new Outlier(OUTLIER_DEFAULTS);
}

/** The last reason that a row of answers gives. */
function after(one: Outlier, ...statuses: readonly number[]): string | null {
  return statuses.map((status) => one.answered(status)).at(-1) ?? null;
}

/** Sweeps at the usual interval until the replica is back; the time of that sweep. */
function sweepUntilBack(one: Outlier, fromMs: number): number {
  let nowMs = fromMs;
  do nowMs += intervalMs;
  while (!one.sweep(nowMs));
  return nowMs;
}

describe('the defaults of outlier detection', () => {
  it("are Envoy's", () => {
    expect(OUTLIER_DEFAULTS).toEqual({
      consecutive5xx: 5,
      consecutiveGatewayFailure: 5,
      intervalMs: 10_000,
      baseEjectionTimeMs: 30_000,
      maxEjectionTimeMs: 300_000,
      maxEjectionPercent: 10,
      panicThresholdPercent: 50,
    });
  });

  it.each([
    [1, 0],
    [2, 1],
    [9, 1],
    [16, 1],
    [20, 2],
    [39, 3],
  ])('let of %d replicas %d be ejected at once', (replicas, limit) => {
    expect(ejectionLimit(replicas, OUTLIER_DEFAULTS)).toBe(limit);
  });

  it('panic with less than half of the replicas in service, not with half of them', () => {
    expect(isPanic(2, 1, OUTLIER_DEFAULTS)).toBe(false);
    expect(isPanic(4, 2, OUTLIER_DEFAULTS)).toBe(false);
    expect(isPanic(4, 3, OUTLIER_DEFAULTS)).toBe(true);
    expect(isPanic(1, 1, OUTLIER_DEFAULTS)).toBe(true);
  });
});

describe('a replica', () => {
  it('is an outlier after five server errors in a row', () => {
    expect(after(outlier(), 500, 500, 500, 500)).toBe(null);
    expect(after(outlier(), 500, 500, 500, 500, 500)).toBe('consecutive_5xx');
    expect(after(outlier(), 501, 503, 500, 504, 599)).toBe('consecutive_5xx');
  });

  it('is told apart when all of them are gateway failures', () => {
    expect(after(outlier(), 502, 503, 504, 502, 502)).toBe('consecutive_gateway_failure');
    expect(after(outlier(), 500, 503, 504, 502, 502)).toBe('consecutive_5xx');
  });

  it.each([200, 204, 302, 404, 429, 499])('begins anew after an answer %d', (status) => {
    expect(after(outlier(), 500, 500, 500, 500, status, 500, 500, 500, 500)).toBe(null);
  });

  it('is judged anew when it could not be ejected', () => {
    const one = outlier();
    after(one, 500, 500, 500, 500, 500);
    expect(after(one, 500, 500, 500, 500)).toBe(null);
    expect(after(one, 500)).toBe('consecutive_5xx');
  });

  it('comes back with the first sweep after its time, and not before', () => {
    const one = outlier();
    expect(one.eject(1_000)).toBe(baseEjectionTimeMs);
    expect(one.isEjected).toBe(true);
    expect(one.sweep(30_999)).toBe(false);
    expect(one.sweep(31_000)).toBe(true);
    expect(one.isEjected).toBe(false);
  });

  it('is ejected for longer each time, up to the longest time', () => {
    const one = outlier();
    const rests = Array.from({ length: 14 }, (_, round) => {
      const rest = one.eject(round);
      one.readmit();
      return rest / baseEjectionTimeMs;
    });
    expect(rests).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10]);
    expect(maxEjectionTimeMs).toBe(10 * baseEjectionTimeMs);
  });

  it('is forgiven one ejection by every sweep that finds it in service', () => {
    const one = outlier();
    one.eject(0);
    one.readmit();
    one.eject(0);
    const backMs = sweepUntilBack(one, 0);
    expect(backMs).toBe(2 * baseEjectionTimeMs);
    one.sweep(backMs + intervalMs);
    expect(one.eject(0)).toBe(2 * baseEjectionTimeMs);
    one.readmit();
    for (let sweep = 0; sweep < 9; sweep += 1) one.sweep(0);
    expect(one.eject(0)).toBe(baseEjectionTimeMs);
  });

  it('is not judged by calls that were under way when it was ejected', () => {
    const one = outlier();
    one.eject(0);
    expect(after(one, 500, 500, 500, 500, 500, 500, 500)).toBe(null);
    one.readmit();
    expect(after(one, 500, 500, 500, 500)).toBe(null);
  });

  it('rests for the base time even when the longest time is shorter', () => {
    const one = new Outlier({ ...OUTLIER_DEFAULTS, maxEjectionTimeMs: 1_000 });
    expect(one.eject(0)).toBe(baseEjectionTimeMs);
  });
});
