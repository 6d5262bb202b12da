import { describe, expect, it } from 'vitest';
import {
  experimentSchema,
  isId,
  parseDefinition,
  successorOf,
} from '../../../src/experiments/experiment.contract.js';
import { SluiceError } from '../../../src/kernel/errors.js';
import { parsed, postedAb, postedCanary } from './experiments.js';

type Change = Readonly<Record<string, unknown>>;

function refusedFields(posted: unknown): string[] {
  const result = experimentSchema.safeParse(posted);
  return result.success ? [] : result.error.issues.map((issue) => issue.path.join('.'));
}

const canary = postedCanary();
const control = canary.variants[0];
const variant = canary.variants[1];
const success = { metric: 'correct', role: 'success' };
const analysis = canary.analysis;

const refusedOfCanary: readonly (readonly [string, string, Change])[] = [
  ['a name with capitals', 'name', { name: 'Spam' }],
  ['a name that looks like an id', 'name', { name: '01980000-0000-7000-8000-000000000001' }],
  ['an unknown kind', 'kind', { kind: 'bandit' }],
  ['a single variant', 'variants', { variants: [control] }],
  ['no control', 'variants', { variants: [{ ...control, control: false }, variant] }],
  ['two controls', 'variants', { variants: [control, { ...variant, control: true }] }],
  ['a third arm', 'variants', { variants: [control, variant, { ...variant, name: 'v3' }] }],
  [
    'a name used twice',
    'variants.1.name',
    { variants: [control, { ...variant, name: 'control' }] },
  ],
  ['unequal weights', 'variants.1.weight', { variants: [control, { ...variant, weight: 2 }] }],
  ['a weight of zero', 'variants.1.weight', { variants: [control, { ...variant, weight: 0 }] }],
  ['an unknown key of a variant', 'variants.1', { variants: [control, { ...variant, x: 1 }] }],
  ['a coverage beside its steps', 'coverage', { coverage: 0.5 }],
  ['no metric', 'metrics', { metrics: [] }],
  ['no success metric', 'metrics', { metrics: [{ metric: 'a', role: 'diagnostic' }] }],
  ['a metric named twice', 'metrics.1.metric', { metrics: [success, success] }],
  [
    'a guardrail without a margin',
    'metrics.1.nonInferiorityMargin',
    { metrics: [success, { metric: 'a', role: 'guardrail' }] },
  ],
  [
    'a margin of a success metric',
    'metrics.0.nonInferiorityMargin',
    { metrics: [{ ...success, nonInferiorityMargin: { absolute: 1 } }] },
  ],
  [
    'a margin of a diagnostic metric',
    'metrics.1.nonInferiorityMargin',
    {
      metrics: [
        success,
        { metric: 'a', role: 'diagnostic', nonInferiorityMargin: { relative: 1 } },
      ],
    },
  ],
  ...[{}, { absolute: 1, relative: 1 }].map((given): readonly [string, string, Change] => [
    `a margin ${JSON.stringify(given)}`,
    'metrics.1.nonInferiorityMargin',
    { metrics: [success, { metric: 'a', role: 'guardrail', nonInferiorityMargin: given }] },
  ]),
  ...[{ absolute: 0 }, { relative: 0 }, { relative: 10.5 }, { relative: -1 }].map(
    (given): readonly [string, string, Change] => [
      `a margin ${JSON.stringify(given)}`,
      `metrics.1.nonInferiorityMargin.${Object.keys(given)[0]}`,
      { metrics: [success, { metric: 'a', role: 'guardrail', nonInferiorityMargin: given }] },
    ],
  ),
  ['alpha 0', 'analysis.alpha', { analysis: { ...analysis, alpha: 0 } }],
  ['alpha 0.5', 'analysis.alpha', { analysis: { ...analysis, alpha: 0.5 } }],
  ['an unknown method', 'analysis.method', { analysis: { ...analysis, method: 'guess' } }],
  [
    'an interval below a second',
    'analysis.interval',
    { analysis: { ...analysis, interval: '1ms' } },
  ],
  ['no unit of time', 'analysis.minRuntime', { analysis: { ...analysis, minRuntime: '60' } }],
  [
    'a minimum above the maximum run time',
    'analysis.minRuntime',
    { analysis: { ...analysis, minRuntime: '15d' } },
  ],
  [
    'an interval longer than the run',
    'analysis.interval',
    { analysis: { ...analysis, minRuntime: '1m', maxRuntime: '2m', interval: '3m' } },
  ],
  [
    'more minimum units than planned',
    'analysis.minUnits',
    { analysis: { ...analysis, minUnits: 20_000 } },
  ],
  [
    'no planned units',
    'analysis.plannedUnits',
    { analysis: { minimumDetectableEffect: { relative: 0.1 } } },
  ],
  ['no effect', 'analysis.minimumDetectableEffect', { analysis: { plannedUnits: 1_000 } }],
  ['no steps', 'rollout.steps', { rollout: undefined }],
  ['an empty list of steps', 'rollout.steps', { rollout: { steps: [] } }],
  ['only the step to everybody', 'rollout.steps', { rollout: { steps: [{ coverage: 1 }] } }],
  [
    'a falling coverage',
    'rollout.steps.1.coverage',
    { rollout: { steps: [{ coverage: 0.5 }, { coverage: 0.4 }, { coverage: 1 }] } },
  ],
  [
    'a last step below 1',
    'rollout.steps.1.coverage',
    { rollout: { steps: [{ coverage: 0.1 }, { coverage: 0.5 }] } },
  ],
  [
    'a coverage of 0',
    'rollout.steps.0.coverage',
    { rollout: { steps: [{ coverage: 0 }, { coverage: 1 }] } },
  ],
  [
    'holds longer than the run',
    'rollout.steps',
    { rollout: { steps: [{ coverage: 0.5, hold: { duration: '15d' } }, { coverage: 1 }] } },
  ],
  [
    'another end than inconclusive',
    'decision.onMaxRuntime',
    { decision: { onMaxRuntime: 'promote' } },
  ],
  ['an unknown reaction', 'decision.onNoData', { decision: { onNoData: 'promote' } }],
];

