import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { OutlierSettings } from '../../src/gateway/outlier.js';
import type { ModelPlan, VersionPlan } from '../../src/routing/plan.js';
import {
  bytesOf,
  canaryPlan,
  closedPort,
  MemoryPlanSource,
  modelPlan,
  startGateway,
  startUpstream,
  trafficPlan,
  versionPlan,
  type TestGateway,
} from '../support/gateway.js';

const closers: (() => Promise<void>)[] = [];
const hooks: (() => void)[] = [];

afterEach(() => {
  for (const hook of hooks.splice(0)) hook();
});
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

/** A replica whose behaviour can be changed while it runs. */
interface TestReplica {
  readonly url: string;
  calls: number;
  inFlight: number;
  status: number;
  /** A promise: answers wait for it. */
  hold: Promise<void> | null;
}

async function replica(change: Partial<TestReplica> = {}): Promise<TestReplica> {
  const state: TestReplica = { url: '', calls: 0, inFlight: 0, status: 200, hold: null, ...change };
  const server = await startUpstream((req, res) => {
    state.calls += 1;
    state.inFlight += 1;
    res.on('close', () => (state.inFlight -= 1));
    void bytesOf(req).then(async () => {
      await state.hold;
      res.writeHead(state.status);
      res.end(state.url);
    });
  });
  closers.push(() => server.close());
  return Object.assign(state, { url: server.url });
}

function versionOf(
  name: string,
  replicas: readonly { readonly url: string }[],
  change: Partial<VersionPlan> = {},
): VersionPlan {
  const urls = replicas.map(({ url }) => url);
  return versionPlan(name, urls[0] ?? '', { urls, ...change });
}

async function gatewayFor(
  model: ModelPlan,
  outliers: Partial<OutlierSettings> = {},
): Promise<TestGateway> {
  const gateway = await startGateway(new MemoryPlanSource(trafficPlan(1, model)), { outliers });
  closers.push(() => gateway.close());
  return gateway;
}

function post(gateway: TestGateway, unit = 'u1'): Promise<Response> {
  return fetch(`${gateway.url}/models/m/predict`, {
    method: 'POST',
    body: '{"x":1}',
    headers: { 'x-sluice-unit': unit },
  });
}

async function statuses(gateway: TestGateway, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let call = 0; call < count; call += 1) {
    const reply = await post(gateway);
    await reply.arrayBuffer();
    found.push(reply.status);
  }
  return found;
}

/** Answers that wait until `release`, which also runs after the test. */
function held(): { readonly hold: Promise<void>; readonly release: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const release = (): void => {
    resolve(undefined);
  };
  hooks.push(release);
  return { hold: promise, release };
}

