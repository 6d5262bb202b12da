import { describe, expect, it } from 'vitest';
import { GapLog } from '../../../src/events/gap-log.js';

describe('the gap log', () => {
  it('joins drops that are close in time and of one cause', () => {
    const log = new GapLog();
    log.add('disk_full', 2, 1_000);
    log.add('spool_full', 1, 1_500);
    log.add('disk_full', 3, 5_000);
    log.add('disk_full', 1, 60_000);
    expect(log.take()).toEqual([
      { fromMs: 1_000, toMs: 5_000, dropped: 5, cause: 'disk_full' },
      { fromMs: 1_500, toMs: 1_500, dropped: 1, cause: 'spool_full' },
      { fromMs: 60_000, toMs: 60_000, dropped: 1, cause: 'disk_full' },
    ]);
    expect(log.size).toBe(0);
  });

  it('forgets nothing when there are too many gaps: it widens the newest', () => {
    const log = new GapLog();
    for (let index = 0; index < 3_000; index += 1) log.add('disk_error', 1, index * 60_000);
    const gaps = log.take();
    expect(gaps.length).toBeLessThanOrEqual(1_000);
    expect(gaps.reduce((sum, gap) => sum + gap.dropped, 0)).toBe(3_000);
    expect(gaps.at(-1)?.toMs).toBe(2_999 * 60_000);
  });

  it('takes back what could not be stored', () => {
    const log = new GapLog();
    log.add('disk_full', 1, 1_000);
    const taken = log.take();
    log.add('disk_full', 1, 99_000);
    log.restore(taken);
    expect(log.take()).toHaveLength(2);
  });
});
