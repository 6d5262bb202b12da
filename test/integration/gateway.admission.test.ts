import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SluiceClient } from '../../demo/sluice-client.js';
import { startSluice, type RunningSluice } from '../../src/app/start.js';
import type { Status } from '../../src/app/status.service.js';
import type { TrafficPlan } from '../../src/routing/plan.js';
import { testConfig } from '../support/config.js';
import {
  MemoryPlanSource,
  modelPlan,
  startGateway,
  startUpstream,
  trafficPlan,
  versionPlan,
  type TestGateway,
  type TestUpstream,
} from '../support/gateway.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { until } from '../support/sluice.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const closers: (() => Promise<void>)[] = [];
const hooks: (() => void)[] = [];

afterEach(() => {
  for (const hook of hooks.splice(0)) hook();
});
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

/** An upstream whose answers can be held back, and how many calls wait in it. */
interface Held {
  readonly upstream: TestUpstream;
  waiting: number;
  hold(): void;
  release(): void;
}

async function heldUpstream(): Promise<Held> {
  const waiting: (() => void)[] = [];
  let isHeld = false;
  const upstream = await startUpstream((req, res) => {
    req.resume();
    const answer = (): void => {
      res.end('{}');
    };
    if (isHeld) waiting.push(answer);
    else answer();
  });
  closers.push(() => upstream.close());
  return {
    upstream,
    get waiting() {
      return waiting.length;
    },
    hold: () => (isHeld = true),
    release: () => {
      isHeld = false;
      for (const answer of waiting.splice(0)) answer();
    },
  };
}

async function gatewayFor(
  plan: TrafficPlan,
  config: Parameters<typeof startGateway>[1] = {},
): Promise<TestGateway> {
  const gateway = await startGateway(new MemoryPlanSource(plan), config);
  closers.push(() => gateway.close());
  return gateway;
}

