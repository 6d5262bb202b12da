import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app/app.module.js';
import { Database } from '../../src/database/database.service.js';
import { experimentSchema } from '../../src/experiments/experiment.contract.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { ModelsService } from '../../src/models/models.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { DeliveriesService } from '../../src/webhooks/deliveries.service.js';
import { DeliveryService } from '../../src/webhooks/delivery.service.js';
import { GatesService } from '../../src/webhooks/gates.service.js';
import { MAX_ATTEMPTS } from '../../src/webhooks/retry.js';
import { newSecret } from '../../src/webhooks/signature.js';
import type { Delivery } from '../../src/webhooks/webhook.js';
import { webhookSchema } from '../../src/webhooks/webhook.contract.js';
import { WebhooksService } from '../../src/webhooks/webhooks.service.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { answer, FINE, isSignedWith, type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/sluice.js';

/** Never due by itself: the verbs of the test are its only decisions. */
const definition = (name: string, model: string) =>
  experimentSchema.parse({
    name,
    model,
    kind: 'canary',
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2' },
    ],
    metrics: [{ metric: 'error_rate', role: 'success' }],
    analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1000, interval: '1h' },
    rollout: { steps: [{ coverage: 0.1 }, { coverage: 0.5 }, { coverage: 1 }] },
  });

