import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import { earliestKeptDay, planRetention } from '../../../src/events/retention.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 29, 18, 30);
const TODAY = Math.floor(NOW_MS / DAY_MS);

const hold = (daysAgo: number, experiment = 'running') => ({
  experiment,
  model: 'spam',
  neededFromMs: NOW_MS - daysAgo * DAY_MS,
});

describe('retention', () => {
  it('keeps everything for ever when no days are set, whatever runs', () => {
    expect(earliestKeptDay(null, NOW_MS)).toBeNull();
    expect(planRetention(null, [hold(900)], NOW_MS)).toEqual({
      retentionDays: null,
      keptFromDay: null,
      heldBy: null,
    });
  });

  it('keeps as many days as are set, today included', () => {
    expect(earliestKeptDay(1, NOW_MS)).toBe(TODAY);
    expect(planRetention(30, [], NOW_MS)).toMatchObject({ keptFromDay: TODAY - 29, heldBy: null });
  });

  it('keeps what the oldest need of a running experiment reaches back to, and a day before it', () => {
    const plan = planRetention(30, [hold(10, 'young'), hold(50, 'old'), hold(40)], NOW_MS);
    expect(plan.keptFromDay).toBe(TODAY - 51);
    expect(plan.heldBy?.experiment).toBe('old');
  });

  it('names nobody as holding when the setting keeps more by itself', () => {
    expect(planRetention(30, [hold(10)], NOW_MS)).toMatchObject({
      keptFromDay: TODAY - 29,
      heldBy: null,
    });
  });

  it('never drops a day that is within the setting or that anybody needs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 5 }),
        (days, starts) => {
          const { keptFromDay } = planRetention(
            days,
            starts.map((ago) => hold(ago)),
            NOW_MS,
          );
          expect(keptFromDay).not.toBeNull();
          expect(keptFromDay).toBeLessThanOrEqual(TODAY - days + 1);
          for (const ago of starts) expect(keptFromDay).toBeLessThan(TODAY - ago + 1);
        },
      ),
    );
  });
});
