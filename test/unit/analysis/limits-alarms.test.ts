import { describe, expect, it } from 'vitest';
import type { LimitLooks } from '../../../src/analysis/limit-looks.js';
import { assessLimits, limitLooksAfter } from '../../../src/analysis/limits.js';
import type { LimitAssessment } from '../../../src/statistics/assessment.js';
import { cellOf, designOf, rateCell } from '../../support/evidence.js';
import { seeded } from '../statistics/seeded.js';

const design = designOf({ limits: { errorRate: 0.25, timeoutRate: null } });
const errors = { metric: 'error_rate', variant: 'v2' };

/** Looks at an arm one after the other, as analyses do. */
class Looks {
  limitLooks: readonly LimitLooks[] | undefined;

  look(cell: ReturnType<typeof rateCell>, crossovers = 0): LimitAssessment {
    const unitCells = [{ phase: 1, variant: 'v2', units: cell.n, crossovers }];
    const evidence = {
      ...{ design, metricCells: [cell], unitCells },
      ...(this.limitLooks === undefined ? {} : { limitLooks: this.limitLooks }),
    };
    const found = assessLimits(evidence)?.find(({ variant }) => variant === 'v2');
    this.limitLooks = limitLooksAfter(evidence);
    if (found === undefined) throw new Error('v2 has a limit');
    return found;
  }

  get kept(): readonly { readonly look: number }[] {
    return this.limitLooks?.find(({ variant }) => variant === 'v2')?.kept ?? [];
  }
}

function afterGoodUnits(looks: number, perLook: number): Looks {
  const arm = new Looks();
  for (let look = 1; look <= looks; look += 1) arm.look(rateCell(errors, 0, look * perLook));
  return arm;
}

describe('an outage after a long time without one', () => {
  it('is exceeded at the first look after it', () => {
    const arm = afterGoodUnits(1_000, 100);
    const one = arm.look(rateCell(errors, 100, 100_100));
    expect(one).toMatchObject({ exceeded: true, recent: { failedUnits: 100, successes: 0 } });
    expect(one.share).toBeLessThan(0.001);
  });

  it('is exceeded at the second look when each has few units', () => {
    const arm = afterGoodUnits(1_000, 100);
    expect(arm.look(rateCell(errors, 15, 100_015)).exceeded).toBe(false);
    expect(arm.look(rateCell(errors, 30, 100_030)).exceeded).toBe(true);
  });

  it('is seen among units that come back and had failed before', () => {
    const arm = new Looks();
    // 2,000 users, each with one failure among its 40 requests
    const past = Array.from({ length: 2_000 }, () => 1);
    const served = past.map(() => 40);
    arm.look(cellOf(errors, past, served));
    const [failed, requests] = [past.map(() => 4), served.map((count) => count + 3)];
    expect(arm.look(cellOf(errors, failed, requests)).exceeded).toBe(true);
  });

  it('is seen while some units are taken out because they met two variants', () => {
    const arm = afterGoodUnits(200, 100);
    expect(arm.look(rateCell(errors, 100, 20_095), 5).exceeded).toBe(true);
  });

  it('is over when units are served again', () => {
    const arm = afterGoodUnits(100, 100);
    expect(arm.look(rateCell(errors, 60, 10_060)).exceeded).toBe(true);
    const later = Array.from({ length: 10 }, (_, look) =>
      arm.look(rateCell(errors, 60, 10_060 + 100 * (look + 1))),
    );
    expect(later.at(-1)?.exceeded).toBe(false);
  });
});

describe('looks before this one', () => {
  it('are no outage when units are taken out in great number', () => {
    const arm = new Looks();
    arm.look(rateCell(errors, 10, 10_000));
    // 9,500 leave with their good requests, 10,000 come of which 100 fail
    expect(arm.look(rateCell(errors, 110, 10_500), 9_500).exceeded).toBe(false);
    expect(arm.look(rateCell(errors, 210, 10_550), 19_450).exceeded).toBe(false);
  });

  it('are kept in a number that grows as the logarithm of the looks', () => {
    const arm = afterGoodUnits(3_000, 10);
    expect(arm.kept.length).toBeLessThanOrEqual(12);
    const ages = arm.kept.map(({ look }) => 3_000 - look);
    expect(ages).toContain(0);
    for (const age of [4, 16, 64, 256, 1_024]) {
      expect(ages.some((one) => one >= age && one < 2 * age + age)).toBe(true);
    }
  });

  it('are not kept where nothing came', () => {
    const arm = new Looks();
    for (let look = 0; look < 5; look += 1) arm.look(rateCell(errors, 0, 0));
    expect(arm.kept).toEqual([]);
    for (let look = 0; look < 5; look += 1) arm.look(rateCell(errors, 1, 9));
    expect(arm.kept).toHaveLength(1);
  });

  it('are not needed: evidence without them is tested as a whole', () => {
    const evidence = { design, metricCells: [rateCell(errors, 100, 100_100)], unitCells: [] };
    const found = assessLimits(evidence)?.find(({ variant }) => variant === 'v2');
    expect(found).toMatchObject({ exceeded: false });
    expect(found).not.toHaveProperty('recent');
  });
});

describe('a version exactly at its limit', () => {
  /** How many runs had a p-value of at most 0.05 at any of their looks, and of at most 0.001. */
  function alarms(
    runs: number,
    looks: number,
    arrive: (random: () => number) => Arrivals,
  ): readonly number[] {
    const random = seeded(71);
    const smallest: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const arm = new Looks();
      const next = arrive(random);
      smallest.push(Math.min(...Array.from({ length: looks }, () => arm.look(next()).pValue)));
    }
    return [0.05, 0.001].map((level) => smallest.filter((pValue) => pValue <= level).length);
  }

  type Arrivals = () => ReturnType<typeof rateCell>;

  const newUnits = (random: () => number): Arrivals => {
    let [units, failed] = [0, 0];
    return () => {
      const more = 1 + Math.floor(random() * 30);
      units += more;
      for (let unit = 0; unit < more; unit += 1) failed += random() < 0.25 ? 1 : 0;
      return rateCell(errors, failed, units);
    };
  };

  const returning = (random: () => number): Arrivals => {
    const [failed, requests]: [number[], number[]] = [[], []];
    return () => {
      for (let request = 0; request < 15; request += 1) {
        const isNew = failed.length < 10 || random() < 0.2;
        const unit = isNew ? failed.length : Math.floor(random() * failed.length);
        requests[unit] = (requests[unit] ?? 0) + 1;
        failed[unit] = (failed[unit] ?? 0) + (random() < 0.25 ? 1 : 0);
      }
      return cellOf(errors, failed, requests);
    };
  };

  it('is stopped in at most 1 of 1,000 experiments, whatever the looks', () => {
    // of 4,000 runs 200 and 4 may have p-values of at most 0.05 and 0.001
    for (const arrive of [newUnits, returning]) {
      const [often = 0, seldom = 0] = alarms(4_000, 25, arrive);
      expect(often).toBeLessThanOrEqual(200);
      expect(often).toBeGreaterThan(0);
      expect(seldom).toBeLessThanOrEqual(4);
    }
  });
});
