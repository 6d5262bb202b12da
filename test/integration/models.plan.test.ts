import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabasePlanSource } from '../../src/gateway/database-plan-source.service.js';
import { Database } from '../../src/database/database.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { ModelsService } from '../../src/models/models.service.js';
import { PLAN_CHANNEL, PlanService } from '../../src/models/plan.service.js';
import { SecretsService } from '../../src/auth/secrets.service.js';
import { withExperiment, withModel, withoutExperiment } from '../../src/routing/plan-change.js';
import type { ExperimentPlan, TrafficPlan } from '../../src/routing/plan.js';
import { controlPlane } from '../support/control.js';
import type { ControlPlane } from '../support/control.js';
import { freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

const actor = 'test';
const why = { actor, reason: 'because' };
const model = (body: object = {}) => modelSchema.parse(body);
const version = (body: object = {}) =>
  versionSchema.parse({ url: 'http://127.0.0.1:9001', ...body });

const experiment = (id: string): ExperimentPlan => ({
  id,
  name: 'spam-v2',
  kind: 'ab',
  epoch: 1,
  salt: 's',
  coverage: 1,
  phase: 0,
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'new', version: 'v2', control: false },
  ],
  segments: [{ upTo: 1, weights: [1, 1] }],
});

let db: TestDatabase;
let one: ControlPlane;
let two: ControlPlane;

beforeAll(async () => {
  db = await freshDatabase();
  one = await controlPlane(db.url);
  two = await controlPlane(db.url);
});

afterAll(async () => {
  await one.close();
  await two.close();
  await db.close();
});

async function register(
  name: string,
  versions: readonly string[] = ['v1', 'v2'],
): Promise<ModelsService> {
  const models = one.get(ModelsService);
  await models.put(name, model(), actor);
  for (const v of versions) {
    await models.putVersion({ model: name, version: v, request: version(), actor });
  }
  return models;
}

const running = (name: string, id: string) =>
  one
    .get(Database)
    .transaction((tx) =>
      one.get(PlanService).change(tx, why, (plan) => withExperiment(plan, name, experiment(id))),
    );

