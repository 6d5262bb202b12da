import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import { assessSegments, type SegmentQuestion } from '../../../src/analysis/segments.js';
import type { MetricCell, SegmentCells } from '../../../src/metrics/metric.js';
import {
  cellOf,
  designOf,
  errorRate,
  evidenceOf,
  guards,
  phaseOf,
  rateCell,
  revenue,
  success,
} from '../../support/evidence.js';

const metric = guards(errorRate, { absolute: 0.02 });
const question: SegmentQuestion = { design: designOf(), phases: [phaseOf(1), phaseOf(2)], metric };

function segmentOf(value: string, metricCells: readonly MetricCell[]): SegmentCells {
  return {
    segment: { kind: 'value', value },
    unitCells: metricCells.map(({ phase, variant, n }) => ({
      ...{ phase, variant, units: n, crossovers: 0 },
    })),
    metricCells,
  };
}

const rate = (variant: string, events: number, n: number, phase = 1): MetricCell =>
  rateCell({ metric: 'error_rate', variant, phase }, events, n);

describe('a segment', () => {
  it('that holds every unit has the interval of the whole experiment', () => {
    const cells = [
      rate('control', 40, 400),
      rate('v2', 60, 410),
      rate('control', 90, 300, 2),
      rate('v2', 80, 310, 2),
    ];
    const [whole] = assessSegments(question, [segmentOf('all', cells)]);
    const { metrics, quality } = assess(evidenceOf(cells, { phases: question.phases }));
    const expected = metrics.find((one) => one.metric === 'error_rate');
    const { control, treatment, effect, standardError, interval, level } = expected ?? {};
    expect(whole?.arms).toMatchObject([
      { variant: 'control', n: 700, value: control?.value, difference: null },
      {
        variant: 'v2',
        n: 720,
        value: treatment?.value,
        difference: { kind: 'estimated', estimate: effect, standardError, interval, level },
      },
    ]);
    expect(whole?.sampleRatio.arms).toEqual(quality.sampleRatio.arms);
    expect(whole?.sampleRatio.chiSquarePValue).toBe(quality.sampleRatio.chiSquarePValue);
  });

  it('compares inside phases, so that a drift between them is no effect', () => {
    const cells = [
      rate('control', 20, 200),
      rate('v2', 80, 800),
      rate('control', 320, 800, 2),
      rate('v2', 80, 200, 2),
    ];
    const [segment] = assessSegments(question, [segmentOf('drift', cells)]);
    expect(segment?.arms[1]?.value).toBeLessThan(segment?.arms[0]?.value ?? 0);
    expect(segment?.arms[1]?.difference).toMatchObject({ estimate: expect.closeTo(0, 12) });
  });

  it('shows which of them the arms are uneven in', () => {
    const even = segmentOf('web', [rate('control', 30, 500), rate('v2', 30, 500)]);
    const uneven = segmentOf('app', [rate('control', 30, 500), rate('v2', 24, 400)]);
    const [web, app] = assessSegments(question, [even, uneven]);
    expect(web?.sampleRatio.chiSquarePValue).toBe(1);
    expect(app?.sampleRatio.chiSquarePValue).toBeLessThan(0.001);
  });

  it('has values but no interval below the minimum of units or events', () => {
    const [small, rare] = assessSegments(question, [
      segmentOf('small', [rate('control', 20, 99), rate('v2', 20, 200)]),
      segmentOf('rare', [rate('control', 3, 300), rate('v2', 20, 300)]),
    ]);
    expect(small?.arms[1]).toMatchObject({
      value: 0.1,
      difference: { kind: 'insufficient', reason: 'too_few_units', have: 99, need: 100 },
    });
    expect(rare?.arms[1]?.difference).toMatchObject({ reason: 'too_few_events' });
  });

  it('has no interval without variance, and no value without units', () => {
    const flat = (variant: string): MetricCell =>
      cellOf({ metric: 'revenue', variant }, Array<number>(150).fill(3));
    const ofRevenue = { ...question, metric: success(revenue) };
    const [same, empty] = assessSegments(ofRevenue, [
      segmentOf('same', [flat('control'), flat('v2')]),
      segmentOf('empty', []),
    ]);
    expect(same?.arms[1]).toMatchObject({ value: 3, difference: { reason: 'zero_variance' } });
    expect(empty).toMatchObject({
      sampleRatio: { chiSquarePValue: null },
      arms: [
        { n: 0, value: null, difference: null },
        { n: 0, value: null },
      ],
    });
  });
});