function post(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/models/m/predict`, { method: 'POST', body: '{"x":1}', ...init });
}

describe('a gateway with as many predictions under way as it may have', () => {
  it('refuses more at once and on the same connection, without waiting for their bodies', async () => {
    const held = await heldUpstream();
    held.hold();
    const model = modelPlan([versionPlan('v1', held.upstream.url)], { timeoutMs: 30_000 });
    const gateway = await gatewayFor(trafficPlan(1, model), { config: { maxInFlight: 2 } });
    const answers = [post(gateway.url), post(gateway.url)];
    hooks.push(held.release);
    await expect.poll(() => held.waiting).toBe(2);
    const { port } = new URL(gateway.url);
    const socket = connect(Number(port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    const body = 'x'.repeat(200_000);
    const head = `POST /models/m/x HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`;
    socket.write(head + body.slice(0, 10));
    await expect.poll(() => text).toContain('"code":"overloaded"');
    expect(text).toMatch(/^HTTP\/1.1 503 /);
    expect(text.toLowerCase()).toContain('retry-after: 1');
    expect(text).toContain('application/problem+json');
    // the rest of the body, and another request on the same connection: it is read as what it is
    text = '';
    socket.write(`${body.slice(10)}GET /ready HTTP/1.1\r\nhost: a\r\n\r\n`);
    await expect.poll(() => text).toContain('"ready":true');
    held.release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
    socket.write(head + body);
    await expect.poll(() => text).toContain('x-sluice-version');
    socket.destroy();
    expect(gateway.load.status.shed.predictions).toBe(1);
    await expect.poll(() => gateway.load.status.inFlight).toBe(0);
  });

  it('counts every call once, however it ends', async () => {
    const held = await heldUpstream();
    const model = modelPlan([versionPlan('v1', held.upstream.url)], { timeoutMs: 100 });
    const gateway = await gatewayFor(trafficPlan(1, model), { config: { maxInFlight: 3 } });
    expect((await post(gateway.url)).status).toBe(200);
    expect((await post(gateway.url, { body: '' })).status).toBe(200);
    held.hold();
    hooks.push(held.release);
    expect((await post(gateway.url)).status).toBe(504);
    const leaving = new AbortController();
    const left = post(gateway.url, { signal: leaving.signal });
    await expect.poll(() => gateway.load.status.inFlight).toBe(1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await expect.poll(() => gateway.load.status.inFlight).toBe(0);
  });

  it('answers for its health and its numbers', async () => {
    const held = await heldUpstream();
    held.hold();
    const model = modelPlan([versionPlan('v1', held.upstream.url)], { timeoutMs: 30_000 });
    const gateway = await gatewayFor(trafficPlan(1, model), { config: { maxInFlight: 1 } });
    const answer = post(gateway.url);
    hooks.push(held.release);
    await expect.poll(() => held.waiting).toBe(1);
    expect((await post(gateway.url)).status).toBe(503);
    for (const path of ['/live', '/ready', '/metrics']) {
      expect((await fetch(gateway.url + path)).status).toBe(200);
    }
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain('sluice_shed_total{what="predictions"} 1');
    expect(metrics).toContain('sluice_gateway_refusals_total{code="overloaded"} 1');
    expect(metrics).toContain('sluice_load 1\n');
    expect(metrics).toContain('sluice_in_flight 1\n');
    held.release();
    expect((await answer).status).toBe(200);
  });
});

describe('a gateway whose event loop cannot follow', () => {
  it('refuses most predictions while it lasts, and none three seconds after it', async () => {
    const quick = await heldUpstream();
    const held = await heldUpstream();
    held.hold();
    const model = modelPlan([versionPlan('v1', quick.upstream.url)]);
    const slow = modelPlan([versionPlan('v1', held.upstream.url)], {
      name: 's',
      timeoutMs: 60_000,
    });
    const gateway = await gatewayFor(trafficPlan(1, model, slow), { config: { maxQueueMs: 20 } });
    // Enough calls under way for the wait to be theirs.
    const waiting = Array.from({ length: 40 }, () =>
      fetch(`${gateway.url}/models/s/x`, { method: 'POST', body: 'x' }),
    );
    hooks.push(held.release);
    await expect.poll(() => held.waiting).toBe(40);
    const busy = setInterval(() => {
      const untilMs = performance.now() + 60;
      while (performance.now() < untilMs);
    }, 1);
    hooks.push(() => {
      clearInterval(busy);
    });
    await expect.poll(() => gateway.load.status.admittedShare).toBeLessThan(0.3);
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await post(gateway.url)).status),
    );
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(10);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    clearInterval(busy);
    await expect.poll(() => gateway.load.status.admittedShare, { timeout: 10_000 }).toBe(1);
    expect((await post(gateway.url)).status).toBe(200);
    held.release();
    expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(
      new Set([200]),
    );
  });
});

describe('the limit of a data-plane key', () => {
  async function limited(gatewayAuth: 'open' | 'key'): Promise<TestGateway> {
    const held = await heldUpstream();
    const model = modelPlan([versionPlan('v1', held.upstream.url)]);
    const config = { gatewayAuth, predictionsPerSecond: 2 };
    const gateway = await gatewayFor(trafficPlan(1, model), { config });
    const key = (id: string): TrafficPlan['keys'][number] => ({
      id,
      hash: gateway.secrets.hash(id),
      scopes: ['predict'],
    });
    gateway.source.publish({ ...trafficPlan(2, model), keys: [key('one'), key('two')] });
    await expect.poll(() => gateway.live.current?.version).toBe(2);
    return gateway;
  }

  const as = (key: string): RequestInit => ({ headers: { 'x-sluice-key': key } });

  it('answers 429 with the time to wait, to that key alone, on the same connection', async () => {
    const gateway = await limited('key');
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await post(gateway.url, as('one'))).status);
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(statuses).toContain(429);
    let reply = await post(gateway.url, as('one'));
    while (reply.status !== 429) reply = await post(gateway.url, as('one'));
    expect(reply.headers.get('retry-after')).toBe('1');
    expect(reply.headers.get('connection')).toBe('keep-alive');
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(await reply.json()).toMatchObject({
      code: 'rate_limited',
      detail: 'this key may send 2 predictions per second',
    });
    expect((await post(gateway.url, as('two'))).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await post(gateway.url, as('one'))).status).toBe(200);
  });

  it('holds for callers who send their key where none is needed, and for nobody else', async () => {
    const gateway = await limited('open');
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await post(gateway.url, as('one'))).status);
    expect(statuses).toContain(429);
    for (let n = 0; n < 6; n += 1) expect((await post(gateway.url)).status).toBe(200);
  });
});

describe('the whole product under load', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-load-'));
  const MAX = 20;
  let db: TestDatabase;
  let sluice: RunningSluice;
  let client: SluiceClient;
  let dataKey: string;
  let held: Held;
  const answers: Promise<Response>[] = [];

  beforeAll(async () => {
    db = await freshDatabase();
    held = await heldUpstream();
    const adminKey = 'admin-key-of-the-tests-0123456789';
    const config = { dataDir, databaseUrl: db.url, adminKey, maxInFlight: MAX };
    sluice = await startSluice(testConfig({ ...config, outcomePostsPerSecond: 20 }));
    client = new SluiceClient({
      gatewayUrl: sluice.gatewayUrl ?? '',
      controlUrl: sluice.controlUrl,
      adminKey,
    });
    dataKey = await client.createKey('application', ['outcomes:write']);
    await client.putModel('m', { timeoutMs: 60_000 });
    await client.putVersion('m', 'v1', { url: held.upstream.url });
    await until('an answer', async () =>
      (await post(sluice.gatewayUrl ?? '')).status === 200 ? true : null,
    );
  });
  afterAll(async () => {
    held.release();
    await sluice.close();
    await db.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const status = async (): Promise<Status> =>
    (await (await fetch(`${sluice.controlUrl}/status`)).json()) as Status;

  /** Brings the number of predictions under way to this. */
  async function bringTo(underWay: number): Promise<void> {
    held.hold();
    while (answers.length < underWay) answers.push(post(sluice.gatewayUrl ?? ''));
    await expect.poll(() => held.waiting).toBe(underWay);
  }

  function control(method: string, path: string, key: string, body?: unknown): Promise<Response> {
    return fetch(sluice.controlUrl + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
  }

  const outcome = (): Promise<Response> =>
    control('POST', '/api/v1/outcomes', dataKey, {
      outcomes: [
        {
          ...{ id: crypto.randomUUID(), model: 'm', unit: 'u', name: 'clicked', value: 1 },
          at: new Date().toISOString(),
        },
      ],
    });
  const read = (): Promise<Response> => control('GET', '/api/v1/models/m', client.address.adminKey);

  it('gives up shadows, then outcomes, then reads, then predictions, and takes all of it up again', async () => {
    const seen: unknown[] = [];
    for (const underWay of [10, 13, 16, 19]) {
      await bringTo(underWay);
      seen.push([
        underWay,
        (await status()).load.sheds,
        (await outcome()).status,
        (await read()).status,
      ]);
    }
    expect(seen).toEqual([
      [10, [], 202, 200],
      [13, ['shadows'], 202, 200],
      [16, ['shadows', 'outcomes'], 503, 200],
      [19, ['shadows', 'outcomes', 'reads'], 503, 503],
    ]);
    await bringTo(MAX);
    const refused = await post(sluice.gatewayUrl ?? '');
    expect(refused.status).toBe(503);
    for (const reply of [await outcome(), await read()]) {
      expect(reply.status).toBe(503);
      expect(reply.headers.get('retry-after')).toBe('1');
      expect(reply.headers.get('content-type')).toContain('application/problem+json');
      expect(await reply.json()).toMatchObject({ code: 'overloaded', status: 503 });
    }
    // what changes something, and what tells how it is, is never given up
    for (const path of ['/live', '/ready', '/status', '/metrics']) {
      expect((await fetch(sluice.controlUrl + path)).status).toBe(200);
    }
    const verbs = ['rollback', 'abort'].map((verb) =>
      control('POST', `/api/v1/experiments/none/${verb}`, client.address.adminKey, {
        reason: 'test',
      }),
    );
    for (const reply of await Promise.all(verbs)) expect(reply.status).not.toBe(503);
    expect((await control('PUT', '/api/v1/models/other', client.address.adminKey, {})).status).toBe(
      200,
    );
    const { load } = await status();
    expect(load).toMatchObject({ value: 1, inFlight: MAX, maxInFlight: MAX });
    expect(load.shed).toMatchObject({ outcomes: 3, reads: 2, predictions: 1 });
    held.release();
    expect(new Set((await Promise.all(answers)).map((reply) => reply.status))).toEqual(
      new Set([200]),
    );
    await expect.poll(async () => (await status()).load.sheds).toEqual([]);
    expect([(await outcome()).status, (await read()).status]).toEqual([202, 200]);
    expect((await post(sluice.gatewayUrl ?? '')).status).toBe(200);
  });

  it('answers 429 to a key that posts outcomes too often, and says what the limit is', async () => {
    let reply = await outcome();
    for (let n = 0; n < 200 && reply.status === 202; n += 1) reply = await outcome();
    expect(reply.status).toBe(429);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    expect(await reply.json()).toMatchObject({
      code: 'rate_limited',
      defects: [{ expected: 'at most 20 posts of outcomes per second' }],
    });
    expect((await read()).status).toBe(200);
  });
});
