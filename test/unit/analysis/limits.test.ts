import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import { assessLimits } from '../../../src/analysis/limits.js';
import { targetOf } from '../../../src/analysis/target.js';
import type { FrozenDesign } from '../../../src/experiments/experiment.js';
import { shareLimitLogE } from '../../../src/statistics/share-limit.js';
import { cellOf, designOf, evidenceOf, rateCell } from '../../support/evidence.js';
import { startedExperiment, postedCanary } from '../experiments/experiments.js';
import { seeded } from '../statistics/seeded.js';

const limits = { errorRate: 0.25, timeoutRate: null };
const design = designOf({ limits });

function limitOf(variant: string, cells: Parameters<typeof evidenceOf>[0], of = design) {
  const found = assessLimits({ design: of, metricCells: cells, unitCells: [] });
  const one = found?.find((limit) => limit.variant === variant);
  if (one === undefined) throw new Error(`no limit of ${variant}`);
  return one;
}

const errors = (variant: string, phase = 1) => ({ metric: 'error_rate', variant, phase });

describe('an operational limit', () => {
  it('is exceeded after seven units all of which failed, long before any minimum of evidence', () => {
    expect(limitOf('v2', [rateCell(errors('v2'), 6, 6)]).exceeded).toBe(false);
    const after = limitOf('v2', [rateCell(errors('v2'), 7, 7)]);
    expect(after).toMatchObject({
      exceeded: true,
      failedUnits: 7,
      units: 7,
      share: 1,
      limit: 0.25,
    });
  });

  it('is held against the control as well', () => {
    const cells = [rateCell(errors('control'), 80, 100), rateCell(errors('v2'), 1, 100)];
    expect(limitOf('control', cells).exceeded).toBe(true);
    expect(limitOf('v2', cells).exceeded).toBe(false);
  });

  it('is kept by a version that fails less often, however long it runs', () => {
    expect(limitOf('v2', [rateCell(errors('v2'), 24_000, 100_000)]).exceeded).toBe(false);
  });

  it('takes one unit that fails a thousand times for one unit', () => {
    const failing = [1000, ...Array.from({ length: 99 }, () => 0)];
    const requests = [1000, ...Array.from({ length: 99 }, () => 1)];
    const one = limitOf('v2', [cellOf(errors('v2'), failing, requests)]);
    expect(one.share).toBeGreaterThan(0.9);
    expect(one.exceeded).toBe(false);
  });

  it('takes the few units that hammer for few, however many requests they make', () => {
    const requests = Array.from({ length: 1_000 }, (_, unit) => (unit % 25 === 0 ? 400 : 1));
    const failed = requests.map((count) => (count === 400 ? 400 : 0));
    const one = limitOf('v2', [cellOf(errors('v2'), failed, requests)]);
    expect(one).toMatchObject({ failedUnits: 40, exceeded: false });
    expect(one.share).toBeGreaterThan(0.9);
  });

  it('does not take units that come back often enough to have met a failure for an outage', () => {
    const one = limitOf('v2', [
      cellOf(
        errors('v2'),
        Array.from({ length: 200 }, () => 1),
        Array.from({ length: 200 }, (_, unit) => 90 + (unit % 20)),
      ),
    ]);
    expect(one).toMatchObject({ failedUnits: 200, exceeded: false });
    expect(one.share).toBeLessThan(0.02);
  });

  it('sees an outage among units that come back', () => {
    const requests = Array.from({ length: 40 }, (_, unit) => 1 + (unit % 5));
    const failed = requests.map((count, unit) => (unit % 4 === 0 ? 0 : count));
    expect(limitOf('v2', [cellOf(errors('v2'), failed, requests)]).exceeded).toBe(true);
    const same = Array.from({ length: 40 }, () => 2);
    expect(limitOf('v2', [cellOf(errors('v2'), same, same)]).exceeded).toBe(true);
  });

  it('sees an outage among a handful of units that come back', () => {
    const same = Array.from({ length: 19 }, (_, unit) => 1 + (unit % 3));
    expect(limitOf('v2', [cellOf(errors('v2'), same, same)]).exceeded).toBe(true);
    const seven = same.slice(0, 7);
    expect(limitOf('v2', [cellOf(errors('v2'), seven, seven)]).exceeded).toBe(true);
    const six = same.slice(0, 6);
    expect(limitOf('v2', [cellOf(errors('v2'), six, six)]).exceeded).toBe(false);
    // each fails once, and is served five times
    const once = cellOf(errors('v2'), new Array<number>(19).fill(1), new Array<number>(19).fill(6));
    expect(limitOf('v2', [once])).toMatchObject({ failedUnits: 19, exceeded: false });
  });

  it('puts the phases of an arm together as if they were one', () => {
    const requests = Array.from({ length: 60 }, (_, unit) => 1 + (unit % 3));
    const failed = requests.map((count, unit) => (unit % 2 === 0 ? count : 0));
    const whole = limitOf('v2', [cellOf(errors('v2'), failed, requests)]);
    const parts = limitOf('v2', [
      cellOf(errors('v2', 1), failed.slice(0, 25), requests.slice(0, 25)),
      cellOf(errors('v2', 2), failed.slice(25), requests.slice(25)),
    ]);
    expect(parts.pValue).toBeCloseTo(whole.pValue, 12);
    expect(parts.share).toBeCloseTo(whole.share ?? 0, 12);
  });

  it('is not there for designs without limits, whose assessments stay what they were', () => {
    const cells = [rateCell(errors('control'), 0, 200), rateCell(errors('v2'), 0, 200)];
    expect(assess(evidenceOf(cells))).not.toHaveProperty('limits');
    expect(assess(evidenceOf(cells, { design })).limits).toHaveLength(2);
  });

  it('is measured where the design does not measure it anyway', () => {
    const experiment = startedExperiment(postedCanary());
    const names = (of: FrozenDesign): string[] =>
      targetOf(experiment, of).metrics.map(({ name }) => name);
    const frozen = experiment.design as FrozenDesign;
    expect(names(frozen)).toEqual(['correct', 'error_rate', 'timeout_rate']);
    const old = Object.fromEntries(Object.entries(frozen).filter(([key]) => key !== 'limits'));
    expect(names(old as unknown as FrozenDesign)).toEqual(['correct', 'error_rate']);
    const shadow = { kind: 'shadow', metrics: frozen.metrics.slice(0, 1) } as const;
    const ofErrors = { ...frozen, ...shadow, limits: { errorRate: 0.25, timeoutRate: null } };
    expect(names(ofErrors)).toEqual(['correct', 'error_rate']);
  });
});