describe('the traffic plan', () => {
  it('is empty with version 0 before anything is registered', async () => {
    expect(await one.get(PlanService).current()).toEqual({ version: 0, models: {}, keys: [] });
    expect(await one.get(PlanService).latest(0)).toBeNull();
  });

  it('grows by one version per change, keeps every version, and says nothing newer than the newest', async () => {
    await register('first', ['v1']);
    const plans = one.get(PlanService);
    const { version: newest } = await plans.current();
    expect(newest).toBe(2);
    expect((await plans.at(1))?.models['first']?.versions).toEqual({});
    expect(Object.keys((await plans.at(2))?.models['first']?.versions ?? {})).toEqual(['v1']);
    expect(await plans.latest(newest)).toBeNull();
    expect((await plans.latest(newest - 1))?.version).toBe(newest);
    expect(await plans.at(99)).toBeNull();
  });

  // Mutants that this kills: changes told against another plan than the known one; models that are gone still there.
  it('is put together from its changes as if it had been read whole, and what did not change is the same', async () => {
    await register('still');
    const plans = one.get(PlanService);
    const source = new DatabasePlanSource(one.get(Database), plans);
    const first = await source.latest(0);
    expect(first).toEqual(await plans.current());
    await register('moving');
    await register('going');
    const second = await source.latest(first?.version ?? 0);
    expect(second).toEqual(await plans.current());
    expect(second?.models['still']).toBe(first?.models['still']);
    await one.get(Database).transaction((tx) =>
      plans.change(tx, why, (plan) => {
        const next = withModel(plan, { ...model({ timeoutMs: 77 }), name: 'moving' });
        const kept = Object.entries(next.models).filter(([name]) => name !== 'going');
        return { ...next, models: Object.fromEntries(kept) };
      }),
    );
    const third = await source.latest(second?.version ?? 0);
    expect(third).toEqual(await plans.current());
    expect(Object.keys(third?.models ?? {})).not.toContain('going');
    expect(third?.models['still']).toBe(first?.models['still']);
    expect(await source.latest(third?.version ?? 0)).toBeNull();
    // asked from a version that it did not give itself, it reads everything
    const fresh = await source.latest(0);
    expect(fresh).toEqual(third);
    expect(fresh?.models['still']).not.toBe(first?.models['still']);
  });

  it('tells all of a plan to whoever knows another one of the same number', async () => {
    const plans = one.get(PlanService);
    const { version: newest } = await plans.current();
    const changes = await plans.changesSince({ version: newest - 1, hash: 'of another database' });
    expect(Object.values(changes?.models ?? {})).not.toContain(null);
    const known = await plans.changesSince({ version: newest - 2, hash: null });
    expect(await plans.changesSince({ version: newest, hash: known?.hash ?? null })).toBeNull();
  });

  it('gets no new version from a change that changes nothing', async () => {
    const models = await register('same');
    const before = await one.get(PlanService).current();
    await models.put('same', model(), actor);
    const headers = { authorization: 'Bearer x' };
    await models.putVersion({ model: 'same', version: 'v1', request: version({ headers }), actor });
    await models.putVersion({ model: 'same', version: 'v1', request: version({ headers }), actor });
    expect((await one.get(PlanService).current()).version).toBe(before.version + 1);
  });

  it('loses no change when two processes make many at once', async () => {
    const before = (await one.get(PlanService).current()).version;
    const settings = model();
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => {
        const plane = n % 2 === 0 ? one : two;
        return plane
          .get(Database)
          .transaction((tx) =>
            plane
              .get(PlanService)
              .change(tx, why, (plan) => withModel(plan, { name: `m${n}`, ...settings })),
          );
      }),
    );
    const plan = await two.get(PlanService).current();
    expect(plan.version).toBe(before + 40);
    expect(Object.keys(plan.models).filter((name) => /^m\d+$/.test(name))).toHaveLength(40);
  });

  it('is announced on its channel when the transaction commits, and not when it fails', async () => {
    const heard: string[] = [];
    const unlisten = two.get(Database).listen(PLAN_CHANNEL, (payload) => heard.push(payload));
    await expect.poll(() => heard).toContain(''); // connected
    const change = (fail: boolean) =>
      one.get(Database).transaction(async (tx) => {
        const plan = await one
          .get(PlanService)
          .change(tx, why, (old) => withModel(old, { name: `heard-${String(fail)}`, ...model() }));
        if (fail) throw new Error('no');
        return plan;
      });
    await expect(change(true)).rejects.toThrow('no');
    const { version: announced } = await change(false);
    await expect.poll(() => heard.filter((payload) => payload !== '')).toEqual([String(announced)]);
    unlisten();
  });

  it('keeps numbers and key order as they were written', async () => {
    await register('exact', ['v1']);
    const [row]: { text: string }[] = await one
      .get(Database)
      .manager.query(
        `SELECT document::text AS text FROM traffic_plans ORDER BY version DESC LIMIT 1`,
      );
    expect(JSON.parse(row!.text)).toEqual(await one.get(PlanService).current());
    expect(row!.text).toBe(JSON.stringify(await one.get(PlanService).current()));
  });
});

