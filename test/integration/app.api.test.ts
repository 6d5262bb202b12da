import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice } from '../../src/app/start.js';
import type { RunningSluice } from '../../src/app/start.js';
import type { ApiDocument } from '../../src/app/openapi.js';
import { CONTROL_SCOPES, DATA_SCOPES, grants } from '../../src/auth/scope.js';
import type { Scope } from '../../src/auth/scope.js';
import { testConfig } from '../support/config.js';
import { rawRequest } from '../support/http.js';
import { freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

const dataDir = mkdtempSync(join(tmpdir(), 'sluice-api-'));
let db: TestDatabase;
let sluice: RunningSluice;
let document: ApiDocument;

interface Call {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

function call(method: string, path: string, { key = sluice.adminKey, body, headers }: Call = {}) {
  return fetch(sluice.controlUrl + path, {
    method: method.toUpperCase(),
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function keyWith(scopes: readonly Scope[]): Promise<string> {
  const answer = await call('POST', '/api/v1/keys', { body: { name: scopes.join('+'), scopes } });
  return ((await answer.json()) as { key: string }).key;
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      method,
      // no request here gets past the guard with this id: nothing has it
      path: path.replaceAll(/\{(\w+)\}/g, '00000000-0000-7000-8000-000000000000'),
      name: `${method} ${path}`,
      scope: (security[0]?.['key']?.[0] ?? null) as Scope | null,
    })),
  );

beforeAll(async () => {
  db = await freshDatabase();
  sluice = await startSluice(testConfig({ dataDir, databaseUrl: db.url }));
  document = (await (await call('GET', '/api/openapi.json', { key: null })).json()) as ApiDocument;
});

afterAll(async () => {
  await sluice.close();
  await db.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('scopes', () => {
  it('are asked for by every route but health and documentation', () => {
    const open = operations().filter(({ scope }) => scope === null);
    expect(open.map(({ name }) => name).sort()).toEqual([
      'delete /api/v1/session',
      'get /api/docs',
      'get /api/openapi.json',
      'get /api/v1/session',
      'get /live',
      'get /metrics',
      'get /ready',
      'get /status',
      'post /api/v1/session',
    ]);
    expect(operations().length).toBeGreaterThan(20);
  });

  it('open public routes without a key', async () => {
    for (const { method, path, name, scope } of operations()) {
      if (scope !== null || name === 'post /api/v1/session') continue;
      const headers = { origin: sluice.controlUrl };
      expect((await call(method, path, { key: null, headers })).status, name).toBe(200);
    }
  });

  it('are refused with 401 without a key, with a wrong one and with another kind of credentials', async () => {
    for (const { method, path, name, scope } of operations()) {
      if (scope === null) continue;
      const answers = await Promise.all([
        call(method, path, { key: null }),
        call(method, path, { key: 'sl_unknown_unknown_unknown' }),
        call(method, path, { key: null, headers: { authorization: `Basic ${sluice.adminKey}` } }),
        call(method, path, { key: null, headers: { 'x-sluice-key': sluice.adminKey! } }),
      ]);
      for (const answer of answers) {
        expect(answer.status, name).toBe(401);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="sluice"');
      }
    }
  });

  it.each([...CONTROL_SCOPES, ...DATA_SCOPES])(
    'refuse with 403 all that %s does not cover, and nothing that it covers',
    async (held) => {
      const key = await keyWith([held]);
      for (const { method, path, name, scope } of operations()) {
        if (scope === null) continue;
        const { status } = await call(method, path, { key });
        if (grants([held], scope)) expect([401, 403], name).not.toContain(status);
        else expect(status, name).toBe(403);
      }
    },
    60_000,
  );
});

describe('problems', () => {
  const problem = async (answer: Response): Promise<Record<string, unknown>> => {
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body['status']).toBe(answer.status);
    expect(body).toMatchObject({
      type: `urn:sluice:problem:${String(body['code'])}`,
      defects: expect.any(Array),
    });
    return body;
  };

  it('answer what is wrong with a body field by field', async () => {
    const answer = await call('PUT', '/api/v1/models/spam', {
      body: { timeoutMs: -5, colour: 'red' },
    });
    expect(answer.status).toBe(422);
    expect(await problem(answer)).toMatchObject({
      code: 'invalid_input',
      instance: '/api/v1/models/spam',
      defects: expect.arrayContaining([
        { field: '/timeoutMs', given: -5, expected: '1 to 600000 milliseconds' },
        expect.objectContaining({ field: '/colour' }),
      ]),
    });
  });

  it.each([
    ['GET', '/nowhere', 404, 'not_found'],
    ['GET', '/api/v1/models/unknown', 404, 'not_found'],
    ['GET', '/api/v1/models/BAD', 422, 'invalid_input'],
    ['GET', '/api/v1/models/%zz', 400, 'malformed'],
    ['DELETE', '/api/v1/models/spam', 405, 'method_not_allowed'],
    ['POST', '/live', 405, 'method_not_allowed'],
  ])('answer %s %s with %i %s', async (method, path, status, code) => {
    const answer = await call(method, path);
    expect(answer.status).toBe(status);
    expect(await problem(answer)).toMatchObject({ code });
  });

  it('name the methods that a path takes', async () => {
    const answer = await call('DELETE', '/api/v1/models/spam');
    expect(answer.headers.get('allow')).toBe('GET, PUT');
  });

  it.each([
    ['broken JSON', '{"a":', 422],
    ['JSON that nests 100,000 deep', '['.repeat(100_000), 422],
    ['a body above 1 MiB', JSON.stringify({ a: 'x'.repeat(1_048_577) }), 413],
    ['a list in place of an object', '[]', 422],
    ['polluting names', '{"__proto__":{"admin":true}}', 422],
  ])('answer %s', async (_what, body, status) => {
    const answer = await call('PUT', '/api/v1/models/shape', { body });
    expect(answer.status).toBe(status);
    await problem(answer);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it('answer another content type with 415', async () => {
    const headers = { 'content-type': 'application/xml' };
    const answer = await call('PUT', '/api/v1/models/spam', { body: '<a/>', headers });
    expect(answer.status).toBe(415);
    await problem(answer);
  });

  it('are never cached and never sniffed', async () => {
    const answer = await call('GET', '/api/v1/models');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });
});

describe('the edge', () => {
  const get = (head: string) =>
    rawRequest(sluice.controlUrl, `GET /live HTTP/1.1\r\n${head}\r\n\r\n`, 400);

  it('answers a plain request', async () => {
    expect(await get('Host: a')).toMatch(/^HTTP\/1\.1 200/);
  });

  it.each([
    ['two Host headers', 'Host: a\r\nHost: b'],
    ['no Host header', 'X: y'],
    ['a transfer coding that is not chunked', 'Host: a\r\nTransfer-Encoding: gzip, chunked'],
    [
      'a length and a transfer coding',
      'Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked',
    ],
  ])('refuses %s', async (_what, head) => {
    expect(await get(head)).toMatch(/^HTTP\/1\.1 400/);
  });

  it('refuses an absolute target that names another host', async () => {
    const text = 'GET http://other/live HTTP/1.1\r\nHost: a\r\n\r\n';
    expect(await rawRequest(sluice.controlUrl, text, 400)).toMatch(/^HTTP\/1\.1 400/);
  });

  it('refuses more than 16 KiB of headers', async () => {
    expect(await get(`Host: a\r\nX: ${'x'.repeat(17_000)}`)).toMatch(/^HTTP\/1\.1 431/);
  });
});

describe('health', () => {
  const read = async (path: string) => (await call('GET', path, { key: null })).json();

  it('says that it lives, is ready, and what it does', async () => {
    expect(await read('/live')).toEqual({ live: true });
    expect(await read('/ready')).toEqual({ ready: true });
    expect(await read('/status')).toMatchObject({
      product: 'sluice',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      roles: ['gateway', 'control', 'worker'],
      ready: true,
      database: { kind: 'external', ready: true },
      queue: 'postgres',
      configVersion: expect.any(Number),
      spool: { unshippedBytes: 0, dropped: 0, failure: null },
    });
  });

  it('shows telemetry in Prometheus format', async () => {
    const answer = await call('GET', '/metrics', { key: null });
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await answer.text();
    expect(text).toContain('sluice_database_ready 1');
    expect(text).toContain('sluice_ready 1');
    expect(text).toContain('sluice_queue_ready 1');
    expect(text).toContain('process_cpu_seconds_total');
  });
});

describe('the documentation', () => {
  it('says of every route what it does', () => {
    const silent = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { summary }]) =>
        summary === '' ? [`${method} ${path}`] : [],
      ),
    );
    expect(silent).toEqual([]);
  });

  it('has an operation id per route and a schema for every body', () => {
    const all = Object.values(document.paths).flatMap((methods) => Object.entries(methods));
    const ids = all.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const bodiless = all.filter(
      ([method, { requestBody }]) => /put|post|patch/.test(method) && requestBody === undefined,
    );
    expect(bodiless.map(([, { operationId }]) => operationId)).toEqual([
      'rolloutsReplay',
      'webhooksTest',
      'webhooksRedeliver',
    ]);
  });

  it('is a page under a policy that lets it load nothing', async () => {
    const answer = await call('GET', '/api/docs', { key: null });
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await answer.text()).toContain('/api/v1/models/{model}');
  });
});
