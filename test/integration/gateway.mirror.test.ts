import { gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/events.js';
import { canaryPlan, pause, trafficPlan, versionPlan } from '../support/gateway.js';
import {
  call,
  closeMirrorScenes,
  mirrored,
  modelOf,
  NO_COPY_MS,
  nothingMirrored,
  sceneOf,
  version,
} from '../support/mirror-scene.js';
import { MIRROR, shadowPlan } from '../support/shadow-scene.js';

beforeAll(() => {
  Logger.overrideLogger(false);
});
afterAll(closeMirrorScenes);

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

  it.each<readonly [string, Buffer | null]>([
    ['packed bytes', gzipSync('{"words":7}')],
    ['bytes that are no text', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['no byte', Buffer.alloc(0)],
    ['no body', null],
    ['as many bytes as the cap allows', Buffer.alloc(64 * 1024, '7')],
  ])('of a request with %s is the same to the byte', async (_what, body) => {
    const scene = await sceneOf();
    await call(scene, { body });
    expect(await mirrored(scene)).toMatchObject({ drop: null, shadow: { status: 200 } });
    const [original] = scene.control.seen;
    const [copy] = scene.shadow.seen;
    expect(copy?.body.equals(body ?? Buffer.alloc(0))).toBe(true);
    expect(copy?.headers['content-length']).toBe(original?.headers['content-length']);
    expect(copy?.headers['transfer-encoding']).toBe(original?.headers['transfer-encoding']);
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
      // A connection ends with HEAD: some servers send a body all the same.
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

  it('when the control answered for another version that failed', async () => {
    const failing = await version((_seen, res) => {
      res.statusCode = 500;
      res.end();
    });
    const control = await version();
    const shadow = await version();
    const base = modelOf({}, control, shadow);
    const scene = await sceneOf({
      control,
      shadow,
      model: {
        fallback: 'v1',
        versions: { ...base.versions, v3: versionPlan('v3', failing.url) },
        experiments: [
          canaryPlan(1, {
            variants: [
              { name: 'control', version: 'v1', control: true },
              { name: 'v3', version: 'v3', control: false },
            ],
          }),
          shadowPlan(),
        ],
      },
    });
    expect((await call(scene)).headers['x-sluice-version']).toBe('v1');
    expect(await scene.gateway.spool.prediction(1)).toMatchObject({ fallback: true });
    await nothingMirrored(scene);
  });

  it('when a caller chose the version', async () => {
    const scene = await sceneOf();
    const { secrets, source, live } = scene.gateway;
    const key = { id: 'k', hash: secrets.hash('tester'), scopes: ['predict:override'] };
    const plan = trafficPlan(2, modelOf({}, scene.control, scene.shadow));
    source.publish({ ...plan, keys: [key] });
    await until('the plan is followed', () => live.current?.version === 2);
    const { headers, body } = await request(`${scene.gateway.url}/models/m/score`, {
      method: 'POST',
      headers: { 'x-sluice-unit': 'u1', 'x-sluice-key': 'tester', 'x-sluice-override': 'v1' },
    });
    await body.dump();
    expect(headers['x-sluice-reason']).toBe('override');
    await nothingMirrored(scene);
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
