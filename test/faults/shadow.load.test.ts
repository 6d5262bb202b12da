import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/events.js';
import { call, closeMirrorScenes, mirrored, sceneOf } from '../support/mirror-scene.js';

/** Work of somebody else in every turn of the event loop. */
const BUSY_MS = 150;

beforeAll(() => {
  Logger.overrideLogger(false);
});
afterAll(closeMirrorScenes);

describe('P7: a busy gateway', () => {
  it('drops copies as overload and answers its callers, until it has time again', async () => {
    const scene = await sceneOf();
    const { spool } = scene.gateway;
    const busy = setInterval(() => {
      const untilMs = performance.now() + BUSY_MS;
      while (performance.now() < untilMs);
    }, 1);
    const newest = async (): Promise<string | null | undefined> => {
      const before = spool.mirrors.length;
      expect((await call(scene)).status).toBe(200);
      await mirrored(scene, before + 1);
      return spool.mirrors.at(-1)?.drop;
    };
    await until('copies are shed', async () => (await newest()) === 'overload');
    clearInterval(busy);
    await until('copies are sent again', async () => (await newest()) === null);
  });
});
