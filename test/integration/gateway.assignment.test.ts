import { connect } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { SecretsService } from '../../src/auth/secrets.service.js';
import type { Config } from '../../src/config/config.js';
import type { ModelPlan, TrafficPlan, UnitSource } from '../../src/routing/plan.js';
import {
  bytesOf,
  canaryPlan,
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

const closers: (() => Promise<void>)[] = [];

// All at the end and at once: a gateway takes its time to say goodbye to idle connections.
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

async function echo(): Promise<TestUpstream> {
  const started = await startUpstream((req, res) => {
    void bytesOf(req).then((body) => res.end(body));
  });
  closers.push(() => started.close());
  return started;
}

async function gatewayFor(plan: TrafficPlan, config: Partial<Config> = {}): Promise<TestGateway> {
  const gateway = await startGateway(new MemoryPlanSource(plan), { config });
  closers.push(() => gateway.close());
  return gateway;
}

async function modelGateway(change: Partial<ModelPlan>): Promise<TestGateway> {
  const { url } = await echo();
  const versions = [versionPlan('v1', url), versionPlan('v2', url)];
  return gatewayFor(trafficPlan(1, modelPlan(versions, change)));
}

function raw(gateway: TestGateway, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
    socket.on('close', () => {
      resolve(answer);
    });
    socket.on('error', reject);
    socket.write(Buffer.from(text, 'latin1'));
  });
}

describe('the unit of a request', () => {
  const cases: readonly (readonly [string, UnitSource, string, RequestInit, string | null])[] = [
    ['a header', { header: 'X-User' }, '', { headers: { 'x-user': ' u-7 ' } }, 'u-7'],
    ['a missing header', { header: 'X-User' }, '', {}, null],
    ['an empty header', { header: 'X-User' }, '', { headers: { 'x-user': '  ' } }, null],
    ['a cookie', { cookie: 'sid' }, '', { headers: { cookie: 'a=1; sid=ab%20c; b=2' } }, 'ab c'],
    ['a quoted cookie', { cookie: 'sid' }, '', { headers: { cookie: 'sid="x"' } }, 'x'],
    ['a broken cookie', { cookie: 'sid' }, '', { headers: { cookie: 'sid=%zz' } }, '%zz'],
    ['another cookie', { cookie: 'sid' }, '', { headers: { cookie: 'xsid=1' } }, null],
    ['a query parameter', { query: 'user' }, '?a=1&user=J%C3%BCrgen', {}, 'Jürgen'],
    ['a missing query', { query: 'user' }, '', {}, null],
    ['a pointer', { pointer: '/user/id' }, '', { body: '{"user":{"id":"p-1"}}' }, 'p-1'],
    ['a number', { pointer: '/id' }, '', { body: '{"id":42}' }, '42'],
    [
      'a number beyond 2^53',
      { pointer: '/id' },
      '',
      { body: '{"id":12345678901234567891}' },
      '12345678901234567891',
    ],
    ['an escaped pointer', { pointer: '/a~1b/~0c/1' }, '', { body: '{"a/b":{"~c":[1,"x"]}}' }, 'x'],
    ['an object', { pointer: '/id' }, '', { body: '{"id":{}}' }, null],
    ['an inherited name', { pointer: '/constructor/name' }, '', { body: '{}' }, null],
    ['a body that is no JSON', { pointer: '/id' }, '', { body: '{"id":' }, null],
    ['no body', { pointer: '/id' }, '', { method: 'POST' }, null],
    ['a body 100,000 deep', { pointer: '/id' }, '', { body: '['.repeat(100_000) }, null],
  ];

  it.each(cases)('comes from %s', async (...[, unit, query, init, expected]) => {
    const gateway = await modelGateway({ unit, experiments: [canaryPlan(1)] });
    const method = init.body === undefined ? 'GET' : 'POST';
    const reply = await fetch(`${gateway.url}/models/m/x${query}`, { method, ...init });
    expect(reply.status).toBe(200);
    const prediction = await gateway.spool.prediction(1);
    expect(prediction.reason).toBe(expected === null ? 'no_unit' : 'experiment');
    expect(prediction.unitKey).toBe(expected ?? prediction.requestId);
  });

  it('is the same in UTF-8 whether it comes in a header or in a body', async () => {
    const gateway = await modelGateway({ unit: { header: 'x-user' } });
    const name = Buffer.from('Jürgen').toString('latin1');
    await fetch(`${gateway.url}/models/m`, { headers: { 'x-user': name } });
    expect((await gateway.spool.prediction(1)).unitKey).toBe('Jürgen');
  });

  it('is the request id when every request is its own unit', async () => {
    const gateway = await modelGateway({ unit: { request: true }, experiments: [canaryPlan(1)] });
    await fetch(`${gateway.url}/models/m`);
    const prediction = await gateway.spool.prediction(1);
    expect(prediction.reason).toBe('experiment');
    expect(prediction.unitKey).toBe(prediction.requestId);
  });
});

