import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mirror } from '../../src/events/event.js';
import type { ExperimentPlan, ModelPlan } from '../../src/routing/plan.js';
import { until } from '../support/events.js';
import {
  bytesOf,
  MemoryPlanSource,
  modelPlan,
  pause,
  startGateway,
  startUpstream,
  trafficPlan,
  versionPlan,
  type TestGateway,
  type TestUpstream,
} from '../support/gateway.js';
import { MIRROR, shadowPlan } from '../support/shadow-scene.js';

/** Long enough for a copy that must not come; a copy comes within a few milliseconds. */
const NO_COPY_MS = 150;

const closers: (() => Promise<void>)[] = [];

beforeAll(() => {
  Logger.overrideLogger(false);
});
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Recorder extends TestUpstream {
  readonly seen: Seen[];
}

type Answer = (seen: Seen, res: ServerResponse, req: IncomingMessage) => void;

/** A version that remembers what it was sent. */
async function version(
  answer: Answer = (_seen, res) => res.end('{"spam":true}'),
): Promise<Recorder> {
  const seen: Seen[] = [];
  const upstream = await startUpstream((req, res) => {
    void bytesOf(req).then((body) => {
      const one = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body };
      seen.push(one);
      answer(one, res, req);
    });
  });
  closers.push(() => upstream.close());
  return { ...upstream, seen };
}

interface Setting {
  readonly control?: Recorder;
  readonly shadow?: Recorder;
  readonly experiment?: Partial<ExperimentPlan>;
  readonly model?: Partial<ModelPlan>;
}

interface Scene {
  readonly gateway: TestGateway;
  readonly control: Recorder;
  readonly shadow: Recorder;
}

function modelOf(setting: Setting, control: Recorder, shadow: Recorder): ModelPlan {
  const versions = [versionPlan('v1', `${control.url}/one`), versionPlan('v2', shadow.url)];
  const capture = { output: { spam: '/spam' }, input: { words: '/words' } };
  const experiments = [shadowPlan(setting.experiment)];
  return modelPlan(versions, { capture, experiments, ...setting.model });
}

async function sceneOf(setting: Setting = {}): Promise<Scene> {
  const control = setting.control ?? (await version((_seen, res) => res.end('{"spam":false}')));
  const shadow = setting.shadow ?? (await version());
  const plan = trafficPlan(1, modelOf(setting, control, shadow));
  const gateway = await startGateway(new MemoryPlanSource(plan));
  closers.push(() => gateway.close());
  return { gateway, control, shadow };
}

async function call(
  { gateway }: Scene,
  init: { path?: string; unit?: string; method?: string; body?: Buffer | string | null } = {},
): Promise<{ status: number; body: Buffer; headers: IncomingHttpHeaders }> {
  const { statusCode, headers, body } = await request(
    `${gateway.url}/models/m${init.path ?? '/score?x=1'}`,
    {
      method: (init.method ?? 'POST') as 'POST',
      headers: { 'x-sluice-unit': init.unit ?? 'u1', 'content-type': 'application/json' },
      body: init.body === undefined ? '{"words":7}' : init.body,
    },
  );
  return { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) };
}

async function mirrored({ gateway }: Scene, count = 1): Promise<Mirror> {
  await until(`${count} mirrored requests are written down`, () => {
    return gateway.spool.mirrors.length >= count;
  });
  const mirror = gateway.spool.mirrors[count - 1];
  if (mirror === undefined) throw new Error('there is none');
  return mirror;
}

async function nothingMirrored({ gateway, shadow }: Scene): Promise<void> {
  await pause(NO_COPY_MS);
  expect(gateway.spool.mirrors).toEqual([]);
  expect(shadow.seen).toEqual([]);
}

