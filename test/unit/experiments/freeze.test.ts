import { describe, expect, it } from 'vitest';
import { experimentPlan } from '../../../src/experiments/experiment-plan.js';
import { designHash, freeze } from '../../../src/experiments/freeze.js';
import { type KnownNames, referenceDefects } from '../../../src/experiments/references.js';
import { sharesAt } from '../../../src/experiments/shares.js';
import { METRICS, parsed, postedAb, postedCanary, startedExperiment } from './experiments.js';

const unit = { header: 'x-sluice-unit' } as const;

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

describe('freezing', () => {
  it('spells out metrics and turns durations into milliseconds', () => {
    const design = freeze(parsed(postedCanary()), METRICS, { unit });
    expect(design.metrics.map(({ definition }) => definition)).toEqual(METRICS);
    expect(design.metrics[1]?.nonInferiorityMargin).toEqual({ absolute: 0.01 });
    expect(design.steps[0]?.hold).toEqual({ durationMs: 600_000, minUnits: 500, approval: false });
    expect(design.analysis).toMatchObject({ intervalMs: 60_000, maxRuntimeMs: 14 * 86_400_000 });
    expect(design.decision.noDataGraceMs).toBe(86_400_000);
    expect(design.unitIsRequest).toBe(false);
  });

  it('says when every request is its own unit', () => {
    const design = freeze(parsed(postedCanary()), METRICS, { unit: { request: true } });
    expect(design.unitIsRequest).toBe(true);
  });

  it('has no steps in an A/B test', () => {
    expect(freeze(parsed(postedAb()), METRICS, { unit }).steps).toEqual([]);
  });

  it('refuses a metric that was not looked up', () => {
    expect(() => freeze(parsed(postedCanary()), [], { unit })).toThrow(/correct/);
  });

  it('gives the same hash whatever the order of keys, also after a trip through JSON', () => {
    const posted = postedCanary();
    const hash = designHash(freeze(parsed(posted), METRICS, { unit }));
    const other = freeze(parsed(reversed(posted)), [...METRICS].reverse(), { unit });
    expect(designHash(other)).toBe(hash);
    expect(designHash(JSON.parse(JSON.stringify(other)) as typeof other)).toBe(hash);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['alpha', { analysis: { ...postedCanary().analysis, alpha: 0.01 } }],
    ['a margin', { metrics: postedCanary().metrics.slice(0, 1) }],
    ['a reaction', { decision: { onNoData: 'rollback' } }],
    ['the hypothesis', { hypothesis: 'another' }],
  ])('gives another hash when %s changes', (_what, change) => {
    const hash = designHash(freeze(parsed(postedCanary()), METRICS, { unit }));
    expect(designHash(freeze(parsed(postedCanary(change)), METRICS, { unit }))).not.toBe(hash);
  });
});

