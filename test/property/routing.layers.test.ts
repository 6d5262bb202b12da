import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { assign, cohortOf, placementOf } from '../../src/routing/assign.js';
import {
  allocateSegments,
  freeSegmentCount,
  layerSalt,
  layerSegment,
  liesIn,
  takenSegments,
} from '../../src/routing/layers.js';
import { mirrorsOf } from '../../src/routing/mirrors.js';
import {
  emptyPlan,
  modelIn,
  withChampion,
  withExperiment,
  withHoldout,
  withModel,
  withoutExperiment,
  withVersion,
} from '../../src/routing/plan-change.js';
import type {
  ExperimentPlan,
  HoldoutPlan,
  LayerPlan,
  MirrorPlan,
  ModelPlan,
  TrafficPlan,
} from '../../src/routing/plan.js';
import { ab, canary, model, unitIds, version } from '../unit/routing/plans.js';

const units = unitIds(400, 'uuid');
const salt = fc.stringMatching(/^[0-9a-f]{6,12}$/);
const share = fc.double({ min: 0.0001, max: 1, noNaN: true });
const MODELS = ['spam', 'eta'] as const;

function twoModels(): TrafficPlan {
  let plan = emptyPlan();
  for (const name of MODELS) {
    const { unit, fallback, timeoutMs, idempotent, capture, disclose } = model();
    plan = withModel(plan, { name, unit, fallback, timeoutMs, idempotent, capture, disclose });
    for (const one of ['v1', 'v2', 'v3']) plan = withVersion(plan, name, version(one));
    plan = withChampion(plan, name, 'v1');
  }
  return plan;
}

function inLayer(name: string, ranges: LayerPlan['ranges']): LayerPlan {
  return { name, salt: layerSalt(name), ranges };
}

/** Experiments that come and go, as rollouts start and end them; those without room do not start. */
const histories = fc.array(
  fc.record({
    model: fc.constantFrom(...MODELS),
    layer: fc.constantFrom('x', 'y'),
    share,
    ends: fc.nat(9),
  }),
  { minLength: 1, maxLength: 14 },
);

function play(history: typeof histories extends fc.Arbitrary<infer T> ? T : never): TrafficPlan {
  let plan = twoModels();
  history.forEach((one, index) => {
    const ranges = allocateSegments(plan, one.layer, one.share);
    const others = modelIn(plan, one.model)?.experiments ?? [];
    if (ranges !== null && others.every(({ layer }) => layer?.name === one.layer)) {
      const id = `e${index}`;
      const layer = inLayer(one.layer, ranges);
      plan = withExperiment(
        plan,
        one.model,
        canary(0.5, { id, name: id, salt: `a${index}`, layer }),
      );
    }
    const gone = others[one.ends];
    if (gone !== undefined) plan = withoutExperiment(plan, one.model, gone.id);
  });
  return plan;
}

describe('the segments of a layer', () => {
  it('belong to at most one experiment, whatever came and went, over all models', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const plan = play(history);
        for (const name of ['x', 'y']) {
          const taken = takenSegments(plan, name);
          taken.forEach(({ from, to }, i) => {
            expect(from).toBeGreaterThanOrEqual(taken[i - 1]?.to ?? 0);
            expect(to).toBeGreaterThan(from);
            expect(to).toBeLessThanOrEqual(10_000);
          });
          const held = taken.reduce((sum, { from, to }) => sum + to - from, 0);
          expect(freeSegmentCount(plan, name)).toBe(10_000 - held);
        }
      }),
    );
  });

  it('are given as asked for, rounded to whole ones, or not at all', () => {
    fc.assert(
      fc.property(histories, share, (history, wanted) => {
        const plan = play(history);
        const count = Math.max(1, Math.round(wanted * 10_000));
        const ranges = allocateSegments(plan, 'x', wanted);
        expect(ranges === null).toBe(freeSegmentCount(plan, 'x') < count);
        if (ranges === null) return;
        expect(ranges.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(count);
        expect(allocateSegments(structuredClone(plan), 'x', wanted)).toEqual(ranges);
      }),
    );
  });

  it('never enrol a unit in two experiments of the layer, of one model or of two', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const plan = play(history);
        for (const id of units) {
          const taken = MODELS.flatMap((name) => modelIn(plan, name)?.experiments ?? []).filter(
            ({ layer }) =>
              layer?.name === 'x' && liesIn(layer.ranges, layerSegment(layer.salt, id)),
          );
          expect(taken.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuse an experiment on segments that another one holds, and one outside of the layer beside it', () => {
    const first = canary(0.1, { layer: inLayer('x', [{ from: 0, to: 5_000 }]) });
    const plan = withExperiment(twoModels(), 'spam', first);
    const start = (change: Partial<ExperimentPlan>, name = 'spam'): TrafficPlan =>
      withExperiment(plan, name, canary(0.1, { id: 'other', name: 'other', ...change }));
    const conflict = expect.objectContaining({ code: 'conflict' });
    expect(() => start({})).toThrow(conflict);
    expect(() => start({ layer: inLayer('y', [{ from: 0, to: 10 }]) })).toThrow(conflict);
    expect(() => start({ layer: inLayer('x', [{ from: 4_999, to: 5_001 }]) })).toThrow(conflict);
    expect(() => start({ layer: inLayer('x', [{ from: 0, to: 1 }]) }, 'eta')).toThrow(conflict);
    expect(() => start({ layer: inLayer('x', [{ from: 5_000, to: 5_001 }]) })).not.toThrow();
    expect(() => start({ layer: inLayer('y', [{ from: 0, to: 10 }]) }, 'eta')).not.toThrow();
    expect(() => start({ kind: 'shadow' })).not.toThrow();
    const alone = withExperiment(twoModels(), 'spam', canary(0.1, { kind: 'shadow' }));
    expect(() => withExperiment(alone, 'spam', canary(0.1, { id: 'other' }))).not.toThrow();
  });
});

