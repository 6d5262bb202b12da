import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/database/database.service.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { type ExperimentsPlane, experimentsPlane, registerSpam } from '../support/experiments.js';
import { postedAb, postedCanary } from '../unit/experiments/experiments.js';

let plane: ExperimentsPlane;
const call: ExperimentsPlane['call'] = (...given) => plane.call(...given);
const fieldsOf = (body: unknown): string[] =>
  JSON.stringify(body)
    .match(/"field":"([^"]+)"/g)
    ?.map((pair) => pair.slice(9, -1)) ?? [];

beforeAll(async () => {
  plane = await experimentsPlane();
  await registerSpam(plane);
});

afterAll(() => plane.close());

describe('experiments over HTTP', () => {
  it('are made as drafts and read back by id and by name', async () => {
    const made = await call('POST', '/experiments', postedCanary());
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'spam-v2',
      status: 'draft',
      revision: 0,
      design: null,
    });
    expect(made.body.definition.analysis.minUnits).toBe(100);
    expect((await call('GET', `/experiments/${made.body.id}`)).body).toEqual(made.body);
    expect((await call('GET', '/experiments/spam-v2')).body).toEqual(made.body);
  });

  it('have names of their own', async () => {
    const again = await call('POST', '/experiments', postedCanary());
    expect(again.status).toBe(409);
    expect(fieldsOf(again.body)).toContain('/name');
  });

  it('are listed newest first, by model and by status', async () => {
    await call('POST', '/experiments', postedAb({ name: 'spam-ab', model: 'spam' }));
    const names = async (query: string): Promise<string[]> => {
      const { body } = await call('GET', `/experiments${query}`);
      return body.experiments.map((experiment: { name: string }) => experiment.name);
    };
    expect(await names('')).toEqual(['spam-ab', 'spam-v2']);
    expect(await names('?model=spam&status=draft')).toEqual(['spam-ab', 'spam-v2']);
    expect(await names('?model=other')).toEqual([]);
    expect(await names('?status=running')).toEqual([]);
    expect((await call('GET', '/experiments?state=running')).status).toBe(422);
  });

  it('answer 404 when they do not exist', async () => {
    expect((await call('GET', '/experiments/nobody')).status).toBe(404);
    expect((await call('PATCH', '/experiments/nobody', { coverage: 1 })).status).toBe(404);
  });

  it.each([
    ['/analysis/alpha', { analysis: { ...postedCanary().analysis, alpha: 0.7 } }],
    ['/model', { model: 'spamm' }],
    ['/metrics/0/metric', { metrics: [{ metric: 'corect', role: 'success' }] }],
    ['/rollout/steps/1/coverage', { rollout: { steps: [{ coverage: 1 }, { coverage: 1 }] } }],
  ])('are refused with 422 naming %s', async (field, change) => {
    const refused = await call(
      'POST',
      '/experiments',
      postedCanary({ name: 'refused', ...change }),
    );
    expect(refused.status).toBe(422);
    expect(fieldsOf(refused.body)).toContain(field);
  });

  it('show quantiles and decide nothing on them', async () => {
    await call('PUT', '/metrics/p95', {
      kind: 'quantile',
      source: { prediction: 'latency_ms' },
      direction: 'decrease',
      quantile: 0.95,
    });
    const refused = await call(
      'POST',
      '/experiments',
      postedCanary({ name: 'x', metrics: [{ metric: 'p95', role: 'success' }] }),
    );
    expect(refused.status).toBe(422);
    expect(fieldsOf(refused.body)).toEqual(['/metrics/0/role']);
  });

  it('are refused naming the nearest known name', async () => {
    const refused = await call('POST', '/experiments', postedCanary({ name: 'x', model: 'spamm' }));
    expect(JSON.stringify(refused.body)).toContain('did you mean spam?');
  });

  it('can be changed field by field while they are drafts, with every rule applied to the whole', async () => {
    const changed = await call('PATCH', '/experiments/spam-ab', {
      name: 'spam-abn',
      coverage: 0.2,
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ name: 'spam-abn', revision: 1 });
    expect(changed.body.definition).toMatchObject({ coverage: 0.2, name: 'spam-abn' });
    const refused = await call('PATCH', '/experiments/spam-abn', { kind: 'canary' });
    expect(refused.status).toBe(422);
    expect(fieldsOf(refused.body)).toContain('/rollout/steps');
    expect((await call('PATCH', '/experiments/spam-abn', { name: 'spam-v2' })).status).toBe(409);
    const back = await call('PATCH', '/experiments/spam-abn', { coverage: null });
    expect(back.body.definition.coverage).toBe(1);
  });
});

describe('a start', () => {
  const service = (): ExperimentsService => plane.app.get(ExperimentsService);
  const database = (): Database => plane.app.get(Database);

  async function start(name: string): Promise<void> {
    const draft = await service().get(name);
    const prepared = await service().prepareStart(draft, Date.now());
    await database().transaction(async (tx) => {
      const locked = await service().lock(tx, draft.id);
      const frozen = await service().freeze(tx, locked, prepared, Date.now());
      await service().save(tx, frozen, { status: 'running' });
    });
  }

  it('checks again what was checked when the draft was made', async () => {
    await call('POST', '/models/spam/champion', { version: 'v3', reason: 'test' });
    await expect(start('spam-v2')).rejects.toMatchObject({ code: 'invalid_input' });
    await call('POST', '/models/spam/champion', { version: 'v1', reason: 'test' });
  });

  it('freezes the design under one hash and raises the revision once', async () => {
    await start('spam-v2');
    const started = await service().get('spam-v2');
    expect(started).toMatchObject({ status: 'running', revision: 1, kind: 'canary' });
    expect(started.design?.metrics.map(({ definition }) => definition.name)).toEqual([
      'correct',
      'error_rate',
    ]);
    expect(started.designHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('leaves the design alone when a metric is redefined afterwards', async () => {
    const before = await service().get('spam-v2');
    await call('PUT', '/metrics/correct', {
      kind: 'mean',
      source: { outcome: 'other' },
      direction: 'increase',
    });
    expect((await service().get('spam-v2')).design).toEqual(before.design);
  });

  it('ends the time of changes', async () => {
    expect((await call('PATCH', '/experiments/spam-v2', { coverage: 1 })).status).toBe(409);
  });

  it('lets only one of two writers of the same revision win', async () => {
    const seen = await service().get('spam-v2');
    const write = () =>
      database().transaction((tx) => service().save(tx, seen, { status: 'paused' }));
    const results = await Promise.allSettled([write(), write()]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await service().get('spam-v2')).revision).toBe(seen.revision + 1);
  });
});
