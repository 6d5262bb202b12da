import { createHash } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import { fc } from '../support/property.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bytesOf,
  MemoryPlanSource,
  modelPlan,
  startGateway,
  startUpstream,
  trafficPlan,
  versionPlan,
  type TestGateway,
  type TestUpstream,
} from '../support/gateway.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

let seen: Seen[] = [];
/** What the upstream answers; echoes the request's body by default. */
let answer: { status: number; headers: string[]; body: Buffer; chunked: boolean } | null = null;
let upstream: TestUpstream;
let gateway: TestGateway;
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  upstream = await startUpstream((req, res) => {
    void bytesOf(req).then((body) => {
      const { method = '', url = '', rawHeaders, headers } = req;
      seen.push({ method, url, rawHeaders, headers, body });
      const {
        status,
        headers: given,
        body: bytes,
        chunked,
      } = answer ?? {
        status: 200,
        headers: ['content-type', headers['content-type'] ?? 'application/octet-stream'],
        body,
        chunked: body.length % 2 === 1,
      };
      res.writeHead(status, chunked ? given : [...given, 'content-length', String(bytes.length)]);
      res.end(bytes);
    });
  });
  const version = versionPlan('v1', `${upstream.url}/base/`);
  gateway = await startGateway(new MemoryPlanSource(trafficPlan(3, modelPlan([version]))));
});

afterAll(async () => {
  agent.destroy();
  await gateway.close();
  await upstream.close();
});

function send(
  path: string,
  options: { method?: string; headers?: readonly string[]; body?: Buffer; chunked?: boolean } = {},
): Promise<Reply> {
  seen = [];
  const { method = 'POST', headers = [], body = Buffer.alloc(0), chunked = false } = options;
  const length = chunked || method === 'GET' ? [] : ['content-length', String(body.length)];
  const { port } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    const req = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent,
        headers: ['host', 'gateway.test', ...headers, ...length],
      },
      (res) => {
        void bytesOf(res).then((bytes) => {
          const { statusCode = 0, headers: got, rawHeaders } = res;
          resolve({ status: statusCode, headers: got, rawHeaders, body: bytes });
        }, reject);
      },
    );
    req.on('error', reject);
    req.end(body);
  });
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('the gateway passes on', () => {
  it.each([
    ['an empty body', Buffer.alloc(0)],
    [
      'numbers that re-serialising would change',
      Buffer.from('{"a":12345678901234567890,"b":1e400}'),
    ],
    ['white space and key order', Buffer.from('{ "b" : 1,\n "a":2, "a":3 }')],
    ['gzip', gzipSync(Buffer.from('x'.repeat(10_000)))],
    ['every byte value', Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256))],
    ['a body of 1 MiB', Buffer.alloc(1024 * 1024, 7)],
  ])('%s byte for byte, both ways', async (_name, body) => {
    const reply = await send('/models/m/echo', { body });
    expect(digest(seen[0]?.body ?? Buffer.from('none'))).toBe(digest(body));
    expect(digest(reply.body)).toBe(digest(body));
  });

  it('any body byte for byte, of known length and chunked, both ways', async () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 4_000 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.nat(200_000).map((length) => Buffer.alloc(length, length)),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.boolean(), async (body, chunked) => {
        const reply = await send('/models/m/echo', { body, chunked });
        expect(reply.status).toBe(200);
        expect(digest(seen[0]?.body ?? Buffer.from('none'))).toBe(digest(body));
        expect(digest(reply.body)).toBe(digest(body));
      }),
      { numRuns: 400 },
    );
  });

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'method %s',
    async (method) => {
      const reply = await send('/models/m/x', { method });
      expect(reply.status).toBe(200);
      expect(seen[0]?.method).toBe(method);
    },
  );

  it.each([
    ['/models/m', '/base'],
    ['/models/m/', '/base/'],
    ['/models/m?a=1', '/base?a=1'],
    ['/models/m/v1/predict', '/base/v1/predict'],
    ['/models/m/a%2Fb/%20c?q=%2e%2e&q=a+b&empty=', '/base/a%2Fb/%20c?q=%2e%2e&q=a+b&empty='],
    ['/models/m//double//slash', '/base//double//slash'],
    ['/models/m/x?next=../../y', '/base/x?next=../../y'],
    ['/models/m/models/m/x', '/base/models/m/x'],
  ])('target %s as %s', async (given, expected) => {
    await send(given);
    expect(seen[0]?.url).toBe(expected);
  });

  it.each([200, 201, 204, 301, 304, 307, 400, 404, 418, 429, 500, 503])(
    'status %i unchanged, redirects included',
    async (status) => {
      answer = {
        status,
        headers: ['location', 'http://127.0.0.1:9/'],
        body: Buffer.alloc(0),
        chunked: false,
      };
      const reply = await send('/models/m/x');
      answer = null;
      expect(reply.status).toBe(status);
      expect(reply.headers.location).toBe('http://127.0.0.1:9/');
      expect(seen).toHaveLength(1);
    },
  );

  it('end-to-end headers as they came, repeated ones and Latin-1 included', async () => {
    answer = {
      status: 200,
      headers: ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Mixed-Case', 'caf\u00e9'],
      body: Buffer.from('ok'),
      chunked: false,
    };
    const reply = await send('/models/m/x', {
      headers: [
        'X-Trace',
        'one',
        'X-Trace',
        'two',
        'Authorization',
        'Bearer t',
        'X-Name',
        'caf\u00e9',
      ],
    });
    answer = null;
    expect(reply.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(reply.rawHeaders).toContain('X-Mixed-Case');
    expect(reply.headers['x-mixed-case']).toBe('caf\u00e9');
    expect(seen[0]?.rawHeaders.filter((part) => part === 'X-Trace')).toHaveLength(2);
    expect(seen[0]?.headers.authorization).toBe('Bearer t');
    expect(seen[0]?.headers['x-name']).toBe('caf\u00e9');
  });

  it('a compressed answer without touching it', async () => {
    const body = gzipSync(Buffer.from('{"a":1}'));
    answer = { status: 200, headers: ['content-encoding', 'gzip'], body, chunked: true };
    const reply = await send('/models/m/x', { headers: ['accept-encoding', 'gzip'] });
    answer = null;
    expect(reply.headers['content-encoding']).toBe('gzip');
    expect(reply.body.equals(body)).toBe(true);
    expect(seen[0]?.headers['accept-encoding']).toBe('gzip');
  });
});

