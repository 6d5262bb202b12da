import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
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
  type TestUpstream,
} from '../support/gateway.js';
import type { ModelPlan } from '../../src/routing/plan.js';

const closers: (() => Promise<void>)[] = [];

// All at the end and at once: a gateway takes its time to say goodbye to idle connections.
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

async function upstream(...handler: Parameters<typeof startUpstream>): Promise<TestUpstream> {
  const started = await startUpstream(...handler);
  closers.push(() => started.close());
  return started;
}

async function gatewayFor(model: ModelPlan): Promise<TestGateway> {
  const gateway = await startGateway(new MemoryPlanSource(trafficPlan(1, model)));
  closers.push(() => gateway.close());
  return gateway;
}

/** A TCP server that handles each connection by hand. */
async function rawServer(onConnection: (socket: Socket, index: number) => void): Promise<string> {
  let index = 0;
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket, index++);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

function post(gateway: TestGateway, body = '{"x":1}', init: RequestInit = {}): Promise<Response> {
  return fetch(`${gateway.url}/models/m/predict`, {
    method: 'POST',
    body,
    headers: { 'x-sluice-unit': 'u1' },
    ...init,
  });
}

describe('a version that is too slow', () => {
  it('gives 504 after its time-out, as a problem that names the version', async () => {
    const slow = await upstream(() => undefined);
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', slow.url)], { timeoutMs: 100 }));
    const startedMs = performance.now();
    const reply = await post(gateway);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(reply.status).toBe(504);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply.headers.get('x-sluice-version')).toBe('v1');
    expect(await reply.json()).toMatchObject({ status: 504, code: 'upstream_timeout' });
    expect(await gateway.spool.prediction(1)).toMatchObject({
      status: 504,
      error: true,
      timeout: true,
      fallback: false,
      attempts: 1,
    });
  });

  it('obeys the time-out of the version before that of the model', async () => {
    const slow = await upstream(() => undefined);
    const version = versionPlan('v1', slow.url, { timeoutMs: 50 });
    const gateway = await gatewayFor(modelPlan([version], { timeoutMs: 60_000 }));
    expect((await post(gateway)).status).toBe(504);
  });

  it('is replaced by the fallback, also when the time-out comes in the middle of a short answer', async () => {
    const bodies: string[] = [];
    const half = await upstream((_req, res) => {
      res.writeHead(200, { 'content-length': '10' });
      res.write('half');
    });
    const good = await upstream((req, res) => {
      void bytesOf(req).then((body) => {
        bodies.push(body.toString());
        res.end('good');
      });
    });
    const versions = [versionPlan('v1', half.url), versionPlan('v0', good.url)];
    const gateway = await gatewayFor(modelPlan(versions, { timeoutMs: 100, fallback: 'v0' }));
    const reply = await post(gateway, 'the body');
    expect(reply.status).toBe(200);
    expect(await reply.text()).toBe('good');
    expect(bodies).toEqual(['the body']);
    expect(reply.headers.get('x-sluice-version')).toBe('v0');
    expect(reply.headers.get('x-sluice-reason')).toBe('fallback');
    expect(await gateway.spool.prediction(1)).toMatchObject({
      assignedVersion: 'v1',
      servedVersion: 'v0',
      reason: 'fallback',
      status: 200,
      error: true,
      timeout: true,
      fallback: true,
      attempts: 2,
    });
  });
});

