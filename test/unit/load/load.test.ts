import { afterEach, describe, expect, it, vi } from 'vitest';
import { Logger } from '@nestjs/common';
import { Load } from '../../../src/load/load.service.js';
import { SHED_ORDER, sheddableRequest } from '../../../src/load/shed-order.js';

afterEach(() => {
  vi.restoreAllMocks();
});

function loadOf(maxInFlight = 100, maxQueueMs = 100): Load {
  return new Load({ maxInFlight, maxQueueMs });
}

/** A process with enough predictions under way to make a queue, and far from as many as it may have. */
function busyLoad(): Load {
  const load = loadOf(1_000);
  for (let n = 0; n < 40; n += 1) load.enter();
  return load;
}

/** Turns of one length for a time, from a moment on; returns the moment after them. */
function turns(load: Load, ms: number, fromMs: number, forMs = 1_000): number {
  let nowMs = fromMs;
  while (nowMs < fromMs + forMs) load.turned(ms, (nowMs += Math.max(25, ms)));
  return nowMs;
}

/** What is given up, asked one by one. */
function given(load: Load): string[] {
  const asked = (['shadows', 'outcomes', 'reads'] as const).filter((what) => load.sheds(what));
  return [...asked, ...(load.refusesPrediction() ? ['predictions'] : [])];
}

describe('a process under load', () => {
  it('gives up nothing while little is under way', () => {
    const load = loadOf();
    for (let n = 0; n < 50; n += 1) expect(load.enter()).toBe(true);
    expect(given(load)).toEqual([]);
    expect(load.status).toMatchObject({ value: 0.5, inFlight: 50, sheds: [] });
  });

  it.each([
    [51, 1],
    [70, 1],
    [71, 2],
    [85, 2],
    [86, 3],
    [99, 3],
    [100, 4],
  ])('with %d of 100 predictions under way gives up the first %d kinds', (inFlight, kinds) => {
    const load = loadOf();
    for (let n = 0; n < inFlight; n += 1) load.enter();
    expect(given(load)).toEqual(SHED_ORDER.slice(0, kinds));
    expect(load.status.sheds).toEqual(SHED_ORDER.slice(0, kinds));
  });

  it.each([
    [45, 0],
    [60, 1],
    [75, 2],
    [90, 3],
    [150, 4],
  ])('with a standing wait of %d of 100 ms gives up the first %d kinds', (ms, kinds) => {
    const load = busyLoad();
    turns(load, ms, 0, 3_000);
    const expected = SHED_ORDER.slice(0, kinds);
    expect(load.status.sheds).toEqual(expected);
    expect(given(load).slice(0, 3)).toEqual(expected.slice(0, 3));
    const refused = Array.from({ length: 100 }, () => load.refusesPrediction()).filter(Boolean);
    if (kinds < 4) expect(refused).toHaveLength(0);
    else expect(refused.length).toBeGreaterThan(80);
  });

  it('refuses nobody for a wait that its few predictions do not make', () => {
    const load = loadOf();
    for (let n = 0; n < 31; n += 1) load.enter();
    turns(load, 300, 0, 5_000);
    expect(load.status).toMatchObject({ queueMs: 300, value: 0.31, admittedShare: 1 });
    expect(given(load)).toEqual(['shadows']);
    load.enter();
    expect(load.sheds('outcomes')).toBe(true);
  });

  it('lets nobody in beyond the bound, and everybody again who finds room', () => {
    const load = loadOf(2);
    expect([load.enter(), load.enter(), load.enter()]).toEqual([true, true, false]);
    expect(load.refusesPrediction()).toBe(true);
    load.leave();
    expect(load.refusesPrediction()).toBe(false);
    expect(load.enter()).toBe(true);
    expect(load.status).toMatchObject({ inFlight: 2, shed: { predictions: 2 } });
  });

  it('takes on everything again within three seconds of the last long turn', () => {
    const load = busyLoad();
    const nowMs = turns(load, 200, 0, 10_000);
    turns(load, 1, nowMs, 3_000);
    expect(given(load)).toEqual([]);
    expect(load.status.sheds).toEqual([]);
  });

  it('drops copies when turns are long on average, though no queue stands', () => {
    const load = loadOf();
    for (let n = 0; n < 60; n += 1) load.turned(n % 4 === 0 ? 1 : 90, n * 90);
    expect(given(load)).toEqual(['shadows']);
  });

  it('counts what it refuses', () => {
    const load = loadOf(1);
    load.enter();
    expect(load.refuses('outcomes')).toBe(true);
    expect(load.refuses('reads')).toBe(true);
    expect(load.refuses('reads')).toBe(true);
    load.droppedCopy();
    expect(load.status.shed).toEqual({ shadows: 1, outcomes: 1, reads: 2, predictions: 0 });
  });

  it('says in the log what it gives up, once, and that it is over', () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const log = vi.spyOn(Logger.prototype, 'log').mockReturnValue();
    const load = busyLoad();
    const nowMs = turns(load, 150, 0, 10_000);
    expect(warn.mock.calls.at(-1)?.[0]).toMatch(
      /^gives up shadows, outcomes, reads, predictions: load 1.50, 40 predictions under way, 150 ms/,
    );
    expect(warn.mock.calls.length).toBeLessThanOrEqual(2);
    expect(log).not.toHaveBeenCalled();
    turns(load, 1, nowMs, 10_000);
    expect(log.mock.calls).toEqual([['gives up nothing any more']]);
  });

  it('measures the event loop by itself', async () => {
    const load = busyLoad();
    load.onModuleInit();
    const untilMs = performance.now() + 1_500;
    const busy = (): void => {
      const startMs = performance.now();
      while (performance.now() - startMs < 130);
      if (performance.now() < untilMs) setImmediate(busy);
    };
    busy();
    await expect
      .poll(() => load.status.shed.predictions + Number(load.refusesPrediction()))
      .toBeGreaterThan(0);
    await expect.poll(() => load.status.sheds, { timeout: 10_000 }).toEqual([]);
    load.onApplicationShutdown();
  });
});

describe('a request to the control plane', () => {
  it.each([
    ['POST', '/api/v1/outcomes', 'outcomes'],
    ['POST', '/api/v1/assignments', 'outcomes'],
    ['GET', '/api/v1/models', 'reads'],
    ['HEAD', '/api/v1/experiments/x/report', 'reads'],
  ])('%s %s is given up as one of %s', (method, path, what) => {
    expect(sheddableRequest(method, path)).toBe(what);
  });

  it.each([
    ['GET', '/live'],
    ['GET', '/ready'],
    ['GET', '/status'],
    ['GET', '/metrics'],
    ['GET', '/'],
    ['GET', '/api/docs'],
    ['POST', '/api/v1/experiments/x/rollback'],
    ['POST', '/api/v1/experiments/x/abort'],
    ['POST', '/api/v1/models/m/champion'],
    ['PUT', '/api/v1/models/m'],
    ['DELETE', '/api/v1/keys/k'],
  ])('%s %s is always answered', (method, path) => {
    expect(sheddableRequest(method, path)).toBe(null);
  });
});