describe('models', () => {
  it('make their first version the champion, and no later one', async () => {
    const models = await register('champ');
    const found = await models.get('champ');
    expect(found.champion).toBe('v1');
    expect(found.versions.map(({ name }) => name)).toEqual(['v1', 'v2']);
    expect((await one.get(PlanService).current()).models['champ']?.champion).toBe('v1');
  });

  it('show header names only, seal the values, and keep them when they are left out', async () => {
    const models = await register('sealed', []);
    const put = (body: object) =>
      models.putVersion({ model: 'sealed', version: 'v1', request: version(body), actor });
    await put({ headers: { 'X-Api-Key': 'canary-271828' } });
    const sealed = async () =>
      (await one.get(PlanService).current()).models['sealed']?.versions['v1']?.sealedHeaders ??
      null;
    expect(two.get(SecretsService).unseal((await sealed())!)).toEqual({
      'x-api-key': 'canary-271828',
    });
    const shown = await put({ metadata: { commit: 'abc' } });
    expect(shown.versions[0]).toMatchObject({
      headerNames: ['x-api-key'],
      metadata: { commit: 'abc' },
    });
    expect(JSON.stringify(shown)).not.toContain('canary');
    expect(await sealed()).not.toBeNull();
    await put({ headers: {} });
    expect(await sealed()).toBeNull();
  });

  it('refuse what is unknown: a model, a version as champion or fallback, an upstream that is not allowed', async () => {
    const models = await register('refuse');
    await expect(models.get('nobody')).rejects.toMatchObject({ code: 'not_found' });
    await expect(
      models.putVersion({ model: 'nobody', version: 'v1', request: version(), actor }),
    ).rejects.toMatchObject({ code: 'not_found' });
    const champion = { version: 'v9', reason: 'why not' };
    await expect(models.chooseChampion('refuse', champion, actor)).rejects.toMatchObject({
      code: 'invalid_input',
      defects: [{ field: 'version', given: 'v9' }],
    });
    await expect(models.put('refuse', model({ fallback: 'v9' }), actor)).rejects.toMatchObject({
      defects: [{ field: 'fallback', given: 'v9' }],
    });
    await expect(
      models.putVersion({
        model: 'refuse',
        version: 'v3',
        request: version({ url: 'http://169.254.169.254/' }),
        actor,
      }),
    ).rejects.toMatchObject({ code: 'invalid_input', defects: [{ field: 'url' }] });
    await expect(
      models.put('refuse', model({ holdout: { share: 0.1, version: 'v9' } }), actor),
    ).rejects.toMatchObject({
      code: 'invalid_input',
      defects: [{ field: 'holdout.version', given: 'v9' }],
    });
    expect((await models.get('refuse')).versions).toHaveLength(2);
  });

  it('keep champion, versions and experiments when their settings change', async () => {
    const models = await register('keep');
    await running('keep', 'e-keep');
    await models.put('keep', model({ timeoutMs: 500, fallback: 'v1' }), actor);
    expect((await one.get(PlanService).current()).models['keep']).toMatchObject({
      timeoutMs: 500,
      fallback: 'v1',
      champion: 'v1',
      experiments: [{ id: 'e-keep' }],
    });
  });

  it('refuse, while an experiment runs, another URL of its versions, another unit and a hand-made champion', async () => {
    const models = await register('frozen', ['v1', 'v2', 'v3']);
    await running('frozen', 'e-frozen');
    const other = version({ url: 'http://127.0.0.1:9002' });
    const put = (name: string, request: typeof other) =>
      models.putVersion({ model: 'frozen', version: name, request, actor });
    await expect(put('v2', other)).rejects.toMatchObject({
      code: 'conflict',
      defects: [{ field: 'url' }],
    });
    await expect(put('v2', version({ timeoutMs: 700 }))).resolves.toBeDefined();
    await expect(put('v3', other)).resolves.toBeDefined();
    await expect(
      models.put('frozen', model({ unit: { request: true } }), actor),
    ).rejects.toMatchObject({
      code: 'conflict',
      defects: [{ field: 'unit' }],
    });
    await expect(
      models.chooseChampion('frozen', { version: 'v3', reason: 'x' }, actor),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect((await models.get('frozen')).champion).toBe('v1');
    expect((await models.get('frozen')).versions[1]?.url).toBe('http://127.0.0.1:9001');
  });

  it('change the champion and the experiment in one plan when a decision does both', async () => {
    const models = await register('promoted');
    const before = await running('promoted', 'e-promoted');
    const edit = (plan: TrafficPlan) => withoutExperiment(plan, 'promoted', 'e-promoted');
    const after = await one
      .get(Database)
      .transaction((tx) =>
        models.setChampion(tx, { model: 'promoted', version: 'v2', actor, reason: 'won', edit }),
      );
    expect(after.version).toBe(before.version + 1);
    expect(after.models['promoted']).toMatchObject({ champion: 'v2', experiments: [] });
    expect((await models.get('promoted')).champion).toBe('v2');
  });

  const three = ['http://127.0.0.1:9001', 'http://127.0.0.1:9002/b', 'http://127.0.0.1:9003'];
  const replicas = (urls: readonly string[], body: object = {}) =>
    versionSchema.parse({ urls, ...body });
  const planned = async (name: string) =>
    (await one.get(PlanService).current()).models[name]?.versions['v2'];

  it('keep the replicas of a version and its cap, in the plan and in what is shown', async () => {
    const models = await register('replicas');
    const put = (request: ReturnType<typeof replicas>) =>
      models.putVersion({ model: 'replicas', version: 'v2', request, actor });
    const shown = await put(replicas(three, { maxConcurrency: 40 }));
    expect(shown.versions[1]).toMatchObject({ url: three[0], urls: three, maxConcurrency: 40 });
    expect(await planned('replicas')).toMatchObject({
      ...{ url: three[0], urls: three, maxConcurrency: 40 },
    });
    expect((await put(version())).versions[1]).toMatchObject({
      ...{ url: three[0], urls: [three[0]], maxConcurrency: null },
    });
    expect(await planned('replicas')).toEqual({
      ...{ name: 'v2', url: three[0], sealedHeaders: null, timeoutMs: null },
    });
  });

  it('refuse a replica that the guard refuses, and one that is given twice', async () => {
    const models = await register('guarded');
    const put = (urls: readonly string[]) =>
      models.putVersion({ model: 'guarded', version: 'v2', request: replicas(urls), actor });
    await expect(put([three[0]!, 'http://169.254.169.254/'])).rejects.toMatchObject({
      ...{ code: 'invalid_input', defects: [{ field: 'urls.1' }] },
    });
    await expect(put([three[0]!, three[2]!, `${three[0]}/`])).rejects.toMatchObject({
      ...{ code: 'invalid_input', defects: [{ field: 'urls.2', given: `${three[0]}/` }] },
    });
  });

  it('let replicas of a version in an experiment be taken out, and none be put in', async () => {
    const models = await register('shrinking');
    const put = (urls: readonly string[]) =>
      models.putVersion({ model: 'shrinking', version: 'v2', request: replicas(urls), actor });
    await put(three);
    await running('shrinking', 'e-shrinking');
    expect((await put(three.slice(1))).versions[1]?.urls).toEqual(three.slice(1));
    await expect(put(three)).rejects.toMatchObject({
      ...{ code: 'conflict', defects: [{ field: 'urls', given: three[0] }] },
    });
  });

  it('show the URL that the release before has put in place of several', async () => {
    const models = await register('before');
    const request = replicas(three);
    await models.putVersion({ model: 'before', version: 'v2', request, actor });
    await one
      .get(Database)
      .manager.query(
        `UPDATE versions SET url = 'http://127.0.0.1:9009' WHERE model = 'before' AND name = 'v2'`,
      );
    expect((await models.get('before')).versions[1]).toMatchObject({
      ...{ url: 'http://127.0.0.1:9009', urls: ['http://127.0.0.1:9009'] },
    });
  });

  it('lists all with their versions', async () => {
    await register('listed');
    const listed = (await one.get(ModelsService).list()).find(({ name }) => name === 'listed');
    expect(listed).toEqual(await one.get(ModelsService).get('listed'));
    expect(await one.get(ModelsService).exists('listed')).toBe(true);
    expect(await one.get(ModelsService).exists('unlisted')).toBe(false);
  });
});