describe('a version that refuses connections', () => {
  it('gives 502 after one retry: nothing was sent', async () => {
    const port = await closedPort();
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', `http://127.0.0.1:${port}`)]));
    const reply = await post(gateway);
    expect(reply.status).toBe(502);
    expect(await reply.json()).toMatchObject({ code: 'upstream_failed' });
    expect(await gateway.spool.prediction(1)).toMatchObject({
      status: 502,
      error: true,
      timeout: false,
      attempts: 2,
    });
  });

  it('is replaced by the fallback', async () => {
    const good = await upstream((_req, res) => res.end('good'));
    const dead = versionPlan('v1', `http://127.0.0.1:${await closedPort()}`);
    const versions = [dead, versionPlan('v0', good.url)];
    const gateway = await gatewayFor(modelPlan(versions, { fallback: 'v0' }));
    const reply = await post(gateway);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-sluice-reason')).toBe('fallback');
  });

  it('is retried at most for a fifth of the requests, once the first few tokens are used up', async () => {
    const port = await closedPort();
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', `http://127.0.0.1:${port}`)]));
    for (let i = 0; i < 100; i++) await (await post(gateway)).text();
    await gateway.spool.prediction(100);
    const retries = gateway.spool.predictions.reduce((sum, { attempts }) => sum + attempts - 1, 0);
    expect(retries).toBeGreaterThan(20);
    expect(retries).toBeLessThanOrEqual(31);
  });
});