describe('a copy', () => {
  it('has the same method, path, query and bytes, the mark of a shadow and both answers on record', async () => {
    const scene = await sceneOf();
    const body = Buffer.concat([
      Buffer.from('{"words":12345678901234567890,"x":1e400,'),
      Buffer.from('"y":"\u00e9"}'),
    ]);
    const answer = await call(scene, { path: '/a/b%20c?x=%31&y', body });
    expect(answer.body.toString()).toBe('{"spam":false}');
    const mirror = await mirrored(scene);
    const [original] = scene.control.seen;
    const [copy] = scene.shadow.seen;
    expect(copy?.method).toBe('POST');
    expect(original?.url).toBe('/one/a/b%20c?x=%31&y');
    expect(copy?.url).toBe('/a/b%20c?x=%31&y');
    expect(copy?.body.equals(body)).toBe(true);
    const unmarked = { ...copy?.headers };
    expect(unmarked['x-sluice-shadow']).toBe('in-the-dark');
    delete unmarked['x-sluice-shadow'];
    expect({ ...unmarked, host: '' }).toEqual({ ...original?.headers, host: '' });
    expect(mirror).toMatchObject({
      requestId: answer.headers['x-sluice-request-id'],
      ...{ model: 'm', unitKey: 'u1', epoch: 1, phase: 0, variant: 'v2', version: 'v2' },
      ...{ experimentId: shadowPlan().id, configVersion: 1, drop: null },
      primary: { status: 200, error: false, timeout: false, captured: { spam: false } },
      shadow: { status: 200, error: false, timeout: false, captured: { spam: true } },
    });
    expect(mirror.primary.captured).toHaveProperty('words');
    expect(mirror.shadow?.captured).not.toHaveProperty('words');
    expect(mirror.shadow?.latencyMs).toBeGreaterThan(0);
  });

  it('is sent only when the whole answer is out', async () => {
    let finish = (): void => undefined;
    const control = await version((_seen, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: 1\n\n');
      finish = () => res.end('data: 2\n\n');
    });
    const scene = await sceneOf({ control });
    const answer = await request(`${scene.gateway.url}/models/m/stream`, {
      method: 'POST',
      headers: { 'x-sluice-unit': 'u1' },
    });
    const reader = answer.body[Symbol.asyncIterator]();
    await reader.next();
    await nothingMirrored(scene);
    finish();
    await mirrored(scene);
    expect(scene.shadow.seen).toHaveLength(1);
  });

  it('is not sent for a caller that went away before its answer', async () => {
    const control = await version(() => undefined);
    const scene = await sceneOf({ control });
    const away = new AbortController();
    const answer = request(`${scene.gateway.url}/models/m/score`, {
      method: 'POST',
      headers: { 'x-sluice-unit': 'u1' },
      signal: away.signal,
    });
    await until('the version was called', () => control.seen.length === 1);
    away.abort();
    await expect(answer).rejects.toThrow();
    await scene.gateway.spool.prediction(1);
    await nothingMirrored(scene);
  });

  it('carries the mark of the gateway, not one that a caller forged', async () => {
    const scene = await sceneOf();
    const { body } = await request(`${scene.gateway.url}/models/m/score`, {
      method: 'POST',
      headers: { 'x-sluice-unit': 'u1', 'x-sluice-shadow': 'forged', 'x-sluice-key': 'secret' },
    });
    await body.dump();
    await mirrored(scene);
    expect(scene.control.seen[0]?.headers).not.toHaveProperty('x-sluice-shadow');
    expect(scene.shadow.seen[0]?.headers['x-sluice-shadow']).toBe('in-the-dark');
    expect(scene.shadow.seen[0]?.headers).not.toHaveProperty('x-sluice-key');
  });

  it.each(['GET', 'HEAD', 'OPTIONS'])(
    'of %s is sent without leave, and its connection serves the next',
    async (method) => {
      const scene = await sceneOf({ experiment: { mirror: { ...MIRROR, unsafeMethods: false } } });
      for (let count = 1; count <= 3; count += 1) {
        expect((await call(scene, { method, body: null })).status).toBe(200);
        expect(await mirrored(scene, count)).toMatchObject({ drop: null, shadow: { status: 200 } });
      }
      expect(scene.shadow.seen.map((seen) => seen.method)).toEqual([method, method, method]);
      const [status] = scene.gateway.mirrors.status;
      expect(status).toMatchObject({ sent: 3, inFlight: 0 });
      // undici ends a connection after HEAD: some servers send a body all the same.
      expect(status?.connections).toBe(method === 'HEAD' ? 3 : 1);
    },
  );

  it('of a packed answer is unpacked for its fields, also when it fails', async () => {
    const shadow = await version((_seen, res) => {
      res.writeHead(500, { 'content-encoding': 'gzip' });
      res.end(gzipSync('{"spam":true}'));
    });
    const scene = await sceneOf({ shadow });
    await call(scene);
    expect((await mirrored(scene)).shadow).toMatchObject({
      ...{ status: 500, error: true, timeout: false },
      captured: { spam: true },
    });
  });

  it('is made of a request whose own version failed: the pair says so', async () => {
    const control = await version((_seen, res) => {
      res.statusCode = 503;
      res.end();
    });
    const scene = await sceneOf({ control });
    expect((await call(scene)).status).toBe(503);
    expect(await mirrored(scene)).toMatchObject({
      primary: { status: 503, error: true },
      shadow: { status: 200, error: false },
    });
  });

  it('that is too slow is over at its time-out', async () => {
    const shadow = await version(() => undefined);
    const scene = await sceneOf({
      shadow,
      experiment: { mirror: { ...MIRROR, timeoutMs: 60 } },
    });
    await call(scene);
    const { shadow: side } = await mirrored(scene);
    expect(side).toMatchObject({ status: 0, error: true, timeout: true, captured: null });
    expect(side?.latencyMs).toBeGreaterThanOrEqual(50);
  });

  it('with an answer longer than the cap is cut off and counts as an error', async () => {
    const shadow = await version((_seen, res) => res.end(Buffer.alloc(70_000, ' ')));
    const scene = await sceneOf({ shadow });
    await call(scene);
    expect((await mirrored(scene)).shadow).toMatchObject({
      ...{ status: 200, error: true, timeout: false, captured: null },
    });
  });

  it('is not sent to an address that upstreams may not have', async () => {
    const scene = await sceneOf({
      model: {
        versions: {
          ...modelOf({}, await version(), await version()).versions,
          v2: versionPlan('v2', 'http://169.254.169.254/latest'),
        },
      },
    });
    await call(scene);
    expect((await mirrored(scene)).shadow).toMatchObject({ status: 0, error: true });
  });

  it('goes to every shadow of an experiment', async () => {
    const third = await version((_seen, res) => res.end('{"spam":null}'));
    const control = await version();
    const shadow = await version();
    const base = modelOf({}, control, shadow);
    const versions = { ...base.versions, v3: versionPlan('v3', third.url) };
    const variants = [
      ...shadowPlan().variants,
      { name: 'other', version: 'v3', control: false },
      { name: 'gone', version: 'v3', control: false, closed: true as const },
    ];
    const scene = await sceneOf({
      control,
      shadow,
      model: { versions, experiments: [shadowPlan({ variants })] },
    });
    await call(scene);
    await mirrored(scene, 2);
    expect(scene.gateway.spool.mirrors.map((mirror) => mirror.variant).sort()).toEqual([
      'other',
      'v2',
    ]);
    expect(third.seen).toHaveLength(1);
  });
});

