import { describe, expect, it } from 'vitest';
import { assign, cohortOf, coverageSalt, placementOf } from '../../../src/routing/assign.js';
import { layerSalt, layerSegment } from '../../../src/routing/layers.js';
import { bucket } from '../../../src/routing/murmur3.js';
import { LAYER_SEGMENTS } from '../../../src/routing/plan.js';
import { ab, canary, chiSquareBound, chiSquareUniform, label, model, unitIds } from './plans.js';

// z = 4.5: a false alarm once in 300,000 (the data is fixed, so it is either red or green for ever).
const Z = 4.5;

describe.each(['sequential', 'uuid'] as const)('buckets of %s ids', (style) => {
  const units = unitIds(200_000, style);

  it.each(['5f0c2b', '5f0c2b.coverage', '5f0c2b.variant', '0', ''])(
    'are uniform over 2,000 cells under salt %j',
    (salt) => {
      const cells = new Array<number>(2_000).fill(0);
      for (const unit of units) {
        const cell = Math.floor(bucket(salt, unit) * cells.length);
        cells[cell] = (cells[cell] ?? 0) + 1;
      }
      expect(chiSquareUniform(cells)).toBeLessThan(chiSquareBound(cells.length - 1, Z));
    },
  );

  it('are independent across salts, for every pair of eight salts of which some differ in one letter', () => {
    const salts = ['a1', 'a2', 'a1.coverage', 'a1.variant', 'a2.coverage', 'exp-1', 'exp-2', 'zz'];
    const places = salts.map((salt) =>
      units.slice(0, 50_000).map((unit) => Math.floor(bucket(salt, unit) * 16)),
    );
    for (let i = 0; i < salts.length; i++) {
      for (let j = i + 1; j < salts.length; j++) {
        const cells = new Array<number>(256).fill(0);
        places[i]?.forEach((row, unit) => {
          const cell = row * 16 + (places[j]?.[unit] ?? 0);
          cells[cell] = (cells[cell] ?? 0) + 1;
        });
        expect(chiSquareUniform(cells), `${salts[i]} × ${salts[j]}`).toBeLessThan(
          chiSquareBound(255, Z),
        );
      }
    }
  });

  it.each([0.001, 0.01, 0.05, 0.25, 0.5])(
    'give variant and control of a canary one to one at coverage %f',
    (coverage) => {
      const plan = model({ experiments: [canary(coverage)] });
      const seen = { 'v2/v2': 0, 'v1/control': 0, v1: 0 };
      for (const unit of units) seen[label(assign(plan, unit, null)) as keyof typeof seen]++;
      const [a, b] = [seen['v2/v2'], seen['v1/control']];
      expect(Math.abs(a - b)).toBeLessThan(Z * Math.sqrt(a + b));
      const expected = coverage * units.length;
      expect(Math.abs(a - expected)).toBeLessThan(Z * Math.sqrt(expected));
    },
  );

  it('follow the weights of an ab experiment', () => {
    const plan = model({ experiments: [ab(1, [{ upTo: 1, weights: [5, 3, 2] }])] });
    const seen = new Map<string, number>();
    for (const unit of units) {
      const name = label(assign(plan, unit, null));
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    for (const [name, share] of [
      ['v1/control', 0.5],
      ['v2/b', 0.3],
      ['v3/c', 0.2],
    ] as const) {
      const expected = share * units.length;
      const spread = Math.sqrt(expected * (1 - share));
      expect(Math.abs((seen.get(name) ?? 0) - expected)).toBeLessThan(Z * spread);
    }
  });

  it('fall evenly into the segments of a layer, whatever its name', () => {
    for (const name of ['ranking', 'ui', 'x']) {
      const cells = new Array<number>(LAYER_SEGMENTS).fill(0);
      for (const unit of units) {
        const segment = layerSegment(layerSalt(name), unit);
        cells[segment] = (cells[segment] ?? 0) + 1;
      }
      expect(chiSquareUniform(cells), name).toBeLessThan(chiSquareBound(cells.length - 1, Z));
    }
  });

  it('fall into a layer, another layer, the holdout and the arms of an experiment independently', () => {
    const experiment = ab(1, [{ upTo: 1, weights: [1, 1, 0] }]);
    const held = { share: 0.5, version: 'v1', salt: '77aa01' };
    const sides: readonly ((unit: string) => boolean)[] = [
      (unit) => layerSegment(layerSalt('ranking'), unit) < 5_000,
      (unit) => layerSegment(layerSalt('ui'), unit) < 5_000,
      (unit) => cohortOf(held, unit) === 'pinned',
      (unit) => bucket(coverageSalt(experiment), unit) < 0.5,
      (unit) => placementOf(experiment, unit)?.variant.control === true,
    ];
    const drawn = units.slice(0, 50_000);
    for (const [i, one] of sides.entries()) {
      for (const [j, other] of sides.entries()) {
        if (i >= j) continue;
        const cells = [0, 0, 0, 0];
        for (const unit of drawn) {
          const cell = Number(one(unit)) * 2 + Number(other(unit));
          cells[cell] = (cells[cell] ?? 0) + 1;
        }
        expect(chiSquareUniform(cells), `${i} × ${j}`).toBeLessThan(chiSquareBound(3, Z));
      }
    }
  });

  it.each([0.005, 0.05, 0.5])('give both cohorts of a holdout of %f its share', (share) => {
    const holdout = { share, version: 'v1', salt: '77aa01' };
    const seen = { pinned: 0, shipped: 0 };
    for (const unit of units) {
      const cohort = cohortOf(holdout, unit);
      if (cohort !== null) seen[cohort]++;
    }
    const spread = Z * Math.sqrt(share * units.length);
    expect(Math.abs(seen.pinned - share * units.length)).toBeLessThan(spread);
    expect(Math.abs(seen.shipped - share * units.length)).toBeLessThan(spread);
  });
});