describe('a version that breaks the connection after it got the request', () => {
  const broken = (): [ModelPlan['versions'], () => number, Promise<string>] => {
    let calls = 0;
    const url = rawServer((socket, index) => {
      socket.on('data', () => {
        calls++;
        if (index === 0) socket.destroy();
        else socket.end(OK);
      });
    });
    return [{}, () => calls, url];
  };

  it('is not called a second time for a POST: it may have acted', async () => {
    const [, calls, url] = broken();
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', await url)]));
    const reply = await post(gateway);
    expect(reply.status).toBe(502);
    expect(calls()).toBe(1);
  });

  it('is called a second time when the model says that this is harmless', async () => {
    const [, calls, url] = broken();
    const model = modelPlan([versionPlan('v1', await url)], { idempotent: true });
    const gateway = await gatewayFor(model);
    const reply = await post(gateway);
    expect(reply.status).toBe(200);
    expect(calls()).toBe(2);
    expect(await gateway.spool.prediction(1)).toMatchObject({
      error: false,
      attempts: 2,
      status: 200,
      fallback: false,
    });
  });

  it('is called a second time for a GET', async () => {
    const [, calls, url] = broken();
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', await url)]));
    expect((await fetch(`${gateway.url}/models/m/x`)).status).toBe(200);
    expect(calls()).toBe(2);
  });

  it('breaks the answer to the caller too, once it flows', async () => {
    const url = await rawServer((socket) => {
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
        setTimeout(() => socket.destroy(), 50);
      });
    });
    const good = await upstream((_req, res) => res.end('good'));
    const versions = [versionPlan('v1', url), versionPlan('v0', good.url)];
    const gateway = await gatewayFor(modelPlan(versions, { fallback: 'v0' }));
    const reply = await post(gateway);
    expect(reply.status).toBe(200);
    await expect(reply.text()).rejects.toThrow();
    expect(await gateway.spool.prediction(1)).toMatchObject({
      status: 200,
      error: true,
      servedVersion: 'v1',
      fallback: false,
    });
  });

  it.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a header without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}`],
    ['a body that is shorter than it says', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc'],
    [
      'a switch of protocols',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ],
  ])('gives 502 when it answers %s', async (_name, bytes) => {
    const url = await rawServer((socket) => {
      socket.on('data', () => socket.end(bytes));
    });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', url)]));
    expect((await post(gateway)).status).toBe(502);
    expect(await gateway.spool.prediction(1)).toMatchObject({ error: true, status: 502 });
  });

  it('may say 103 and 100 before its answer', async () => {
    const url = await rawServer((socket) => {
      socket.on('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
        setTimeout(() => socket.end(OK), 10);
      });
    });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', url)]));
    const reply = await post(gateway);
    expect(reply.status).toBe(200);
    expect(await reply.text()).toBe('ok');
  });
});

describe('a version that answers with 5xx', () => {
  it('passes its answer on when the model has no fallback', async () => {
    const bad = await upstream((_req, res) => {
      res.writeHead(503, { 'retry-after': '7' });
      res.end('overloaded');
    });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', bad.url)]));
    const reply = await post(gateway);
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('7');
    expect(await reply.text()).toBe('overloaded');
    expect(await gateway.spool.prediction(1)).toMatchObject({
      status: 503,
      error: true,
      timeout: false,
      attempts: 1,
    });
  });

  it('is replaced by the fallback in a storm: callers see no error, the record says served, not assigned', async () => {
    const bad = await upstream((_req, res) => {
      res.writeHead(500);
      res.end('x'.repeat(2_000));
    });
    const good = await upstream((_req, res) => res.end('good'));
    const versions = [versionPlan('v1', good.url), versionPlan('v2', bad.url)];
    const model = modelPlan(versions, { fallback: 'v1', experiments: [canaryPlan(0.5)] });
    const gateway = await gatewayFor(model);
    const replies = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        post(gateway, 'b', { headers: { 'x-sluice-unit': `u${i}` } }).then(async (reply) => ({
          status: reply.status,
          text: await reply.text(),
          version: reply.headers.get('x-sluice-version'),
        })),
      ),
    );
    expect(replies.every(({ status, text }) => status === 200 && text === 'good')).toBe(true);
    expect(new Set(replies.map(({ version }) => version))).toEqual(new Set(['v1']));
    await gateway.spool.prediction(300);
    const assigned = gateway.spool.predictions.filter((p) => p.assignedVersion === 'v2');
    expect(assigned.length).toBeGreaterThan(100);
    for (const p of assigned) {
      expect(p).toMatchObject({
        servedVersion: 'v1',
        variant: 'candidate',
        fallback: true,
        error: true,
        reason: 'fallback',
        status: 200,
      });
    }
    const controls = gateway.spool.predictions.filter((p) => p.variant === 'control');
    expect(controls.every((p) => !p.error && !p.fallback && p.reason === 'experiment')).toBe(true);
  });

  it('passes on the answer of a fallback that fails as well', async () => {
    const bad = await upstream((_req, res) => {
      res.writeHead(500);
      res.end('first');
    });
    const worse = await upstream((_req, res) => {
      res.writeHead(507);
      res.end('second');
    });
    const versions = [versionPlan('v1', bad.url), versionPlan('v0', worse.url)];
    const gateway = await gatewayFor(modelPlan(versions, { fallback: 'v0' }));
    const reply = await post(gateway);
    expect(reply.status).toBe(507);
    expect(await reply.text()).toBe('second');
    expect(await gateway.spool.prediction(1)).toMatchObject({ fallback: true, error: true });
  });

  it('gives 502 when the fallback cannot be reached either', async () => {
    const bad = await upstream((_req, res) => {
      res.writeHead(500);
      res.end();
    });
    const dead = versionPlan('v0', `http://127.0.0.1:${await closedPort()}`);
    const model = modelPlan([versionPlan('v1', bad.url), dead], { fallback: 'v0' });
    const gateway = await gatewayFor(model);
    expect((await post(gateway)).status).toBe(502);
    expect(await gateway.spool.prediction(1)).toMatchObject({ attempts: 2, error: true });
  });
});