describe('the e-process against a limit', () => {
  it('grows with failures and falls with units that do not fail', () => {
    const test = { limit: 0.1, concentration: 2 };
    const at = (failures: number, units = 50) => shareLimitLogE(test, { units, failures });
    for (let failures = 1; failures <= 50; failures += 1) {
      expect(at(failures)).toBeGreaterThan(at(failures - 1));
    }
    expect(at(10, 60)).toBeLessThan(at(10, 50));
    expect(at(0, 0)).toBeCloseTo(0, 12);
    expect(() => at(51)).toThrow(/failures/);
  });

  // a look after every single unit, exactly at the limit: at level 1/20 at most one run in 20 may ever cross
  it.each([0.01, 0.25])('crosses 20 at any of 2,000 looks in at most 5 %% at limit %d', (limit) => {
    const random = seeded(4711);
    const runs = 400;
    let crossed = 0;
    for (let run = 0; run < runs; run += 1) {
      let failures = 0;
      for (let units = 1; units <= 2_000; units += 1) {
        if (random() < limit) failures += 1;
        else continue;
        const logE = shareLimitLogE({ limit, concentration: 2 }, { units, failures });
        if (logE < Math.log(20)) continue;
        crossed += 1;
        break;
      }
    }
    expect(crossed / runs).toBeLessThanOrEqual(0.05);
  });
});