describe('an experiment', () => {
  it('writes the exposure down before the version is called, and the prediction after', async () => {
    let gateway: TestGateway | null = null;
    const version = await startUpstream((_req, res) => {
      gateway?.spool.mark('called');
      res.end('ok');
    });
    closers.push(() => version.close());
    const versions = [versionPlan('v1', version.url), versionPlan('v2', version.url)];
    const model = modelPlan(versions, { experiments: [canaryPlan(1, { epoch: 2, phase: 4 })] });
    gateway = await gatewayFor(trafficPlan(9, model));
    const reply = await fetch(`${gateway.url}/models/m`, { headers: { 'x-sluice-unit': 'u1' } });
    const prediction = await gateway.spool.prediction(1);
    const { requestId } = prediction;
    expect(gateway.spool.events.map((event) => Object.keys(event)[0])).toEqual([
      'exposure',
      'mark',
      'prediction',
    ]);
    expect(gateway.spool.exposures[0]).toMatchObject({
      requestId,
      model: 'm',
      unitKey: 'u1',
      experimentId: canaryPlan(1).id,
      epoch: 2,
      phase: 4,
      variant: 'candidate',
      version: 'v2',
      configVersion: 9,
    });
    expect(prediction).toMatchObject({ epoch: 2, phase: 4, variant: 'candidate' });
    expect(reply.headers.get('x-sluice-reason')).toBe('experiment');
    expect(reply.headers.get('x-sluice-experiment')).toBeNull();
    expect(reply.headers.get('x-sluice-variant')).toBeNull();
  });

  it('calls no version while its exposure is not on disk', async () => {
    const calls: string[] = [];
    const version = await startUpstream((req, res) => {
      calls.push(String(req.headers['x-sluice-unit']));
      res.end('ok');
    });
    closers.push(() => version.close());
    const versions = [versionPlan('v1', version.url), versionPlan('v2', version.url)];
    const model = modelPlan(versions, { experiments: [canaryPlan(1)] });
    const gateway = await gatewayFor(trafficPlan(1, model));
    gateway.spool.mode = 'hold';
    const abort = new AbortController();
    const call = (unit: string, signal?: AbortSignal): Promise<number> =>
      fetch(`${gateway.url}/models/m`, {
        headers: { 'x-sluice-unit': unit },
        signal: signal ?? null,
      }).then(({ status }) => status);
    const stays = call('stays');
    const leaves = call('leaves', abort.signal);
    await pause(100);
    expect(calls).toEqual([]);
    abort.abort();
    await expect(leaves).rejects.toThrow();
    await pause(50);
    gateway.spool.release();
    expect(await stays).toBe(200);
    await gateway.spool.prediction(2);
    expect(calls).toEqual(['stays']);
    expect(gateway.spool.exposures).toHaveLength(2);
    expect(gateway.spool.predictions.find(({ unitKey }) => unitKey === 'leaves')).toMatchObject({
      status: 0,
      attempts: 0,
      error: false,
      variant: 'candidate',
    });
  });

  it('writes no exposure for a request outside of it', async () => {
    const gateway = await modelGateway({ experiments: [canaryPlan(0)] });
    await fetch(`${gateway.url}/models/m`, { headers: { 'x-sluice-unit': 'u1' } });
    await gateway.spool.prediction(1);
    expect(gateway.spool.exposures).toHaveLength(0);
  });

  it('is named in the answer only if the model allows it', async () => {
    const gateway = await modelGateway({ disclose: true, experiments: [canaryPlan(1)] });
    const reply = await fetch(`${gateway.url}/models/m`, { headers: { 'x-sluice-unit': 'u1' } });
    expect(reply.headers.get('x-sluice-experiment')).toBe('m-v2');
    expect(reply.headers.get('x-sluice-variant')).toBe('candidate');
  });

  it.each(['fail', 'throw'] as const)(
    'loses nobody when the spool cannot write (%s): the champion answers, outside of it',
    async (mode) => {
      const gateway = await modelGateway({ experiments: [canaryPlan(1)] });
      gateway.spool.mode = mode;
      const reply = await fetch(`${gateway.url}/models/m`, {
        method: 'POST',
        body: 'x',
        headers: { 'x-sluice-unit': 'u1' },
      });
      expect(reply.status).toBe(200);
      expect(reply.headers.get('x-sluice-version')).toBe('v1');
      expect(reply.headers.get('x-sluice-reason')).toBe('fault');
      expect(gateway.spool.exposures).toHaveLength(0);
    },
  );

  it('whose version cannot be called leaves its units to the champion', async () => {
    const { url } = await echo();
    const sealed = new SecretsService('another secret').seal({ authorization: 'x' });
    const versions = [versionPlan('v1', url), versionPlan('v2', url, { sealedHeaders: sealed })];
    const model = modelPlan(versions, { experiments: [canaryPlan(1)] });
    const gateway = await gatewayFor(trafficPlan(1, model));
    const reply = await fetch(`${gateway.url}/models/m`, { headers: { 'x-sluice-unit': 'u1' } });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-sluice-version')).toBe('v1');
    expect(reply.headers.get('x-sluice-reason')).toBe('fault');
  });
});

