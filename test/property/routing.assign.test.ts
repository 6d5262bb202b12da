import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { assign, cohortOf, variantOf } from '../../src/routing/assign.js';
import { explainAssignment } from '../../src/routing/explain.js';
import { layerSalt } from '../../src/routing/layers.js';
import { mirrorsOf } from '../../src/routing/mirrors.js';
import { bucket, murmur3 } from '../../src/routing/murmur3.js';
import type {
  AttributeValue,
  ExperimentPlan,
  HoldoutPlan,
  LayerPlan,
  ModelPlan,
  Predicate,
  WeightSegment,
} from '../../src/routing/plan.js';
import { plainAssign, plainMurmur3 } from '../unit/routing/plain.js';
import { ab, canary, label, model, unitIds } from '../unit/routing/plans.js';

const units = unitIds(300, 'uuid');
const share = fc.oneof(
  fc.constantFrom(0, 0.01, 0.25, 0.5, 0.5000001, 0.75, 1),
  fc.double({ min: 0, max: 1, noNaN: true }),
);
const salt = fc.stringMatching(/^[0-9a-f]{6,12}$/);
const weights = fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5));
const segments = fc
  .array(fc.tuple(fc.double({ min: 0.05, max: 1, noNaN: true }), weights), {
    minLength: 1,
    maxLength: 4,
  })
  .map((drawn): readonly WeightSegment[] => {
    const ends = [...new Set(drawn.map(([upTo]) => upTo))].sort((a, b) => a - b);
    return ends.map((upTo, i) => ({ upTo, weights: drawn[i]?.[1] ?? [1, 1, 1] }));
  });
const experiment: fc.Arbitrary<ExperimentPlan> = fc.oneof(
  fc.tuple(share, salt).map(([c, s]) => canary(c, { salt: s, id: `c-${s}`, name: `c-${s}` })),
  fc
    .tuple(share, segments, salt)
    .map(([c, seg, s]) => ab(c, seg, { salt: s, id: `a-${s}`, name: `a-${s}` })),
);
const texts = fc.constantFrom('IN', 'IN-KA', 'BR', '1.2.0', '1.10.0', '2.0.0', '');
const values = fc.oneof(texts, fc.integer({ min: -2, max: 2 }), fc.boolean());
const bound = fc.option(fc.constantFrom('1.2.0', '1.3.0', '2.0.0'));
const condition = fc.oneof(
  fc.record({ kind: fc.constant('equals' as const), value: texts }),
  fc.record({ kind: fc.constant('in' as const), values: fc.array(texts, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('prefix' as const), prefix: texts }),
  fc.record({
    kind: fc.constant('range' as const),
    from: fc.option(fc.integer({ min: -2, max: 2 })),
    to: fc.option(fc.integer({ min: -2, max: 2 })),
  }),
  fc.record({ kind: fc.constant('semver' as const), from: bound, below: bound }),
);
const predicate: fc.Arbitrary<Predicate> = fc
  .tuple(fc.constantFrom('a', 'b'), condition, fc.boolean())
  .map(([attribute, one, negated]) => ({ attribute, ...one, ...(negated ? { negated } : {}) }));
const attributes = fc.dictionary(fc.constantFrom('a', 'b', 'c'), values);
const cut = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 2, maxLength: 6 });
const layer: fc.Arbitrary<LayerPlan> = fc
  .tuple(fc.constantFrom('x', 'y'), cut)
  .map(([name, drawn]) => {
    const ends = [...new Set(drawn)].sort((a, b) => a - b);
    const pairs = ends.flatMap((from, i) =>
      i % 2 === 0 && ends[i + 1] !== undefined ? [{ from, to: ends[i + 1] ?? from }] : [],
    );
    return { name, salt: layerSalt(name), ranges: pairs };
  });
const placed: fc.Arbitrary<ExperimentPlan> = fc
  .record({
    base: experiment,
    in: fc.option(layer),
    audience: fc.option(fc.array(predicate, { maxLength: 3 })),
    closed: fc.nat(4),
    shadow: fc.nat(4).map((drawn) => drawn === 0),
  })
  .map(({ base, in: at, audience, closed, shadow }) => ({
    ...base,
    ...(shadow ? { kind: 'shadow' as const } : {}),
    ...(at === null ? {} : { layer: at }),
    ...(audience === null ? {} : { audience }),
    variants: base.variants.map((one, i) =>
      i === closed ? { ...one, closed: true as const } : one,
    ),
  }));
const holdout: fc.Arbitrary<HoldoutPlan> = fc.record({
  share: fc.oneof(
    fc.constantFrom(0.01, 0.25, 0.5),
    fc.double({ min: 0.001, max: 0.5, noNaN: true }),
  ),
  version: fc.constantFrom('v1', 'v3'),
  salt,
});
const compared: fc.Arbitrary<HoldoutPlan> = holdout.map((held) => ({
  ...held,
  experiment: { id: 'h', name: 'h', epoch: 2, phase: 3 },
}));
const plans: fc.Arbitrary<ModelPlan> = fc
  .record({
    experiments: fc.array(fc.oneof(experiment, placed), { maxLength: 4 }),
    champion: fc.constantFrom('v1', 'v2', null),
    held: fc.oneof(fc.constant(null), holdout, compared),
  })
  .map(({ experiments, champion, held }) =>
    model({ experiments, champion, ...(held === null ? {} : { holdout: held }) }),
  );
const unit = fc.oneof(fc.constantFrom(...units), fc.string({ unit: 'binary' }), fc.uuid());