describe('nothing is copied', () => {
  it('of units outside of the share, and a larger share copies the same units and more', async () => {
    const copied = async (share: number): Promise<Set<string>> => {
      const scene = await sceneOf({ experiment: { mirror: { ...MIRROR, share } } });
      for (let index = 0; index < 60; index += 1) await call(scene, { unit: `unit-${index}` });
      await until('all copies are over', () => {
        const [status] = scene.gateway.mirrors.status;
        return status?.inFlight === 0 && status.sent === scene.shadow.seen.length;
      });
      await pause(NO_COPY_MS);
      return new Set(scene.gateway.spool.mirrors.map(({ unitKey }) => unitKey));
    };
    const few = await copied(0.2);
    const many = await copied(0.5);
    expect(few.size).toBeGreaterThan(0);
    expect(few.size).toBeLessThan(many.size);
    expect(many.size).toBeLessThan(60);
    for (const unit of few) expect(many).toContain(unit);
  });

  it('when another version answered: the fallback, or the one that was asked for', async () => {
    const control = await version((_seen, res) => {
      res.statusCode = 500;
      res.end();
    });
    const shadow = await version();
    const base = modelOf({}, control, shadow);
    const versions = { ...base.versions, safe: versionPlan('safe', shadow.url) };
    const scene = await sceneOf({ control, shadow, model: { versions, fallback: 'safe' } });
    expect((await call(scene)).headers['x-sluice-version']).toBe('safe');
    await pause(NO_COPY_MS);
    expect(scene.gateway.spool.mirrors).toEqual([]);
  });

  it('when the champion is no longer the version that the experiment compares with', async () => {
    const scene = await sceneOf({
      experiment: {
        variants: [
          { name: 'control', version: 'v0', control: true },
          { name: 'v2', version: 'v2', control: false },
        ],
      },
    });
    await call(scene);
    await nothingMirrored(scene);
  });

  it('of a request without a unit', async () => {
    const scene = await sceneOf();
    await call(scene, { unit: '' });
    await nothingMirrored(scene);
  });

  it('once the shadow is out of the plan', async () => {
    const scene = await sceneOf();
    const model = modelOf({ model: { experiments: [] } }, scene.control, scene.shadow);
    scene.gateway.source.publish(trafficPlan(2, model));
    await until('the plan is followed', () => scene.gateway.live.current?.version === 2);
    await call(scene);
    await nothingMirrored(scene);
    expect(scene.gateway.mirrors.status).toEqual([]);
  });
});