describe('an experiment as posted', () => {
  it('is accepted as the design documents show it', () => {
    expect(refusedFields(canary)).toEqual([]);
    expect(refusedFields(postedAb())).toEqual([]);
  });

  it.each(refusedOfCanary)('refuses %s at %s', (_what, field, change) => {
    expect(refusedFields(postedCanary(change))).toContain(field);
  });

  it('refuses unknown keys', () => {
    expect(experimentSchema.safeParse(postedCanary({ alpha: 0.05 })).success).toBe(false);
  });

  it('refuses steps of an A/B test', () => {
    expect(refusedFields(postedAb({ rollout: canary.rollout }))).toEqual(['rollout']);
  });

  it.each([0, -0.1, 1.5])('refuses coverage %d of an A/B test', (coverage) => {
    expect(refusedFields(postedAb({ coverage }))).toEqual(['coverage']);
  });

  it('fills in every default', () => {
    const { analysis: plan, decision, rollout, audience, layer } = parsed(canary);
    expect(plan).toMatchObject({
      ...{ method: 'sequential', alpha: 0.05, power: 0.8, minUnits: 100 },
      ...{ minRuntime: '1d', interval: '60s', maxRuntime: '14d' },
    });
    expect(decision).toEqual({
      ...{ onSuccess: 'promote', onDeterioration: 'rollback', onSampleRatioMismatch: 'hold' },
      ...{ onNoData: 'hold', noDataGrace: '24h', onMaxRuntime: 'inconclusive', dryRun: false },
    });
    expect(rollout?.steps[2]?.hold).toEqual({ duration: '0s', minUnits: 0, approval: false });
    expect([audience, layer]).toEqual([[], null]);
  });

  it('stays the same when what was stored is parsed again', () => {
    const once = parsed(canary);
    expect(parseDefinition(once)).toEqual(once);
  });

  it('names the fields when a stored definition is no longer valid', () => {
    expect(() => parseDefinition(postedCanary({ kind: 'bandit' }))).toThrow(SluiceError);
  });
});

const shadow = (change: Change = {}): object => ({
  ...postedCanary({ kind: 'shadow', rollout: undefined }),
  ...change,
});

const holdout = (change: Change = {}): object => ({
  ...postedCanary({ kind: 'holdout', rollout: undefined, variants: undefined }),
  ...change,
});

const rollout = canary.rollout;