describe('assignment', () => {
  it('hashes any text like the plain implementation', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(0xffffffff), (text, seed) => {
        expect(murmur3(text, seed)).toBe(plainMurmur3(text, seed));
      }),
      { numRuns: 2_000 },
    );
  });

  it('places a unit under a salt by the hash of both with a colon between', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 12 }));
    fc.assert(
      fc.property(text, text, (first, second) => {
        expect(bucket(first, second)).toBe(plainMurmur3(`${first}:${second}`, 0) / 4294967296);
      }),
      { numRuns: 4_000 },
    );
  });

  it('agrees with the plain implementation on any plan, unit and attributes', () => {
    fc.assert(
      fc.property(plans, unit, attributes, (plan, id, known) => {
        fc.pre(plan.champion !== null);
        expect(label(assign(plan, id, null, (name) => known[name]))).toBe(
          plainAssign(plan, id, known),
        );
      }),
      { numRuns: 4_000 },
    );
  });

  it('is explained by the same assignment, whatever the plan, unit and attributes', () => {
    fc.assert(
      fc.property(plans, fc.option(unit), attributes, (plan, id, known) => {
        const read = (name: string): AttributeValue | undefined => known[name];
        const explained = explainAssignment(plan, id, read);
        expect(explained.assignment).toEqual(assign(plan, id, null, read));
        expect(explained.mirrors ?? []).toEqual(mirrorsOf(plan, id, read).map(({ name }) => name));
        for (const step of explained.steps) {
          expect(step.result).not.toBe('');
          if ('bucket' in step) expect(step.bucket).toBe(bucket(step.salt, id ?? ''));
        }
      }),
      { numRuns: 4_000 },
    );
  });

  it('asks for no attribute that no audience names, and for none when a holdout answers', () => {
    fc.assert(
      fc.property(plans, unit, (plan, id) => {
        const asked = new Set<string>();
        const read = (name: string): undefined => void asked.add(name);
        assign(plan, id, null, read);
        const named = plan.experiments.flatMap(({ audience }) => audience ?? []);
        for (const name of asked) expect(named.map((one) => one.attribute)).toContain(name);
        if (plan.holdout !== undefined && cohortOf(plan.holdout, id) !== null) {
          expect(asked.size).toBe(0);
        }
      }),
    );
  });

  it('depends on the unit and the plan alone: the same every time', () => {
    fc.assert(
      fc.property(plans, unit, (plan, id) => {
        expect(assign(structuredClone(plan), id, null)).toEqual(assign(plan, id, null));
      }),
    );
  });
});

describe('a canary whose coverage is raised', () => {
  // What holds: a unit of the variant stays there for ever; at c <= 0.5 nobody changes arm and champion-served
  // units may become enrolled; above 0.5 the variant's growing range takes units of the control, each exactly
  // when c exceeds its bucket, and never gives one back.
  const rises = fc
    .array(share, { minLength: 2, maxLength: 12 })
    .map((c) => c.sort((a, b) => a - b));

  it('never takes a unit out of the variant, nor out of the experiment', () => {
    fc.assert(
      fc.property(rises, salt, (steps, s) => {
        for (const id of units) {
          let before: string | undefined;
          for (const c of steps) {
            const now = variantOf(canary(c, { salt: s }), id)?.name;
            if (before === 'v2') expect(now).toBe('v2');
            if (before !== undefined) expect(now).toBeDefined();
            before = now;
          }
        }
      }),
    );
  });

  it('never swaps control and variant while coverage is at most 0.5', () => {
    fc.assert(
      fc.property(rises, salt, (steps, s) => {
        const low = steps.map((c) => c / 2);
        for (const id of units) {
          const arms = low
            .map((c) => variantOf(canary(c, { salt: s }), id)?.name)
            .filter((name) => name !== undefined);
          expect(new Set(arms).size).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('moves a unit of the control to the variant only above 0.5, exactly when coverage exceeds its bucket', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 1, noNaN: true }), salt, (c, s) => {
        for (const id of units) {
          const place = bucket(s, id);
          const wasControl = variantOf(canary(0.5, { salt: s }), id)?.name === 'control';
          const isVariant = variantOf(canary(c, { salt: s }), id)?.name === 'v2';
          expect(wasControl && isVariant).toBe(place >= 0.5 && place < c);
        }
      }),
    );
  });

  it('gives control and variant hash ranges of equal size while coverage is at most 0.5', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.5, noNaN: true }), (c) => {
        // 1 - c is rounded to a double: the ranges may differ by that rounding, far below one 32-bit bucket.
        expect(Math.abs(c - (1 - (1 - c)))).toBeLessThan(2 ** -50);
      }),
    );
  });
});

describe('an ab experiment', () => {
  it('moves no enrolled unit to another variant while coverage rises and each rise brings its own weights', () => {
    const rise = fc.tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), weights);
    fc.assert(
      fc.property(fc.array(rise, { minLength: 2, maxLength: 8 }), salt, (drawn, s) => {
        const steps = drawn.sort(([a], [b]) => a - b);
        const arms = new Map<string, string>();
        let grown: WeightSegment[] = [];
        for (const [upTo, w] of steps) {
          if (upTo > (grown.at(-1)?.upTo ?? 0)) grown = [...grown, { upTo, weights: w }];
          for (const id of units) {
            const now = variantOf(ab(upTo, grown, { salt: s }), id)?.name;
            const before = arms.get(id);
            if (before !== undefined) expect(now).toBe(before);
            if (now !== undefined) arms.set(id, now);
          }
        }
      }),
    );
  });

  it('enrols exactly the units whose coverage bucket is below the coverage', () => {
    fc.assert(
      fc.property(share, salt, (c, s) => {
        const plan = ab(c, [{ upTo: 1, weights: [1, 2, 3] }], { salt: s });
        for (const id of units) {
          expect(variantOf(plan, id) !== null).toBe(bucket(`${s}.coverage`, id) < c);
        }
      }),
    );
  });
});
