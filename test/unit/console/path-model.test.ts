import { describe, expect, it } from 'vitest';
import { dotsOf, effectRange, nearest } from '../../../console/src/charts/path-model.js';
import { csvOf } from '../../../console/src/charts/csv.js';
import { routeOf } from '../../../console/src/router/paths.js';

const point = (report: number, effect: number | null, half: number, epoch = 1) => ({
  ...{ report, epoch, atMs: report * 1_000, watermarkMs: null, coverage: 0.5 },
  metrics: [
    {
      ...{ metric: 'mistakes', variant: 'v2', effect, runningInterval: null, runningPValue: null },
      interval: effect === null ? null : { lower: effect - half, upper: effect + half },
      ...{ margin: null, controlN: report * 10, treatmentN: report * 10 },
    },
  ],
});

describe('the path to a verdict', () => {
  const points = [point(1, null, 0), point(2, 0.4, 3), point(3, 0.1, 0.3), point(4, 0.1, 0.1, 2)];
  const dots = dotsOf(points, { metric: 'mistakes', variant: 'v2' });

  it('leaves out looks that could estimate nothing, and marks those of an earlier design', () => {
    expect(dots.map(({ report, isPresent }) => [report, isPresent])).toEqual([
      [2, false],
      [3, false],
      [4, true],
    ]);
    expect(dotsOf(points, { metric: 'other', variant: 'v2' })).toEqual([]);
  });

  it('always has zero, the margin and the newest interval in view', () => {
    const [low, high] = effectRange(dots, -0.5);
    expect(low).toBeLessThan(-0.5);
    expect(high).toBeGreaterThan(0.2);
    expect(effectRange([], null)[0]).toBeLessThan(0);
  });

  it('finds the look nearest in time', () => {
    expect(nearest(dots, 2_600)?.report).toBe(3);
    expect(nearest([], 5)).toBeNull();
  });
});

describe('tables for a spreadsheet', () => {
  it('keep every digit, quote what needs it and never hold a formula', () => {
    expect(
      csvOf([
        ['a', 'b'],
        [0.1 + 0.2, 'x,"y"'],
        [null, '=1+1'],
      ]),
    ).toBe('a,b\r\n0.30000000000000004,"x,""y"""\r\n,\'=1+1\r\n');
  });
});

describe('addresses', () => {
  it.each([
    ['/', { page: 'fleet' }],
    ['/models', { page: 'fleet' }],
    ['/models/spam', { page: 'model', name: 'spam' }],
    ['/experiments', { page: 'experiments' }],
    ['/experiments/spam-v2', { page: 'experiment', ref: 'spam-v2' }],
    ['/new', { page: 'new' }],
    ['/else', { page: 'unknown' }],
    ['/experiments/a/b', { page: 'unknown' }],
  ])('lead %s to its page', (path, route) => {
    expect(routeOf(path)).toEqual(route);
  });
});