describe('a kind', () => {
  it('of each name is accepted with its own fields', () => {
    expect(refusedFields(shadow({ mirror: { percent: 20 } }))).toEqual([]);
    expect(refusedFields(holdout({ period: '7d' }))).toEqual([]);
    const more = { bake: '1h', reverseHoldout: { share: 0.05 } };
    expect(refusedFields(postedCanary({ rollout: { ...rollout, ...more } }))).toEqual([]);
  });

  it.each([
    ['a mirror of a canary', 'mirror', postedCanary({ mirror: {} })],
    ['a period of a canary', 'period', postedCanary({ period: '1d' })],
    [
      'a limit of time-outs of a shadow',
      'decision.limits.timeoutRate',
      shadow({ decision: { limits: { timeoutRate: 0.2 } } }),
    ],
    ['a layer of a shadow', 'layer', shadow({ layer: 'ui' })],
    ['steps of a shadow', 'rollout', shadow({ rollout })],
    ['a share of a shadow', 'coverage', shadow({ coverage: 0.5 })],
    ['a third arm of a shadow', 'variants', shadow({ variants: postedAb().variants })],
    [
      'another method for pairs',
      'analysis.method',
      shadow({ analysis: { ...canary.analysis, method: 'group_sequential' } }),
    ],
    ['a period of nothing', 'period', holdout({ period: '0s' })],
    ['a period shorter than the interval', 'period', holdout({ period: '59s' })],
    ['variants of a holdout', 'variants', holdout({ variants: canary.variants })],
    ['limits of a holdout', 'decision.limits', holdout({ decision: { limits: {} } })],
    ['copies of more than all', 'mirror.percent', shadow({ mirror: { percent: 101 } })],
    ['copies of nothing', 'mirror.percent', shadow({ mirror: { percent: 0 } })],
    ['too many copies', 'mirror.maxInFlight', shadow({ mirror: { maxInFlight: 33 } })],
    ['too long copies', 'mirror.maxBodyBytes', shadow({ mirror: { maxBodyBytes: 65_537 } })],
    [
      'a limit of 0',
      'decision.limits.errorRate',
      postedAb({ decision: { limits: { errorRate: 0 } } }),
    ],
    [
      'a reverse holdout in a layer, whose other experiments it would take units from',
      'rollout.reverseHoldout',
      postedCanary({ layer: 'ui', rollout: { ...rollout, reverseHoldout: { share: 0.01 } } }),
    ],
    [
      'a reverse holdout that is larger than an arm',
      'rollout.reverseHoldout.share',
      postedCanary({
        rollout: {
          steps: [{ coverage: 0.02 }, { coverage: 0.98 }, { coverage: 1 }],
          reverseHoldout: { share: 0.05 },
        },
      }),
    ],
  ])('refuses %s', (_what, field, posted) => {
    expect(refusedFields(posted)).toContain(field);
  });
});

describe('an audience', () => {
  it.each([
    [{ attribute: 'country', in: ['IN', 'FR'] }],
    [{ attribute: 'country', equals: 'IN', not: true }],
    [{ attribute: 'age', range: { from: 18 } }],
    [{ attribute: 'path', prefix: '/v2/' }],
    [{ attribute: 'app', semver: { from: '2.10.0', below: '3.0.0-rc.1' } }],
  ])('accepts %j', (predicate) => {
    expect(refusedFields(postedAb({ audience: [predicate] }))).toEqual([]);
  });

  it.each([
    ['no condition', { attribute: 'country' }],
    ['two conditions', { attribute: 'country', equals: 'IN', prefix: 'I' }],
    ['an empty list', { attribute: 'country', in: [] }],
    ['a long list', { attribute: 'country', in: Array.from({ length: 101 }, String) }],
    ['a long value', { attribute: 'country', equals: 'x'.repeat(257) }],
    ['an empty range', { attribute: 'age', range: { from: 2, to: 2 } }],
    ['an open range', { attribute: 'age', range: {} }],
    ['half a version', { attribute: 'app', semver: { from: '2.1' } }],
    ['code', { attribute: 'country', eval: '1' }],
    ['a nested value', { attribute: 'country', equals: { a: 1 } }],
  ])('refuses %s', (_what, predicate) => {
    expect(refusedFields(postedAb({ audience: [predicate] }))[0]).toMatch(/^audience\.0/);
  });

  it('has at most 20 conditions', () => {
    const audience = Array.from({ length: 21 }, () => ({ attribute: 'a', equals: 1 }));
    expect(refusedFields(postedAb({ audience }))).toEqual(['audience']);
  });
});

describe('the canary after a shadow', () => {
  const next = { canary: { name: 'spam-v2-canary', rollout } };

  it('is completed from the shadow', () => {
    const parsedShadow = parsed(shadow({ next }));
    expect(successorOf(parsedShadow)).toMatchObject({
      ...{ name: 'spam-v2-canary', kind: 'canary', model: 'spam', hypothesis: canary.hypothesis },
      ...{ variants: parsedShadow.variants, metrics: parsedShadow.metrics },
    });
    const own = { ...next.canary, metrics: [success], decision: { dryRun: true } };
    expect(successorOf(parsed(shadow({ next: { canary: own } })))).toMatchObject({
      metrics: [success],
      decision: { dryRun: true },
    });
  });

  it('is refused with the shadow when it is no valid canary', () => {
    const broken = { canary: { ...next.canary, rollout: { steps: [{ coverage: 1 }] } } };
    expect(refusedFields(shadow({ next: broken }))).toEqual(['next.canary.rollout.steps']);
  });

  it('belongs to a shadow only', () => {
    expect(refusedFields(postedAb({ next }))).toEqual(['next']);
    expect(successorOf(parsed(canary))).toBeNull();
  });
});

describe('an id', () => {
  it('is told from a name', () => {
    expect(isId('01980000-0000-7000-8000-000000000001')).toBe(true);
    expect(isId('spam-v2')).toBe(false);
  });
});