describe('capture', () => {
  const fields = {
    output: { label: '/label', score: '/p/0', missing: '/no', nested: '/p' },
    input: { length: '/n' },
  };

  it('takes scalar fields out of the answer and the request, and leaves others out', async () => {
    const gateway = await modelGateway({ capture: fields });
    const body = '{"label":"spam","p":[0.25,0.75],"n":3}';
    await fetch(`${gateway.url}/models/m`, { method: 'POST', body });
    expect((await gateway.spool.prediction(1)).captured).toEqual({
      label: 'spam',
      score: 0.25,
      length: 3,
    });
  });

  it.each([
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['more than the limit', `{"label":"${'x'.repeat(300 * 1024)}"}`],
  ])('is null when the answer is %s, and the answer passes', async (_name, body) => {
    const gateway = await modelGateway({ capture: { ...fields, input: {} } });
    const reply = await fetch(`${gateway.url}/models/m`, { method: 'POST', body });
    expect((await reply.text()).length).toBe(body.length);
    expect((await gateway.spool.prediction(1)).captured).toBeNull();
  });

  it.each(['gzip', 'br', 'deflate'])('reads answers compressed with %s', async (encoding) => {
    const { gzipSync, brotliCompressSync, deflateSync } = await import('node:zlib');
    const compress = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync }[encoding];
    const version = await startUpstream((_req, res) => {
      res.writeHead(200, { 'content-encoding': encoding });
      res.end(compress?.(Buffer.from('{"label":"ham"}')));
    });
    closers.push(() => version.close());
    const model = modelPlan([versionPlan('v1', version.url)], { capture: fields });
    const gateway = await gatewayFor(trafficPlan(1, model));
    await (await fetch(`${gateway.url}/models/m`)).text();
    expect((await gateway.spool.prediction(1)).captured).toEqual({ label: 'ham' });
  });
});