describe('a design of each kind', () => {
  const model = { unit, champion: 'v1', holdout: { version: 'v0' } };
  const base = { rollout: undefined, variants: undefined };
  const designOf = (change: object) => freeze(parsed(postedCanary({ ...change })), METRICS, model);

  it('has nothing of what it does not use, so that hashes of earlier designs stay', () => {
    const limits = { errorRate: null, timeoutRate: null };
    const design = designOf({ decision: { limits } });
    expect(Object.keys(design).sort()).toEqual([
      ...['analysis', 'coverage', 'decision', 'hypothesis', 'kind', 'metrics', 'model', 'steps'],
      ...['unitIsRequest', 'variants'],
    ]);
    expect(Object.keys(design.decision)).not.toContain('limits');
    expect(designHash(design)).toBe(
      'e8d945598401e097f57f8c19a6a91fbdec055560683220ab040cba1be4974f6a',
    );
  });

  it('gets limits, a layer, an audience, a bake or a reverse holdout as posted', () => {
    const design = designOf({
      layer: 'ui',
      audience: [{ attribute: 'country', in: ['IN'], not: true }],
      rollout: { ...postedCanary().rollout, bake: '2h' },
      decision: { limits: { errorRate: 0.1 } },
    });
    expect(design).toMatchObject({
      layer: { name: 'ui', share: 1 },
      audience: [{ attribute: 'country', kind: 'in', values: ['IN'], negated: true }],
      bakeMs: 7_200_000,
      limits: { errorRate: 0.1, timeoutRate: 0.25 },
    });
    const rollout = { ...postedCanary().rollout, reverseHoldout: { share: 0.02 } };
    expect(designOf({ rollout }).reverseHoldout).toEqual({ share: 0.02 });
  });

  it('of a shadow copies every request unless it says less', () => {
    const shadow = { kind: 'shadow', rollout: undefined };
    expect(designOf(shadow).mirror).toEqual({
      ...{ share: 1, timeoutMs: 1_000, unsafeMethods: false },
      ...{ maxInFlight: 32, maxBodyBytes: 65_536 },
    });
    const limitsOf = (limits?: object) => designOf({ ...shadow, decision: { limits } }).limits;
    expect(limitsOf()).toEqual({ errorRate: 0.25, timeoutRate: null });
    expect(limitsOf({ errorRate: 0.1 })).toEqual({ errorRate: 0.1, timeoutRate: null });
    expect(limitsOf({ errorRate: null })).toBeUndefined();
    expect(designOf({ ...shadow, mirror: { percent: 20 } }).mirror?.share).toBe(0.2);
    const next = { canary: { name: 'after', rollout: postedCanary().rollout } };
    expect(designOf({ ...shadow, next }).next).toMatchObject({ kind: 'canary', name: 'after' });
  });

  it('of a holdout compares what was shipped with what stayed', () => {
    const design = designOf({ ...base, kind: 'holdout' });
    expect(design.variants).toEqual([
      { name: 'holdout', version: 'v0', control: true, weight: 1 },
      { name: 'shipped', version: 'v1', control: false, weight: 1 },
    ]);
    expect(design).toMatchObject({ periodMs: 30 * 86_400_000 });
    expect(design.limits).toBeUndefined();
    expect(() =>
      freeze(parsed(postedCanary({ ...base, kind: 'holdout' })), METRICS, { unit }),
    ).toThrow(/holdout/);
  });
});

describe('expected shares', () => {
  const canary = freeze(parsed(postedCanary()), METRICS, { unit });

  it.each([
    [0.01, 0.5],
    [0.5, 0.5],
    [0.75, 0.75],
    [1, 1],
  ])('of a canary at coverage %d: the variant has %d', (coverage, share) => {
    expect(sharesAt(canary, coverage)).toEqual({ control: 1 - share, v2: share });
  });

  it('of an A/B test follow the weights at every coverage', () => {
    const ab = freeze(parsed(postedAb()), METRICS, { unit });
    for (const coverage of [0.1, 0.4, 1]) {
      expect(sharesAt(ab, coverage)).toEqual({ control: 0.5, b: 0.25, c: 0.25 });
    }
  });
});

describe('the plan of an experiment', () => {
  it('has no weight segments for a canary', () => {
    const plan = experimentPlan(
      startedExperiment(postedCanary()),
      { coverage: 0.05, phase: 1 },
      null,
    );
    expect(plan).toMatchObject({ kind: 'canary', coverage: 0.05, phase: 1, segments: [] });
    expect(plan.variants).toEqual([
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2', control: false },
    ]);
  });

  it('keeps the segments that units were enrolled under', () => {
    const experiment = startedExperiment(postedAb());
    const first = experimentPlan(experiment, { coverage: 0.4, phase: 1 }, null);
    expect(first.segments).toEqual([{ upTo: 0.4, weights: [2, 1, 1] }]);
    expect(experimentPlan(experiment, { coverage: 0.4, phase: 2 }, first).segments).toEqual(
      first.segments,
    );
    expect(experimentPlan(experiment, { coverage: 0.8, phase: 2 }, first).segments).toEqual([
      { upTo: 0.4, weights: [2, 1, 1] },
      { upTo: 0.8, weights: [2, 1, 1] },
    ]);
  });

  it('starts afresh in another epoch', () => {
    const experiment = startedExperiment(postedAb());
    const first = experimentPlan(experiment, { coverage: 0.8, phase: 1 }, null);
    const next = experimentPlan(
      { ...experiment, epoch: 2, salt: 'other' },
      { coverage: 0.4, phase: 1 },
      first,
    );
    expect(next).toMatchObject({ epoch: 2, salt: 'other', coverage: 0.4 });
    expect(next.segments).toEqual([{ upTo: 0.4, weights: [2, 1, 1] }]);
  });

  it('never lowers the coverage and never enrols a draft', () => {
    const experiment = startedExperiment(postedCanary());
    const first = experimentPlan(experiment, { coverage: 0.5, phase: 1 }, null);
    expect(() => experimentPlan(experiment, { coverage: 0.05, phase: 2 }, first)).toThrow(
      /never falls/,
    );
    expect(() =>
      experimentPlan({ ...experiment, design: null }, { coverage: 0.05, phase: 1 }, null),
    ).toThrow(/frozen/);
    expect(() => experimentPlan(experiment, { coverage: 0, phase: 1 }, null)).toThrow(/coverage/);
  });
});

