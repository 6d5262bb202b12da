import { describe, expect, it } from 'vitest';
import { Fleet } from '../../../src/gateway/fleet.service.js';
import { preparePlan, type LiveVersion, type Preparation } from '../../../src/gateway/live-plan.js';
import { DEFAULT_MAX_CONCURRENCY } from '../../../src/gateway/replica-set.js';
import type { TrafficPlan, VersionPlan } from '../../../src/routing/plan.js';
import { model, version } from '../routing/plans.js';

function planWith(...models: ReturnType<typeof model>[]): TrafficPlan {
  return {
    version: 4,
    models: Object.fromEntries(models.map((one) => [one.name, one])),
    keys: [{ id: 'k', hash: 'h', scopes: ['predict'] }],
  };
}

/** As a gateway prepares it: with replicas of its own. */
function preparation(fleet = new Fleet()): Preparation {
  return { unseal, replicasOf: (name, plan) => fleet.setOf(name, plan) };
}

const unseal = (sealed: string): Record<string, string> => {
  if (sealed === 'rotten') throw new Error('cannot be read');
  return { 'X-Key': sealed };
};

describe('a prepared plan', () => {
  it('finds models, versions and keys, and names every origin', () => {
    const { plan, defects } = preparePlan(planWith(model()), preparation());
    expect(defects).toEqual([]);
    expect(plan.version).toBe(4);
    expect([...(plan.models.get('spam')?.versions.keys() ?? [])]).toEqual(['v1', 'v2', 'v3']);
    expect(plan.keys.get('h')?.scopes).toEqual(['predict']);
    expect([...plan.origins]).toEqual(['http://upstream.test']);
  });

  it.each([
    ['http://a', 'http://a', ''],
    ['http://a/', 'http://a', ''],
    ['https://a:443/x/y/', 'https://a', '/x/y'],
    ['http://2130706433:80/v', 'http://127.0.0.1', '/v'],
    ['http://[::1]:9000/', 'http://[::1]:9000', ''],
  ])('takes the URL %s apart', (url, origin, basePath) => {
    const versions = { v1: { ...version('v1'), url } };
    const { plan } = preparePlan(planWith(model({ versions })), preparation());
    const replicas = plan.models.get('spam')?.versions.get('v1')?.replicas.replicas ?? [];
    expect(replicas.map(({ address }) => address)).toEqual([{ url, origin, basePath }]);
  });

  it('knows every replica of a version, and names the origin of each', () => {
    const urls = ['http://a/v', 'http://b:81'];
    const versions = { v1: { ...version('v1'), url: 'http://a/v', urls } };
    const { plan } = preparePlan(planWith(model({ versions })), preparation());
    expect([...plan.origins]).toEqual(['http://a', 'http://b:81']);
  });

  it('keeps what is known of replicas that stay, and takes on the new cap', () => {
    const known = preparation();
    const of = (change: Partial<VersionPlan>): LiveVersion | undefined => {
      const versions = { v1: { ...version('v1'), ...change } };
      const { plan } = preparePlan(planWith(model({ versions })), known);
      return plan.models.get('spam')?.versions.get('v1');
    };
    const before = of({ url: 'http://a', urls: ['http://a', 'http://b'] })?.replicas;
    before?.acquire(null);
    const after = of({ url: 'http://b', urls: ['http://b', 'http://c'], maxConcurrency: 1 });
    expect(after?.replicas).toBe(before);
    expect(before).toMatchObject({ inFlight: 1, maxConcurrency: 1, isFull: true });
    expect(before?.replicas.map(({ address }) => address.url)).toEqual(['http://b', 'http://c']);
    expect(of({ url: 'http://b' })?.replicas.maxConcurrency).toBe(DEFAULT_MAX_CONCURRENCY);
  });

  it('takes the time-out of the version, else that of the model', () => {
    const versions = { v1: version('v1'), v2: { ...version('v2'), timeoutMs: 7 } };
    const live = preparePlan(planWith(model({ versions })), preparation()).plan.models.get('spam');
    expect(live?.versions.get('v1')?.timeoutMs).toBe(1000);
    expect(live?.versions.get('v2')?.timeoutMs).toBe(7);
  });

  it('unseals upstream headers', () => {
    const versions = { v1: { ...version('v1'), sealedHeaders: 'secret' } };
    const live = preparePlan(planWith(model({ versions })), preparation()).plan.models.get('spam');
    expect(live?.versions.get('v1')?.headers).toEqual(['X-Key', 'secret']);
    expect(live?.versions.get('v1')?.headerNames.has('x-key')).toBe(true);
  });

  it('leaves out a version that cannot be prepared and says why, without losing the others', () => {
    const versions = {
      v1: version('v1'),
      v2: { ...version('v2'), sealedHeaders: 'rotten' },
      v3: { ...version('v3'), url: 'no url' },
    };
    const { plan, defects } = preparePlan(planWith(model({ versions })), preparation());
    expect([...(plan.models.get('spam')?.versions.keys() ?? [])]).toEqual(['v1']);
    expect(defects).toHaveLength(2);
    expect(defects[0]).toBe('spam/v2: cannot be read');
  });
});

// Mutants that this kills: a model reused by its name alone; origins of reused models forgotten (their connections closed).
describe('a plan that follows another', () => {
  const other = () =>
    model({ name: 'other', versions: { v1: { ...version('v1'), url: 'http://o' } } });

  it('reuses what is prepared of models that are the same objects, and prepares what is new', () => {
    const [spam, kept] = [model(), other()];
    const fleet = preparation();
    const before = preparePlan(planWith(spam, kept), fleet).plan;
    const changed = { ...spam, timeoutMs: 77 };
    const after = preparePlan(planWith(changed, kept), fleet, before).plan;
    expect(after.models.get('other')).toBe(before.models.get('other'));
    expect(after.models.get('spam')?.versions.get('v1')?.timeoutMs).toBe(77);
    expect([...after.origins]).toEqual(['http://upstream.test', 'http://o']);
  });

  it('forgets models that are gone', () => {
    const [spam, kept] = [model(), other()];
    const before = preparePlan(planWith(spam, kept), preparation()).plan;
    const after = preparePlan(planWith(spam), preparation(), before).plan;
    expect([...after.models.keys()]).toEqual(['spam']);
    expect([...after.origins]).toEqual(['http://upstream.test']);
  });

  it('tries a version again that could not be prepared', () => {
    const sealed = model({ versions: { v1: { ...version('v1'), sealedHeaders: 'late' } } });
    let canRead = false;
    const late: Preparation = {
      ...preparation(),
      unseal: () => {
        if (!canRead) throw new Error('not yet');
        return {};
      },
    };
    const before = preparePlan(planWith(sealed), late);
    expect(before.defects).toHaveLength(1);
    canRead = true;
    const after = preparePlan(planWith(sealed), late, before.plan);
    expect(after.defects).toEqual([]);
    expect(after.plan.models.get('spam')?.versions.has('v1')).toBe(true);
  });
});
