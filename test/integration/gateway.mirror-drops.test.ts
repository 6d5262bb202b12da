import { Logger } from '@nestjs/common';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/events.js';
import { pause } from '../support/gateway.js';
import { call, closeMirrorScenes, mirrored, sceneOf, version } from '../support/mirror-scene.js';
import { MIRROR } from '../support/shadow-scene.js';

beforeAll(() => {
  Logger.overrideLogger(false);
});
afterAll(closeMirrorScenes);

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

  it('none either while a connection may be opened within the time-out', async () => {
    const shadow = await version((_seen, res) => {
      res.setHeader('connection', 'close');
      res.end('{}');
    });
    const scene = await sceneOf({
      shadow,
      experiment: { mirror: { ...MIRROR, timeoutMs: 10_000 } },
    });
    await Promise.all(Array.from({ length: 15 }, () => call(scene)));
    await mirrored(scene, 15);
    expect(scene.gateway.mirrors.status[0]).toMatchObject({ sent: 15, drops: {} });
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