describe('what a definition refers to', () => {
  const model: KnownNames['model'] = {
    champion: 'v1',
    versions: [{ name: 'v1' }, { name: 'v2' }],
    capture: { output: { spam: '/spam' }, input: {} },
  };
  const defectsOf = (change: Readonly<Record<string, unknown>>, known = model) =>
    referenceDefects(parsed(postedCanary(change)), { model: known, metrics: METRICS });

  it('is there', () => {
    expect(defectsOf({})).toEqual([]);
  });

  it('names the unknown version and the nearest known one', () => {
    const [control] = postedCanary().variants;
    const [defect] = defectsOf({ variants: [control, { name: 'v2', version: 'vv2' }] });
    expect(defect).toMatchObject({ field: '/variants/1/version', advice: 'did you mean v2?' });
  });

  it('names the unknown metric and the nearest known one', () => {
    const [defect] = defectsOf({ metrics: [{ metric: 'corect', role: 'success' }] });
    expect(defect).toMatchObject({ field: '/metrics/0/metric', advice: 'did you mean correct?' });
  });

  it('needs the answer field that a label is compared with to be captured', () => {
    const [defect] = defectsOf({}, { ...model, capture: { output: {}, input: {} } });
    expect(defect).toMatchObject({
      field: '/metrics/0/metric',
      expected: 'capture.output.spam on model spam',
    });
  });

  it('has the champion as the control of a canary', () => {
    const [defect] = defectsOf({}, { ...model, champion: 'v2' });
    expect(defect).toMatchObject({ field: '/variants/0/version', expected: 'the champion, v2' });
  });

  it('asks for attributes that the model has', () => {
    const audience = [{ attribute: 'county', equals: 'IN' }];
    const [defect] = defectsOf({ audience }, { ...model, attributes: { country: {} } });
    expect(defect).toMatchObject({
      field: '/audience/0/attribute',
      advice: 'did you mean country?',
    });
    expect(defectsOf({ audience }, model)).toHaveLength(1);
    expect(defectsOf({ audience }, { ...model, attributes: { county: {} } })).toEqual([]);
  });

  it('has one holdout per model: a holdout needs it, a reverse holdout must not have it', () => {
    const holdout = { kind: 'holdout', rollout: undefined, variants: undefined };
    expect(defectsOf(holdout)).toMatchObject([{ field: '/model' }]);
    expect(defectsOf(holdout, { ...model, holdout: {} })).toEqual([]);
    const rollout = { ...postedCanary().rollout, reverseHoldout: { share: 0.05 } };
    expect(defectsOf({ rollout })).toEqual([]);
    expect(defectsOf({ rollout }, { ...model, holdout: {} })).toMatchObject([
      { field: '/rollout/reverseHoldout' },
    ]);
  });

  it('lets an A/B test compare with any version', () => {
    const versions = [{ name: 'v1' }, { name: 'v2' }, { name: 'v3' }];
    const known = { model: { ...model, versions, champion: 'v3' }, metrics: METRICS };
    expect(referenceDefects(parsed(postedAb()), known)).toEqual([]);
  });
});
