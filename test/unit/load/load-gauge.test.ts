import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import { LoadGauge } from '../../../src/load/load-gauge.js';

/** A gauge, and turns of given lengths as the sampler sees them: the next one 25 ms or a turn later. */
function gaugeAfter(...turnsMs: readonly number[]): LoadGauge {
  const gauge = new LoadGauge();
  let nowMs = 0;
  for (const ms of turnsMs) gauge.turned(ms, (nowMs += Math.max(25, ms)));
  return gauge;
}

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe('the wait for the event loop', () => {
  it('stands while every turn is long, and ends with the first short one', () => {
    expect(gaugeAfter(...times(20, 80)).standingMs).toBe(80);
    expect(gaugeAfter(...times(20, 80), 1).standingMs).toBe(1);
  });

  it('stands no longer than the shortest turn of half a second', () => {
    expect(gaugeAfter(...times(4, 1), ...times(5, 80)).standingMs).toBe(1);
    expect(gaugeAfter(...times(4, 1), ...times(8, 80)).standingMs).toBe(80);
  });

  it.each([[400], [3_000]])('does not stand after one pause of %d ms', (pauseMs) => {
    expect(gaugeAfter(...times(20, 2), pauseMs).standingMs).toBe(2);
    expect(gaugeAfter(pauseMs).standingMs).toBe(0);
    expect(gaugeAfter(pauseMs, pauseMs).standingMs).toBe(0);
  });

  it('stands when turns are so long that few fit into half a second', () => {
    expect(gaugeAfter(2, ...times(3, 2_000)).standingMs).toBe(2_000);
    expect(gaugeAfter(2, ...times(2, 2_000)).standingMs).toBe(2);
  });

  it('is never above the longest nor below the shortest turn', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { minLength: 3 }),
        (ms) => {
          const { standingMs, averageMs } = gaugeAfter(...ms);
          expect(standingMs).toBeGreaterThanOrEqual(Math.min(...ms));
          expect(standingMs).toBeLessThanOrEqual(Math.max(...ms.slice(-3)));
          expect(averageMs).toBeLessThanOrEqual(Math.max(...ms));
        },
      ),
    );
  });
});

describe('the average turn', () => {
  it('is high while turns are long, and no longer when they are short again', () => {
    expect(gaugeAfter(...times(50, 80)).averageMs).toBeGreaterThan(50);
    expect(gaugeAfter(...times(50, 80), ...times(50, 1)).averageMs).toBeLessThan(5);
  });

  it('is not high after one long pause', () => {
    expect(gaugeAfter(400).averageMs).toBeLessThan(50);
    expect(gaugeAfter(60_000).averageMs).toBeLessThan(50);
  });
});