describe('the gateway does not pass on', () => {
  it('hop-by-hop headers, those that Connection lists, the host and its own credentials', async () => {
    await send('/models/m/x', {
      headers: [
        ...['Connection', 'keep-alive, X-Secret-Hop', 'X-Secret-Hop', '1'],
        ...['TE', 'trailers', 'Proxy-Authorization', 'Basic x', 'Keep-Alive', 'timeout=9'],
        ...[
          'X-Sluice-Key',
          'sk_secret',
          'X-Sluice-Override',
          'v9',
          'X-Sluice-Request-Id',
          'forged',
        ],
      ],
    });
    const headers = seen[0]?.headers ?? {};
    expect(headers['x-secret-hop']).toBeUndefined();
    expect(headers['te']).toBeUndefined();
    expect(headers['proxy-authorization']).toBeUndefined();
    expect(headers['keep-alive']).toBeUndefined();
    expect(headers['x-sluice-key']).toBeUndefined();
    expect(headers['x-sluice-override']).toBeUndefined();
    expect(headers['x-sluice-request-id']).not.toBe('forged');
    expect(headers.host).toBe(new URL(upstream.url).host);
  });

  it('hop-by-hop headers of the answer, nor answer headers that forge ours', async () => {
    answer = {
      status: 200,
      headers: [
        ...['Connection', 'keep-alive, X-Hop', 'X-Hop', '1', 'Proxy-Authenticate', 'Basic'],
        ...['X-Sluice-Version', 'v666', 'X-Sluice-Reason', 'forged'],
      ],
      body: Buffer.from('ok'),
      chunked: false,
    };
    const reply = await send('/models/m/x');
    answer = null;
    expect(reply.headers['x-hop']).toBeUndefined();
    expect(reply.headers['proxy-authenticate']).toBeUndefined();
    expect(reply.headers['x-sluice-version']).toBe('v1');
    expect(reply.headers['x-sluice-reason']).toBe('no_unit');
  });
});

describe('every answer', () => {
  it('says its request id, version, reason and config version', async () => {
    const before = gateway.spool.predictions.length;
    const reply = await send('/models/m/x', { headers: ['x-sluice-unit', 'u1'] });
    const prediction = await gateway.spool.prediction(before + 1);
    expect(reply.headers['x-sluice-request-id']).toBe(prediction.requestId);
    expect(reply.headers['x-sluice-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(seen[0]?.headers['x-sluice-request-id']).toBe(prediction.requestId);
    expect(reply.headers).toMatchObject({
      'x-sluice-version': 'v1',
      'x-sluice-reason': 'champion',
      'x-sluice-config-version': '3',
    });
    expect(prediction).toMatchObject({
      model: 'm',
      unitKey: 'u1',
      experimentId: null,
      assignedVersion: 'v1',
      servedVersion: 'v1',
      reason: 'champion',
      status: 200,
      error: false,
      timeout: false,
      fallback: false,
      attempts: 1,
      captured: null,
      configVersion: 3,
    });
    expect(prediction.latencyMs).toBeGreaterThan(0);
  });
});
