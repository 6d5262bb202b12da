import { describe, expect, it } from 'vitest';
import { BatchSizes, nextBatchRows } from '../../../src/metrics/batch-size.js';

const MAX = 5_000;

describe('the rows of the next batch', () => {
  it.each([
    ['as many as would have taken a second', { rows: 1_000, tookMs: 2_000, wasFull: true }, 500],
    ['more when there was time left', { rows: 1_000, tookMs: 500, wasFull: true }, 2_000],
    ['at most four times as many', { rows: 1_000, tookMs: 10, wasFull: true }, 4_000],
    ['at least a quarter', { rows: 1_000, tookMs: 60_000, wasFull: true }, 250],
    ['a quarter after a failure', { rows: 1_000, tookMs: null, wasFull: false }, 250],
    ['never above the limit', { rows: 4_000, tookMs: 100, wasFull: true }, MAX],
    ['never so few that round trips are all', { rows: 60, tookMs: 60_000, wasFull: true }, 50],
    [
      'as before when it found less than it might',
      { rows: 1_000, tookMs: 5, wasFull: false },
      1_000,
    ],
    ['fewer when few rows took long', { rows: 1_000, tookMs: 2_000, wasFull: false }, 500],
  ] as const)('%s', (_, run, expected) => {
    expect(nextBatchRows(run, MAX)).toBe(expected);
  });

  it('obeys a limit below the smallest batch', () => {
    expect(nextBatchRows({ rows: 3, tookMs: null, wasFull: false }, 3)).toBe(3);
  });
});

describe('batches of an experiment', () => {
  it('become small enough to be done between two faults', async () => {
    // a statement over `rows` takes 3 ms each, and whatever takes longer than 600 ms is cut off
    const sizes = new BatchSizes();
    const tried: number[] = [];
    const batch = (rows: number): Promise<{ readonly more: boolean }> => {
      tried.push(rows);
      return rows * 3 > 600
        ? Promise.reject(new Error('cut off'))
        : Promise.resolve({ more: true });
    };
    for (let done = false; !done;) {
      done = await sizes.run('one', MAX, batch).then(
        () => true,
        () => false,
      );
    }
    expect(tried).toEqual([1_000, 250, 63]);
  });

  it('are those of that experiment alone', async () => {
    const sizes = new BatchSizes();
    await expect(sizes.run('one', MAX, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    const rowsOf = (id: string): Promise<number> => {
      let given = 0;
      return sizes
        .run(id, MAX, (rows) => ((given = rows), Promise.resolve({ more: false })))
        .then(() => given);
    };
    expect(await rowsOf('one')).toBe(250);
    expect(await rowsOf('two')).toBe(1_000);
  });
});