describe('keys', () => {
  const secrets = new SecretsService('test secret of the gateway');
  const key = (text: string, ...scopes: string[]): TrafficPlan['keys'][number] => ({
    id: text,
    hash: secrets.hash(text),
    scopes,
  });
  const keys = [
    key('predictor', 'predict'),
    key('tester', 'predict', 'predict:override'),
    key('reporter', 'outcomes:write'),
  ];

  async function guarded(gatewayAuth: Config['gatewayAuth']): Promise<TestGateway> {
    const { url } = await echo();
    const model = modelPlan([versionPlan('v1', url), versionPlan('v2', url)]);
    return gatewayFor({ ...trafficPlan(1, model), keys }, { gatewayAuth });
  }

  it.each([
    ['no key', {}, 401],
    ['an unknown key', { 'x-sluice-key': 'stranger' }, 401],
    ['a key without the scope', { 'x-sluice-key': 'reporter' }, 403],
    ['a key with the scope', { 'x-sluice-key': 'predictor' }, 200],
  ])('decide who may predict: %s', async (_name, headers, status) => {
    const gateway = await guarded('key');
    const reply = await fetch(`${gateway.url}/models/m`, { headers });
    expect(reply.status).toBe(status);
    if (status !== 200) {
      expect(reply.headers.get('content-type')).toBe('application/problem+json');
    }
  });

  it.each([
    ['open', { 'x-sluice-override': 'v2' }, 'v1', 'no_unit'],
    ['open', { 'x-sluice-override': 'v2', 'x-sluice-key': 'predictor' }, 'v1', 'no_unit'],
    ['open', { 'x-sluice-override': 'v2', 'x-sluice-key': 'tester' }, 'v2', 'override'],
    ['key', { 'x-sluice-override': 'v2', 'x-sluice-key': 'tester' }, 'v2', 'override'],
    ['key', { 'x-sluice-override': 'v9', 'x-sluice-key': 'tester' }, 'v1', 'no_unit'],
    ['key', { 'x-sluice-override': 'v2', 'x-sluice-key': 'predictor' }, 'v1', 'no_unit'],
  ] as const)('decide who may override (%s, %j)', async (auth, headers, version, reason) => {
    const gateway = await guarded(auth);
    const reply = await fetch(`${gateway.url}/models/m`, { headers });
    expect(reply.headers.get('x-sluice-version')).toBe(version);
    expect(reply.headers.get('x-sluice-reason')).toBe(reason);
  });

  it('stop working with the plan that no longer has them', async () => {
    const gateway = await guarded('key');
    const headers = { 'x-sluice-key': 'predictor' };
    expect((await fetch(`${gateway.url}/models/m`, { headers })).status).toBe(200);
    const { url } = await echo();
    gateway.source.publish(trafficPlan(2, modelPlan([versionPlan('v1', url)])));
    await gateway.live.refresh();
    expect((await fetch(`${gateway.url}/models/m`, { headers })).status).toBe(401);
  });
});

describe('upstream secrets', () => {
  it('are unsealed into headers that replace the caller\u2019s of the same name', async () => {
    const got: string[][] = [];
    const version = await startUpstream((req, res) => {
      got.push([String(req.headers.authorization), String(req.headers['x-own'])]);
      res.end('ok');
    });
    closers.push(() => version.close());
    const secrets = new SecretsService('test secret of the gateway');
    const sealedHeaders = secrets.seal({ Authorization: 'Bearer upstream' });
    const model = modelPlan([versionPlan('v1', version.url, { sealedHeaders })]);
    const gateway = await gatewayFor(trafficPlan(1, model));
    const headers = { authorization: 'Bearer caller', 'x-own': '1' };
    await fetch(`${gateway.url}/models/m`, { headers });
    expect(got).toEqual([['Bearer upstream', '1']]);
  });
});