describe('a version with several URLs', () => {
  it('is called at all of them, about equally', async () => {
    const replicas = [await replica(), await replica(), await replica()];
    const gateway = await gatewayFor(modelPlan([versionOf('v1', replicas)]));
    expect(new Set(await statuses(gateway, 60))).toEqual(new Set([200]));
    for (const { calls } of replicas) expect(calls).toBeGreaterThan(8);
  });

  it('keeps the path of each URL', async () => {
    const paths: string[] = [];
    const server = await startUpstream((req, res) => {
      paths.push(req.url ?? '');
      res.end();
    });
    closers.push(() => server.close());
    const urls = [{ url: `${server.url}/a` }, { url: `${server.url}/b/` }];
    const gateway = await gatewayFor(modelPlan([versionOf('v1', urls)]));
    await statuses(gateway, 30);
    expect(new Set(paths)).toEqual(new Set(['/a/predict', '/b/predict']));
  });

  it('leaves a replica that answers slowly to the calls it has, while the others answer', async () => {
    const { hold } = held();
    const slow = await replica({ hold });
    const quick = await replica();
    const gateway = await gatewayFor(modelPlan([versionOf('v1', [slow, quick])]));
    const replies = Array.from({ length: 40 }, () => post(gateway));
    await expect.poll(() => quick.calls).toBeGreaterThan(15);
    // each call under way at the slow one makes the quick one more attractive
    await statuses(gateway, 20);
    expect(slow.inFlight).toBeLessThan(30);
    const before = slow.calls;
    expect(await statuses(gateway, 20)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(slow.calls).toBe(before);
    hooks.splice(0).forEach((hook) => {
      hook();
    });
    await Promise.all(replies);
  });

  it('tries the other one again when one refuses the connection', async () => {
    const dead = { url: `http://127.0.0.1:${await closedPort()}` };
    const good = await replica();
    const gateway = await gatewayFor(modelPlan([versionOf('v1', [dead, good])]));
    expect(new Set(await statuses(gateway, 20))).toEqual(new Set([200]));
    const { predictions } = gateway.spool;
    expect(predictions.every(({ attempts, error }) => attempts <= 2 && !error)).toBe(true);
    expect(predictions.some(({ attempts }) => attempts === 2)).toBe(true);
  });

  it('is loaded from a plan of an earlier release, which knows one URL', async () => {
    const good = await replica();
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', good.url)]));
    expect(await statuses(gateway, 1)).toEqual([200]);
    expect(gateway.fleet.status).toMatchObject([
      { model: 'm', version: 'v1', maxConcurrency: 512, replicas: [{ url: good.url }] },
    ]);
  });
});

describe('a replica that answers 5xx', () => {
  const QUICK = { intervalMs: 50, baseEjectionTimeMs: 300 };

  it('is ejected after five in a row, gets no calls, comes back, and all of it can be seen', async () => {
    const bad = await replica({ status: 500 });
    const good = await replica();
    const gateway = await gatewayFor(modelPlan([versionOf('v1', [bad, good])]), QUICK);
    const first = await statuses(gateway, 40);
    expect(first.filter((status) => status === 500)).toHaveLength(5);
    expect(bad.calls).toBe(5);
    expect(first.slice(-10)).toEqual(Array.from({ length: 10 }, () => 200));
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(
      new RegExp(`sluice_replica_ejections_total\\{[^}]*${bad.url}[^}]*consecutive_5xx"\\} 1`),
    );
    expect(metrics).toMatch(new RegExp(`sluice_replica_ejected\\{[^}]*${bad.url}"\\} 1`));
    bad.status = 200;
    await expect
      .poll(() => gateway.fleet.status[0]?.replicas.some(({ ejected }) => ejected))
      .toBe(false);
    expect(new Set(await statuses(gateway, 30))).toEqual(new Set([200]));
    expect(bad.calls).toBeGreaterThan(5);
  });

  it('stays out for longer when it fails again', async () => {
    const bad = await replica({ status: 503 });
    const good = await replica();
    // it comes back in a sweep, and has a whole second until the next one would forgive the first ejection
    const gateway = await gatewayFor(modelPlan([versionOf('v1', [bad, good])]), {
      intervalMs: 1_000,
      baseEjectionTimeMs: 500,
    });
    const outMs: number[] = [];
    for (let round = 0; round < 2; round += 1) {
      const isOut = (): boolean =>
        gateway.fleet.status[0]?.replicas.some(({ ejected }) => ejected) === true;
      while (!isOut()) await statuses(gateway, 1);
      const startedMs = performance.now();
      await expect.poll(isOut, { interval: 10 }).toBe(false);
      outMs.push(performance.now() - startedMs);
    }
    expect(outMs[0]).toBeGreaterThan(480);
    expect(outMs[1]).toBeGreaterThan(980);
  });

  it('is called all the same when it is the only one', async () => {
    const bad = await replica({ status: 500 });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', bad.url)]), QUICK);
    await statuses(gateway, 20);
    expect(bad.calls).toBe(20);
  });

  it('is not ejected beside another one that is', async () => {
    const replicas = [await replica({ status: 500 }), await replica({ status: 500 })];
    const gateway = await gatewayFor(modelPlan([versionOf('v1', replicas)]), {
      intervalMs: 60_000,
    });
    await statuses(gateway, 40);
    const ejected = gateway.fleet.status[0]?.replicas.filter((one) => one.ejected) ?? [];
    expect(ejected).toHaveLength(1);
    expect(replicas[0]!.calls + replicas[1]!.calls).toBe(40);
  });
});

describe('a version with as many calls under way as it may have', () => {
  it('refuses more at once, with the time to come again, and keeps the connection', async () => {
    const { hold, release } = held();
    const slow = await replica({ hold });
    const version = versionPlan('v1', slow.url, { maxConcurrency: 3 });
    const gateway = await gatewayFor(modelPlan([version]));
    const waiting = Array.from({ length: 3 }, () => post(gateway));
    await expect.poll(() => slow.inFlight).toBe(3);
    const startedMs = performance.now();
    const refused = await post(gateway);
    expect(performance.now() - startedMs).toBeLessThan(500);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('connection')).toBe('keep-alive');
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.json()).toMatchObject({ code: 'version_saturated', status: 503 });
    const refusal = await gateway.spool.prediction(1);
    expect(refusal).toMatchObject({
      status: 503,
      error: true,
      timeout: false,
      attempts: 0,
      assignedVersion: 'v1',
      servedVersion: 'v1',
    });
    release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await statuses(gateway, 3)).toEqual([200, 200, 200]);
    expect(slow.calls).toBe(6);
  });

  it('lets its fallback answer, recorded as assigned to it', async () => {
    const { hold } = held();
    const slow = await replica({ hold });
    const other = await replica();
    const versions = [
      versionPlan('v1', other.url),
      versionPlan('v2', slow.url, { maxConcurrency: 1 }),
    ];
    const model = modelPlan(versions, {
      fallback: 'v1',
      experiments: [canaryPlan(1)],
      timeoutMs: 60_000,
    });
    const gateway = await gatewayFor(model);
    // units of the candidate only: those that v2 keeps waiting
    const waiting: Promise<Response>[] = [];
    for (let unit = 0; slow.inFlight === 0; unit += 1) {
      waiting.push(post(gateway, `u${unit}`));
      await sleep(20);
    }
    const unit = `u${waiting.length - 1}`;
    const reply = await post(gateway, unit);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-sluice-version')).toBe('v1');
    expect(reply.headers.get('x-sluice-reason')).toBe('fallback');
    expect(gateway.spool.predictions.at(-1)).toMatchObject({
      unitKey: unit,
      variant: 'candidate',
      assignedVersion: 'v2',
      servedVersion: 'v1',
      reason: 'fallback',
      fallback: true,
      error: true,
      status: 200,
      attempts: 1,
    });
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(
      /upstream_failures_total\{model="m",version="v2",kind="saturated"\} \d/,
    );
  });

  it('does not starve the other versions of the process', async () => {
    const { hold } = held();
    const slow = await replica({ hold });
    const quick = await replica();
    const stuck = modelPlan([versionPlan('v1', slow.url, { maxConcurrency: 10 })], {
      name: 's',
      timeoutMs: 60_000,
    });
    const model = modelPlan([versionPlan('v1', quick.url)]);
    const gateway = await startGateway(new MemoryPlanSource(trafficPlan(1, stuck, model)));
    closers.push(() => gateway.close());
    const flood = Array.from({ length: 200 }, () =>
      fetch(`${gateway.url}/models/s/x`, { method: 'POST', body: 'x' }),
    );
    const others = await statuses(gateway, 50);
    expect(new Set(others)).toEqual(new Set([200]));
    await expect
      .poll(() => gateway.spool.predictions.filter((p) => p.model === 's').length)
      .toBe(190);
    expect(slow.calls).toBe(10);
    hooks.splice(0).forEach((hook) => {
      hook();
    });
    await Promise.all(flood);
  });

  it('passes the failure of the assigned version on when the fallback has no room', async () => {
    const { hold, release } = held();
    const slow = await replica({ hold });
    const bad = await replica({ status: 500 });
    const versions = [
      versionPlan('v1', bad.url),
      versionPlan('v0', slow.url, { maxConcurrency: 1 }),
    ];
    const gateway = await gatewayFor(modelPlan(versions, { fallback: 'v0' }));
    const waiting = post(gateway);
    await expect.poll(() => slow.inFlight).toBe(1);
    const reply = await post(gateway);
    expect(reply.status).toBe(500);
    expect(await gateway.spool.prediction(1)).toMatchObject({ fallback: false, attempts: 1 });
    release();
    expect((await waiting).status).toBe(200);
  });

  it('gives the room back whatever ends a call: time-outs, refusals, callers that leave', async () => {
    const { hold } = held();
    const slow = await replica({ hold });
    const version = versionPlan('v1', slow.url, { maxConcurrency: 2, timeoutMs: 100 });
    const gateway = await gatewayFor(modelPlan([version]));
    expect(await statuses(gateway, 5)).toEqual([504, 504, 504, 504, 504]);
    const leaving = new AbortController();
    const left = fetch(`${gateway.url}/models/m/x`, {
      method: 'POST',
      body: 'x',
      signal: leaving.signal,
    });
    await expect.poll(() => slow.calls).toBe(6);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await expect.poll(() => gateway.fleet.status[0]?.inFlight).toBe(0);
  });
});