describe('an experiment in a layer', () => {
  it('keeps its units while its coverage rises', () => {
    const rise = fc
      .array(share, { minLength: 2, maxLength: 8 })
      .map((c) => c.sort((a, b) => a - b));
    const layer = inLayer('x', [
      { from: 100, to: 4_000 },
      { from: 6_000, to: 9_000 },
    ]);
    fc.assert(
      fc.property(rise, salt, (steps, s) => {
        for (const id of units) {
          let wasVariant = false;
          for (const c of steps) {
            const plan = model({ experiments: [canary(c, { salt: s, layer })] });
            const isVariant = assign(plan, id, null)?.enrolment?.variant === 'v2';
            expect(isVariant || !wasVariant).toBe(true);
            wasVariant = isVariant;
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a running ab', () => {
  const weights = fc.tuple(fc.nat(5), fc.nat(5), fc.integer({ min: 1, max: 5 }));

  it('moves no enrolled unit when weights change for those to come, nor changes its stratum', () => {
    fc.assert(
      fc.property(share, share, weights, weights, salt, (a, b, w1, w2, s) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        fc.pre(low < high);
        const first = { upTo: low, weights: w1, phase: 1 };
        const before = ab(low, [first], { salt: s });
        const after = ab(high, [first, { upTo: high, weights: w2, phase: 2 }], {
          salt: s,
          phase: 2,
        });
        for (const id of units) {
          const was = placementOf(before, id);
          const is = placementOf(after, id);
          if (was !== null) expect(is).toEqual(was);
          else if (is !== null) expect(is.phase).toBe(2);
        }
      }),
    );
  });

  it('gives the units of a closed arm the champion, unrecorded, and moves nobody else', () => {
    fc.assert(
      fc.property(share, weights, salt, fc.nat(2), (c, w, s, arm) => {
        const open = ab(c, [{ upTo: 1, weights: w }], { salt: s });
        const closed = {
          ...open,
          variants: open.variants.map((one, i) =>
            i === arm ? { ...one, closed: true as const } : one,
          ),
        };
        const name = open.variants[arm]?.name;
        for (const id of units) {
          const before = assign(model({ experiments: [open], champion: 'v3' }), id, null);
          const after = assign(model({ experiments: [closed], champion: 'v3' }), id, null);
          const isOfArm = before?.enrolment?.variant === name;
          expect(after).toEqual(
            isOfArm ? { version: 'v3', reason: 'champion', enrolment: null } : before,
          );
        }
      }),
    );
  });

  it('hands no unit of a closed arm to another experiment', () => {
    const { variants } = canary(1);
    const closed = canary(1, {
      variants: variants.map((one) => ({ ...one, closed: true as const })),
    });
    const plan = model({ experiments: [closed, ab(1, [{ upTo: 1, weights: [1, 1, 1] }])] });
    for (const id of units) expect(assign(plan, id, null)?.reason).toBe('champion');
  });
});

describe('the holdout of a model', () => {
  const holdout: fc.Arbitrary<HoldoutPlan> = fc.record({
    share: fc.double({ min: 0.001, max: 0.5, noNaN: true }),
    version: fc.constant('v1'),
    salt,
  });

  it('keeps its members and their version through promotions, experiments and stored plans', () => {
    fc.assert(
      fc.property(holdout, (held) => {
        const begun = withHoldout(twoModels(), 'spam', held);
        const later = [
          withChampion(begun, 'spam', 'v2'),
          withExperiment(begun, 'spam', canary(1)),
          withVersion(begun, 'spam', version('v9')),
          JSON.parse(JSON.stringify(begun)) as TrafficPlan,
        ].map((plan) => modelIn(plan, 'spam') as ModelPlan);
        const first = modelIn(begun, 'spam') as ModelPlan;
        for (const id of units) {
          const isHeld = assign(first, id, null)?.reason === 'holdout';
          for (const plan of later) {
            const now = assign(plan, id, null);
            expect(now?.reason === 'holdout').toBe(isHeld);
            if (isHeld) expect(now).toEqual({ version: 'v1', reason: 'holdout', enrolment: null });
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('has two cohorts without a common member, neither of which is in an experiment or copied', () => {
    const shadow = canary(1, { id: 's', kind: 'shadow', mirror: { share: 1 } as MirrorPlan });
    fc.assert(
      fc.property(holdout, (held) => {
        const plan = model({ holdout: held, experiments: [shadow, canary(1)], champion: 'v3' });
        for (const id of units) {
          const cohort = cohortOf(held, id);
          const { version: served, enrolment } = assign(plan, id, null) ?? {};
          if (cohort === null) {
            expect(enrolment).not.toBeNull();
            expect(mirrorsOf(plan, id)).toEqual([shadow]);
            continue;
          }
          expect({ served, enrolment }).toEqual({
            served: cohort === 'pinned' ? 'v1' : 'v3',
            enrolment: null,
          });
          expect(mirrorsOf(plan, id)).toEqual([]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('records both cohorts in the entry period of the experiment that compares them, and nobody else', () => {
    const experiment = { id: 'h', name: 'spam-holdout', epoch: 2, phase: 7 };
    fc.assert(
      fc.property(holdout, (held) => {
        const plan = model({ holdout: { ...held, experiment } });
        for (const id of units) {
          const cohort = cohortOf(held, id);
          const variant = cohort === 'pinned' ? 'holdout' : 'shipped';
          expect(assign(plan, id, null)?.enrolment).toEqual(
            cohort === null
              ? null
              : { experimentId: 'h', experimentName: 'spam-holdout', epoch: 2, phase: 7, variant },
          );
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a shadow experiment', () => {
  it('copies the same units and more when its share grows, takes nobody and disturbs no experiment', () => {
    const mirror = (part: number): MirrorPlan => ({
      share: part,
      timeoutMs: 1_000,
      unsafeMethods: false,
      maxInFlight: 1,
      maxBodyBytes: 1,
    });
    fc.assert(
      fc.property(share, share, salt, (a, b, s) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const shadow = (part: number): ExperimentPlan =>
          canary(1, { id: 's', kind: 'shadow', salt: s, mirror: mirror(part) });
        const small = model({ experiments: [shadow(low), canary(0.3)] });
        const large = model({ experiments: [shadow(high), canary(0.3)] });
        for (const id of units) {
          if (mirrorsOf(small, id).length === 1) expect(mirrorsOf(large, id)).toHaveLength(1);
          expect(assign(large, id, null)).toEqual(
            assign(model({ experiments: [canary(0.3)] }), id, null),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('copies nothing of a request without a unit, or outside of its audience', () => {
    const audience = [{ attribute: 'country', kind: 'equals', value: 'IN' } as const];
    const shadow = canary(1, { kind: 'shadow', audience, mirror: { share: 1 } as MirrorPlan });
    const plan = model({ experiments: [shadow] });
    const from = (country: string) => (): string => country;
    expect(mirrorsOf(plan, null, from('IN'))).toEqual([]);
    expect(mirrorsOf(plan, 'u', from('DE'))).toEqual([]);
    expect(mirrorsOf(plan, 'u')).toEqual([]);
    expect(mirrorsOf(plan, 'u', from('IN'))).toEqual([shadow]);
  });
});