describe('the door', () => {
  it.each([
    ['/models/unknown/x', 404, 'unknown_model'],
    ['/models/constructor/x', 404, 'unknown_model'],
    ['/models/', 404, 'not_found'],
    ['/', 404, 'not_found'],
    ['/api/v1/models', 404, 'not_found'],
    ['/models/m/a%2f..%2fb', 400, 'malformed_request'],
  ])('answers %s with %i as a problem', async (path, status, code) => {
    const gateway = await modelGateway({});
    const reply = await fetch(gateway.url + path);
    expect(reply.status).toBe(status);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(await reply.json()).toMatchObject({ status, code });
  });

  it.each<readonly [string, string, number]>([
    ['two hosts', 'GET /models/m HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n', 400],
    ['no host', 'GET /models/m HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    [
      'a target of another host',
      'GET http://evil/models/m HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      400,
    ],
    [
      'a target of the same host',
      'GET http://A/models/m HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      200,
    ],
    [
      'another transfer coding',
      'POST /models/m HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'length and chunks',
      'POST /models/m HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
      400,
    ],
    ...['/../x', '/a/..', '/%2e%2E/admin', '/a/%2E.?q', '/a/..;/b', '/..%5cx'].map(
      (path) =>
        [
          `the climbing path ${path}`,
          `GET /models/m${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
          400,
        ] as const,
    ),
    [
      'dots that do not climb',
      'GET /models/m/..a/b../a..b/...?x=/../ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      200,
    ],
    [
      'a chunked body',
      'POST /models/m HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
      200,
    ],
  ])('takes a request with %s as it should', async (_name, text, status) => {
    const gateway = await modelGateway({});
    expect(await raw(gateway, text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it.each([false, true])('refuses a body over 1 MiB with 413 (chunked: %s)', async (chunked) => {
    const gateway = await modelGateway({});
    const body = Buffer.alloc(3 * 1024 * 1024, 1);
    const init: RequestInit = { method: 'POST', body };
    if (chunked) {
      init.body = new Blob([body]).stream();
      Object.assign(init, { duplex: 'half' });
    }
    const reply = await fetch(`${gateway.url}/models/m`, init);
    expect(reply.status).toBe(413);
    expect(await reply.json()).toMatchObject({ code: 'body_too_large' });
    expect(gateway.spool.predictions).toHaveLength(0);
  });

  it('says live, ready and its metrics without a database', async () => {
    const gateway = await modelGateway({});
    gateway.source.isReady = false;
    await (await fetch(`${gateway.url}/models/m`)).text();
    await gateway.spool.prediction(1);
    expect((await fetch(`${gateway.url}/live`)).status).toBe(200);
    const ready = await fetch(`${gateway.url}/ready`);
    expect(await ready.json()).toEqual({ ready: true, configVersion: 1 });
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain(
      'sluice_gateway_requests_total{model="m",version="v1",status="2xx"} 1',
    );
    expect(metrics).toContain('sluice_gateway_plan_version 1');
    expect(metrics).toContain('sluice_spool_lag_seconds');
  });

  it('answers 503 for a model that has no champion yet', async () => {
    const gateway = await gatewayFor(trafficPlan(1, modelPlan([])));
    const reply = await fetch(`${gateway.url}/models/m`);
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: 'no_champion' });
  });

  it('answers 503, and does not stay silent, when the exposure is lost and no champion can be called', async () => {
    const { url } = await echo();
    const plan = modelPlan([versionPlan('v1', 'no url'), versionPlan('v2', url)], {
      experiments: [canaryPlan(1)],
    });
    const gateway = await gatewayFor(trafficPlan(1, plan));
    gateway.spool.mode = 'fail';
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, unit) =>
        fetch(`${gateway.url}/models/m`, {
          headers: { 'x-sluice-unit': `u${unit}` },
          signal: AbortSignal.timeout(5_000),
        }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 503));
  });
});

describe('an address that may not be called', () => {
  it.each(['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '2130706433'])(
    'is refused at the connect: %s',
    async (host) => {
      const { url } = await echo();
      const version = versionPlan('v1', `http://${host}:${new URL(url).port}`);
      const gateway = await gatewayFor(trafficPlan(1, modelPlan([version])), {
        allowLoopback: false,
      });
      expect((await fetch(`${gateway.url}/models/m`)).status).toBe(502);
    },
  );

  it('is allowed by its name where loopback is', async () => {
    const { url } = await echo();
    const version = versionPlan('v1', url.replace('127.0.0.1', 'localhost'));
    const gateway = await gatewayFor(trafficPlan(1, modelPlan([version])));
    expect((await fetch(`${gateway.url}/models/m`)).status).toBe(200);
  });
});