describe('a request that is dropped says why', () => {
  it('method: it may change something, and neither the model nor the experiment allows that', async () => {
    const careful = { experiment: { mirror: { ...MIRROR, unsafeMethods: false } } };
    const scene = await sceneOf(careful);
    await call(scene);
    expect(await mirrored(scene)).toMatchObject({
      drop: 'method',
      primary: { captured: { spam: false, words: 7 } },
      shadow: null,
    });
    expect(scene.shadow.seen).toEqual([]);
    const idempotent = await sceneOf({ ...careful, model: { idempotent: true } });
    await call(idempotent);
    expect(await mirrored(idempotent)).toMatchObject({ drop: null });
  });

  it('body_too_large: its body is longer than the cap', async () => {
    const scene = await sceneOf({ experiment: { mirror: { ...MIRROR, maxBodyBytes: 1_000 } } });
    await call(scene, { body: Buffer.alloc(1_001, ' ') });
    expect(await mirrored(scene, 1)).toMatchObject({ drop: 'body_too_large' });
    await call(scene, { body: Buffer.alloc(1_000, ' ') });
    expect(await mirrored(scene, 2)).toMatchObject({ drop: null });
    const plain = await sceneOf({ experiment: { mirror: { ...MIRROR, maxBodyBytes: 2 ** 30 } } });
    await call(plain, { body: Buffer.alloc(64 * 1024 + 1, ' ') });
    expect(await mirrored(plain)).toMatchObject({ drop: 'body_too_large' });
  });

  it('in_flight: too many copies are under way', async () => {
    const shadow = await version(() => undefined);
    const scene = await sceneOf({
      shadow,
      experiment: { mirror: { ...MIRROR, timeoutMs: 3_000, maxInFlight: 2 } },
    });
    for (let count = 0; count < 2; count += 1) await call(scene);
    await until('two are under way', () => scene.gateway.mirrors.status[0]?.inFlight === 2);
    await call(scene);
    expect(await mirrored(scene)).toMatchObject({ drop: 'in_flight', shadow: null });
    expect(scene.gateway.mirrors.status[0]).toMatchObject({ inFlight: 2, drops: { in_flight: 1 } });
  });

  it('none at all while a few connections are enough, however many requests come at once', async () => {
    const shadow = await version((_seen, res) => void setTimeout(() => res.end('{}'), 5));
    const scene = await sceneOf({
      shadow,
      experiment: { mirror: { ...MIRROR, timeoutMs: 5_000 } },
    });
    await Promise.all(Array.from({ length: 30 }, () => call(scene)));
    await mirrored(scene, 30);
    expect(scene.gateway.spool.mirrors.map(({ drop }) => drop)).toEqual(Array(30).fill(null));
    expect(scene.gateway.mirrors.status[0]).toMatchObject({ sent: 30, inFlight: 0, drops: {} });
    expect(scene.gateway.mirrors.status[0]?.connections).toBeLessThanOrEqual(20);
  });

  it('in_flight: no connection was free within the time-out', async () => {
    const shadow = await version((_seen, res) => {
      res.setHeader('connection', 'close');
      res.end('{}');
    });
    const scene = await sceneOf({ shadow });
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 25 }, () => call(scene)));
    await mirrored(scene, 25);
    const drops = scene.gateway.spool.mirrors.filter(({ drop }) => drop === 'in_flight').length;
    const { sent } = scene.gateway.mirrors.status[0] ?? {};
    expect(sent).toBeGreaterThanOrEqual(10);
    expect(sent).toBeLessThanOrEqual(10 * ((performance.now() - startedMs) / 1_000 + 1));
    expect(drops + (sent ?? 0)).toBe(25);
  });

  it('breaker: the shadow failed five times in a row; one copy at a time tries whether it is back', async () => {
    let isBroken = true;
    const shadow = await version((_seen, res) => {
      if (isBroken) res.destroy();
      else res.end('{}');
    });
    const scene = await sceneOf({ shadow });
    for (let count = 1; count <= 5; count += 1) {
      await call(scene);
      expect(await mirrored(scene, count)).toMatchObject({ drop: null, shadow: { error: true } });
    }
    await call(scene);
    expect(await mirrored(scene, 6)).toMatchObject({ drop: 'breaker' });
    expect(scene.gateway.mirrors.status[0]).toMatchObject({ breaker: 'open' });
    isBroken = false;
    await until('the breaker closes', async () => {
      await call(scene);
      await pause(50);
      return scene.gateway.mirrors.status[0]?.breaker === 'closed';
    });
    const { spool } = scene.gateway;
    const before = spool.mirrors.length;
    await call(scene);
    await mirrored(scene, before + 1);
    expect(spool.mirrors.at(-1)).toMatchObject({ drop: null, shadow: { error: false } });
  });

  it('shutdown: the gateway does not wait for copies', async () => {
    const shadow = await version(() => undefined);
    const scene = await sceneOf({
      shadow,
      experiment: { mirror: { ...MIRROR, timeoutMs: 60_000 } },
    });
    await call(scene);
    await until('it is under way', () => scene.gateway.mirrors.status[0]?.inFlight === 1);
    const startedMs = performance.now();
    await scene.gateway.server.beforeApplicationShutdown();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await mirrored(scene)).toMatchObject({ drop: 'shutdown', shadow: null });
  });
});

describe('the numbers of a gateway', () => {
  it('say what was copied and dropped, and why', async () => {
    const scene = await sceneOf({ experiment: { mirror: { ...MIRROR, maxBodyBytes: 1_000 } } });
    await call(scene);
    await call(scene, { body: Buffer.alloc(2_000, ' ') });
    await mirrored(scene, 2);
    const { body } = await request(`${scene.gateway.url}/metrics`);
    const text = await body.text();
    const labels = 'model="m",experiment="in-the-dark",version="v2"';
    expect(text).toContain(`sluice_mirror_copies_total{${labels},result="answered"} 1`);
    expect(text).toContain(`sluice_mirror_drops_total{${labels},reason="body_too_large"} 1`);
    expect(text).toContain(`sluice_mirror_in_flight{${labels}} 0`);
    expect(text).toContain(`sluice_mirror_breaker_open{${labels}} 0`);
  });
});
