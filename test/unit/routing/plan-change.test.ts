import { describe, expect, it } from 'vitest';
import type { TrafficPlan } from '../../../src/routing/plan.js';
import {
  emptyPlan,
  modelIn,
  versionIn,
  withChampion,
  withExperiment,
  withKeys,
  withModel,
  withoutExperiment,
  withVersion,
  type ModelSettings,
} from '../../../src/routing/plan-change.js';
import { canary, version } from './plans.js';

const settings: ModelSettings = {
  name: 'spam',
  unit: { header: 'x-sluice-unit' },
  fallback: null,
  timeoutMs: 1000,
  idempotent: false,
  capture: { output: {}, input: {} },
  disclose: false,
};

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

function registered(): TrafficPlan {
  let plan = withModel(emptyPlan(), settings);
  plan = withVersion(plan, 'spam', version('v1'));
  plan = withVersion(plan, 'spam', version('v2'));
  return deepFreeze({ ...withChampion(plan, 'spam', 'v1'), version: 7 });
}

describe('plan changes', () => {
  it('start from an empty plan of version 0', () => {
    expect(emptyPlan()).toEqual({ version: 0, models: {}, keys: [] });
  });

  it('register a model without champion, versions or experiments', () => {
    const model = modelIn(withModel(emptyPlan(), settings), 'spam');
    expect(model).toEqual({ ...settings, champion: null, versions: {}, experiments: [] });
  });

  it('keep champion, versions and experiments when the settings of a model change', () => {
    const before = deepFreeze(withExperiment(registered(), 'spam', canary(0.1)));
    const after = modelIn(withModel(before, { ...settings, timeoutMs: 50 }), 'spam');
    expect(after).toEqual({ ...modelIn(before, 'spam'), timeoutMs: 50 });
  });

  it('never change the version and never the given plan', () => {
    const plan = deepFreeze(withExperiment(registered(), 'spam', canary(0.1)));
    const copy = structuredClone(plan);
    const changed = [
      withModel(plan, { ...settings, name: 'eta' }),
      withVersion(plan, 'spam', version('v3')),
      withChampion(plan, 'spam', 'v2'),
      withExperiment(plan, 'spam', canary(0.2)),
      withoutExperiment(plan, 'spam', canary(0.1).id),
      withKeys(plan, [{ id: 'k', hash: 'h', scopes: ['predict'] }]),
    ];
    expect(plan).toEqual(copy);
    for (const next of changed) {
      expect(next.version).toBe(7);
      expect(next).not.toEqual(plan);
    }
  });

  it('replace a version of the same name', () => {
    const moved = { ...version('v2'), url: 'http://elsewhere.test' };
    const model = modelIn(withVersion(registered(), 'spam', moved), 'spam');
    expect(model && versionIn(model, 'v2')).toEqual(moved);
    expect(model && Object.keys(model.versions)).toEqual(['v1', 'v2']);
  });

  it('insert an experiment at the end and replace it in place', () => {
    const layer = { name: 'ranking', salt: 'layer.ranking', ranges: [{ from: 0, to: 5_000 }] };
    const rest = { ...layer, ranges: [{ from: 5_000, to: 10_000 }] };
    const other = canary(0.1, { id: 'other', name: 'other', layer: rest });
    const grown = canary(0.5, { phase: 2, layer });
    let plan = withExperiment(registered(), 'spam', canary(0.1, { layer }));
    plan = withExperiment(plan, 'spam', other);
    plan = withExperiment(plan, 'spam', grown);
    expect(modelIn(plan, 'spam')?.experiments).toEqual([grown, other]);
    plan = withoutExperiment(plan, 'spam', canary(0.1).id);
    expect(modelIn(plan, 'spam')?.experiments).toEqual([other]);
  });

  it('take out an experiment that is not there without effect', () => {
    expect(withoutExperiment(registered(), 'spam', 'nobody')).toEqual(registered());
  });

  it('refuse models and versions that are not registered', () => {
    const plan = registered();
    const refused = { code: 'not_found' };
    expect(() => withVersion(plan, 'eta', version('v1'))).toThrow(expect.objectContaining(refused));
    expect(() => withChampion(plan, 'spam', 'v9')).toThrow(expect.objectContaining(refused));
    expect(() => withoutExperiment(plan, 'eta', 'x')).toThrow(expect.objectContaining(refused));
    const unknown = canary(0.1, { variants: [{ name: 'x', version: 'v9', control: true }] });
    expect(() => withExperiment(plan, 'spam', unknown)).toThrow(expect.objectContaining(refused));
  });

  it('do not mistake inherited names for models or versions', () => {
    const plan = registered();
    const model = modelIn(plan, 'spam');
    expect(modelIn(plan, 'constructor')).toBeNull();
    expect(model && versionIn(model, 'constructor')).toBeNull();
    expect(() => withChampion(plan, 'spam', 'constructor')).toThrow('no version constructor');
  });
});