/** A port that nothing listens on: it was one a moment ago. */
async function refusingUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/`;
}

describe('webhooks', () => {
  let database: TestDatabase;
  let app: INestApplicationContext;
  let dataDir: string;
  let pool: pg.Pool;
  const receivers: Receiver[] = [];

  const service = () => app.get(WebhooksService, { strict: false });
  const verb = (experiment: string, name: 'pause' | 'resume' | 'start' | 'abort') =>
    app.get(VerbsService, { strict: false }).perform(experiment, name, { reason: 'a test' }, 'ann');
  const receiver = async (...first: Parameters<typeof startReceiver>): Promise<Receiver> => {
    const made = await startReceiver(...first);
    receivers.push(made);
    return made;
  };
  const register = (name: string, body: object) =>
    service().put({ name, request: webhookSchema.parse(body), actor: 'ann' });
  const deliveries = (name: string) => app.get(DeliveriesService, { strict: false }).list(name);
  const delivery = (name: string, done: (one: Delivery) => boolean) =>
    until(`a delivery of ${name}`, async () => (await deliveries(name)).find(done) ?? null);
  const has = ({ messages }: Receiver, count: number) =>
    until(`${count} messages are there`, () =>
      Promise.resolve(messages.length === count ? true : null),
    );
  /** What has to be tried again is tried again now. */
  const hurry = () =>
    pool.query('UPDATE webhook_deliveries SET next_at = now() WHERE delivered_at IS NULL');
  const quiet = () => pool.query('DELETE FROM webhooks');

  beforeAll(async () => {
    database = await freshDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
    const config = testConfig({
      databaseUrl: database.url,
      dataDir,
      roles: ['control', 'worker'],
    });
    app = await NestFactory.createApplicationContext(AppModule.of(config), { logger: false });
    pool = new pg.Pool({ connectionString: database.url, max: 2 });
    await app.get(Database, { strict: false }).whenReady();
    const models = app.get(ModelsService, { strict: false });
    const experiments = app.get(ExperimentsService, { strict: false });
    for (const model of ['eta', 'spam']) {
      await models.put(model, modelSchema.parse({}), 'test');
      for (const version of ['v1', 'v2']) {
        const request = versionSchema.parse({ url: 'http://127.0.0.1:9' });
        await models.putVersion({ model, version, request, actor: 'test' });
      }
      await experiments.create(definition(`${model}-v2`, model));
    }
  });

  afterAll(async () => {
    await pool.end();
    await app.close();
    await Promise.all(receivers.map((one) => one.close()));
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('are told about a decision as a signed CloudEvent', async () => {
    const { url, messages } = await receiver();
    const { secret } = await register('ops', { url, events: ['start'] });
    const decision = await verb('eta-v2', 'start');
    await delivery('ops', ({ state }) => state === 'delivered');
    expect(messages).toHaveLength(1);
    const [message] = messages;
    expect(message!.contentType).toBe('application/cloudevents+json; charset=utf-8');
    expect(isSignedWith(secret!, message!)).toBe(true);
    expect(isSignedWith(newSecret(), message!)).toBe(false);
    expect(Math.abs(Number(message!.timestamp) - Date.now() / 1000)).toBeLessThan(600);
    expect(message!.event).toMatchObject({
      specversion: '1.0',
      id: message!.id,
      type: 'sluice.decision.start',
      subject: 'eta-v2',
      time: new Date(decision.atMs).toISOString(),
      data: {
        experiment: 'eta-v2',
        model: 'eta',
        number: 1,
        kind: 'start',
        summary: 'a test',
        actor: 'ann',
        automatic: false,
        hash: decision.hash,
        configVersion: decision.configVersion,
        checkpoint: { number: 1, hash: decision.hash },
      },
    });
    expect(message!.event.data.inputs).toBeUndefined();
    expect(message!.id).not.toContain('.');
  });

  it('get only the events and models that they asked for', async () => {
    const [all, some] = [await receiver(), await receiver()];
    await register('all', { url: all.url, events: ['pause', 'resume', 'start'] });
    await register('some', { url: some.url, events: ['pause'], models: ['spam'] });
    await verb('spam-v2', 'start');
    for (const experiment of ['eta-v2', 'spam-v2']) {
      await verb(experiment, 'pause');
      await verb(experiment, 'resume');
    }
    await has(all, 5);
    const told = ({ messages }: Receiver) =>
      messages.map(({ event }) => [event.subject, event.data.kind]);
    await has(some, 1);
    expect(told(some)).toEqual([['spam-v2', 'pause']]);
    await quiet();
  });

  it('that are dead, slow or broken delay nobody else', async () => {
    const slow = await receiver(() => undefined);
    const broken = await receiver(answer(500));
    const fine = await receiver();
    await register('a-dead', { url: await refusingUrl(), events: ['pause', 'resume'] });
    await register('b-slow', { url: slow.url, events: ['pause', 'resume'] });
    await register('c-broken', { url: broken.url, events: ['pause', 'resume'] });
    await register('d-fine', { url: fine.url, events: ['pause', 'resume'] });
    // more than the slow one's lane holds
    for (let round = 0; round < 6; round += 1) {
      await verb('eta-v2', 'pause');
      await verb('eta-v2', 'resume');
    }
    await has(fine, 12);
    // by then not one attempt at the slow one has come to its end, which takes 15 s
    expect((await deliveries('b-slow')).map(({ lastError }) => lastError)).toEqual(
      Array.from({ length: 12 }, () => null),
    );
    expect(new Set(fine.messages.map(({ id }) => id)).size).toBe(12);
    const refused = await delivery('a-dead', ({ attempts, lastError }) =>
      Boolean(attempts > 0 && lastError),
    );
    expect(refused).toMatchObject({ state: 'waiting', lastStatus: null });
    expect(refused.lastError).toContain('ECONNREFUSED');
    const failed = await delivery('c-broken', ({ lastStatus }) => lastStatus === 500);
    expect(failed).toMatchObject({ state: 'waiting', lastError: 'answered 500' });
    await quiet();
    await slow.close();
  });

  it('get a message again under the same id and with the same body until they take it', async () => {
    const weak = await receiver(answer(503));
    const { secret } = await register('weak', { url: weak.url, events: ['pause'] });
    await verb('eta-v2', 'pause');
    await delivery('weak', ({ lastStatus }) => lastStatus === 503);
    weak.treat(FINE);
    await hurry();
    const done = await delivery('weak', ({ state }) => state === 'delivered');
    expect(done).toMatchObject({ lastStatus: 204, lastError: null, nextAt: null });
    expect(done.attempts).toBe(weak.messages.length);
    expect(weak.messages.length).toBeGreaterThan(1);
    const [first] = weak.messages;
    for (const { id, body } of weak.messages) {
      expect({ id, body }).toEqual({ id: first!.id, body: first!.body });
    }
    expect(isSignedWith(secret!, weak.messages.at(-1)!)).toBe(true);
    // what was taken is not sent again, however due it looks
    await pool.query('UPDATE webhook_deliveries SET next_at = now()');
    await app.get(DeliveryService, { strict: false }).look();
    expect(weak.messages).toHaveLength(done.attempts);
    await verb('eta-v2', 'resume');
    await quiet();
  });

  it('are given up after the last attempt, or when they are gone, until somebody asks again', async () => {
    const late = await receiver(answer(500));
    const gone = await receiver(answer(410));
    await register('late', { url: late.url, events: ['pause'] });
    await register('gone', { url: gone.url, events: ['pause'] });
    await verb('eta-v2', 'pause');
    await delivery('late', ({ lastStatus }) => lastStatus === 500);
    expect(await delivery('gone', ({ state }) => state === 'dead')).toMatchObject({ attempts: 1 });
    await pool.query(`UPDATE webhook_deliveries SET attempts = $1 WHERE webhook = 'late'`, [
      MAX_ATTEMPTS - 1,
    ]);
    await hurry();
    await delivery('late', ({ state }) => state === 'dead');
    late.treat(FINE);
    expect(await app.get(DeliveriesService, { strict: false }).redeliver('late')).toEqual({
      revived: 1,
    });
    await delivery('late', ({ state }) => state === 'delivered');
    const { delivered, failed, givenUp } = app.get(DeliveryService, { strict: false }).counters;
    expect(givenUp).toBe(2);
    expect(failed).toBeGreaterThan(givenUp);
    expect(delivered).toBeGreaterThan(0);
    expect(new Set(late.messages.map(({ id }) => id)).size).toBe(1);
    await verb('eta-v2', 'resume');
    await quiet();
  });

  it('lead nowhere else: a redirect is a failure, an endless answer ends', async () => {
    const other = await receiver();
    const guide = await receiver((_message, response) =>
      response.writeHead(307, { location: other.url }).end(),
    );
    const endless = await receiver((_message, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more).on('error', () => undefined);
      more();
    });
    await register('guide', { url: guide.url, events: ['pause'] });
    await register('endless', { url: endless.url, events: ['pause'] });
    await verb('eta-v2', 'pause');
    const redirected = await delivery('guide', ({ lastStatus }) => lastStatus === 307);
    expect(redirected).toMatchObject({
      state: 'waiting',
      lastError: 'answered 307; redirects are not followed',
    });
    await delivery('endless', ({ state }) => state === 'delivered');
    expect(other.messages).toHaveLength(0);
    await verb('eta-v2', 'resume');
    await quiet();
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://stranger.example/hook',
    'http://10.0.0.1/',
    'ftp://127.0.0.1/',
    'http://user:pass@127.0.0.1/',
  ])('cannot be registered at %s', async (url) => {
    await expect(register('bad', { url, events: ['hold'] })).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  it('are not called at an address that is not allowed, however it came into the table', async () => {
    const { url } = await receiver();
    await register('moved', { url, events: ['hold'] });
    await pool.query(`UPDATE webhooks SET url = 'http://169.254.169.254/' WHERE name = 'moved'`);
    const trial = await app.get(GatesService, { strict: false }).test('moved', 'ann');
    expect(trial).toMatchObject({ delivered: false, status: null });
    expect(trial.error).toContain('not an address that may be called');
  });

  it('cannot be registered for a model that nobody knows: a gate would stand open', async () => {
    const body = { url: 'http://127.0.0.1:9/', gate: 'confirm-promotion', models: ['spamm'] };
    await expect(register('typo', body)).rejects.toMatchObject({
      code: 'invalid_input',
      defects: [{ field: '/models/0', given: 'spamm' }],
    });
  });

  it('keep their secret: made once, shown once, sealed at rest, kept by a change without one', async () => {
    const { url } = await receiver();
    const made = await register('secretive', { url, events: ['pause'] });
    expect(made.secret).toMatch(/^whsec_/);
    const given = newSecret();
    const replaced = await register('secretive', { url, events: ['pause'], secret: given });
    expect(replaced.secret).toBeUndefined();
    const kept = await register('secretive', { url, events: ['resume'] });
    expect(kept).toMatchObject({ url, events: ['resume'] });
    const shown = JSON.stringify([replaced, kept, await service().list()]);
    const { rows } = await pool.query('SELECT * FROM webhooks');
    for (const text of [shown, JSON.stringify(rows)]) {
      expect(text).not.toContain(given.slice(6));
      expect(text).not.toContain(made.secret!.slice(6));
    }
    await quiet();
  });

  it('can be tried out: the answer says what came back', async () => {
    const one = await receiver(answer(200, { allow: false, reason: 'freeze\nuntil Monday' }));
    const gates = app.get(GatesService, { strict: false });
    const { secret } = await register('try', { url: one.url, gate: 'confirm-promotion' });
    const trial = await gates.test('try', 'ann');
    expect(trial).toMatchObject({
      delivered: true,
      status: 200,
      gate: { answer: 'vetoed', reason: 'freeze until Monday' },
    });
    expect(one.messages[0]!.event.type).toBe('sluice.webhook.test');
    expect(isSignedWith(secret!, one.messages[0]!)).toBe(true);
    one.treat(answer(200, { allowed: true }));
    expect((await gates.test('try', 'ann')).gate?.answer).toBe('unreachable');
    await register('try', { url: await refusingUrl(), events: ['hold'] });
    expect(await gates.test('try', 'ann')).toMatchObject({
      delivered: false,
      status: null,
      gate: null,
    });
  });

  it('that nobody registered are not found', async () => {
    await expect(service().remove('nobody', 'ann')).rejects.toMatchObject({ code: 'not_found' });
    await expect(deliveries('nobody')).rejects.toMatchObject({ code: 'not_found' });
  });
});