describe('a caller that goes away', () => {
  it('takes the upstream call with it, and is no error of the version', async () => {
    const reached = Promise.withResolvers<undefined>();
    const closed = Promise.withResolvers<boolean>();
    const slow = await upstream((req, res) => {
      reached.resolve(undefined);
      res.on('close', () => {
        closed.resolve(!res.writableFinished);
      });
      req.resume();
    });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', slow.url)]));
    const abort = new AbortController();
    const reply = post(gateway, 'x', { signal: abort.signal });
    await reached.promise;
    abort.abort();
    await expect(reply).rejects.toThrow();
    expect(await gateway.spool.prediction(1)).toMatchObject({
      status: 0,
      error: false,
      timeout: false,
    });
    expect(await closed.promise).toBe(true);
  });

  it('is recorded with the status it saw when it leaves in the middle of a stream', async () => {
    const endless = await upstream((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => res.write('data: x\n\n'), 5);
      res.on('close', () => {
        clearInterval(timer);
      });
    });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', endless.url)]));
    const abort = new AbortController();
    const reply = await post(gateway, 'x', { signal: abort.signal });
    await reply.body?.getReader().read();
    abort.abort();
    expect(await gateway.spool.prediction(1)).toMatchObject({ status: 200, error: false });
  });

  it('leaves nothing behind when it goes away before its body is whole', async () => {
    const never = await upstream((_req, res) => res.end('x'));
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', never.url)]));
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write('POST /models/m/x HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\npart');
    await sleep(50);
    socket.destroy();
    await sleep(50);
    expect(gateway.spool.predictions).toHaveLength(0);
    expect((await post(gateway)).status).toBe(200);
  });
});

describe('a stream', () => {
  it('reaches the caller event by event, and may last longer than the time-out', async () => {
    const sent: number[] = [];
    const events = await upstream((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
      let n = 0;
      const timer = setInterval(() => {
        sent.push(performance.now());
        res.write(`data: ${n++}\n\n`);
        if (n === 6) {
          clearInterval(timer);
          res.end();
        }
      }, 60);
    });
    const gateway = await gatewayFor(
      modelPlan([versionPlan('v1', events.url)], { timeoutMs: 150 }),
    );
    const reply = await post(gateway);
    const decoder = new TextDecoder();
    const got: string[] = [];
    for await (const chunk of reply.body ?? []) {
      got.push(decoder.decode(chunk as Uint8Array));
      expect(performance.now() - (sent[got.length - 1] ?? 0)).toBeLessThan(50);
    }
    expect(got).toEqual([0, 1, 2, 3, 4, 5].map((n) => `data: ${n}\n\n`));
    expect(await gateway.spool.prediction(1)).toMatchObject({ status: 200, error: false });
  });

  it('begins with its headers before the first event', async () => {
    const silent = await upstream((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
      setTimeout(() => res.end('data: late\n\n'), 200);
    });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', silent.url)]));
    const startedMs = performance.now();
    const reply = await post(gateway);
    expect(performance.now() - startedMs).toBeLessThan(150);
    expect(await reply.text()).toBe('data: late\n\n');
  });

  it('is held back at the source while the caller reads slowly', async () => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    const big = await upstream((_req, res) => {
      res.writeHead(200, { 'content-length': String(total) });
      const chunk = Buffer.alloc(64 * 1024, 1);
      const more = (): void => {
        while (written < total) {
          written += chunk.length;
          if (!res.write(chunk)) {
            res.once('drain', more);
            return;
          }
        }
        res.end();
      };
      more();
    });
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', big.url)]));
    const reply = await post(gateway);
    await sleep(300);
    expect(written).toBeLessThan(total / 2);
    let read = 0;
    for await (const chunk of reply.body ?? []) read += (chunk as Uint8Array).length;
    expect(read).toBe(total);
  });
});

describe('a keep-alive connection', () => {
  it('is given up before the server closes it: no request fails at its idle limit', async () => {
    const server = await upstream((req, res) => {
      void bytesOf(req).then(() => res.end('ok'));
    });
    // Hinted to clients as `timeout=2`; the pool then gives a connection up after 1 s.
    server.server.keepAliveTimeout = 2_000;
    const gateway = await gatewayFor(modelPlan([versionPlan('v1', server.url)]));
    let failed = 0;
    const loop = async (offsetMs: number): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        const reply = await post(gateway);
        if (reply.status !== 200) failed++;
        await reply.text();
        await sleep(1_900 + offsetMs);
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, i) => loop(i * 6)));
    expect(failed).toBe(0);
    expect(gateway.spool.predictions.every(({ attempts }) => attempts === 1)).toBe(true);
  });
});
